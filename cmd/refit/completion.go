package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/refit-dev/refit/pkg/transform"
)

func completionCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: "bash: refit completion bash >/usr/share/bash-completion/completions/refit\n" +
			"zsh:  refit completion zsh >\"${fpath[1]}/_refit\"\n" +
			"fish: refit completion fish >~/.config/fish/completions/refit.fish",
		Action: func(ctx *cli.Context) error {
			scripts := map[string]func([]*cli.Command) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
			script := scripts[ctx.Args().First()]
			if script == nil || ctx.NArg() != 1 {
				return usagef("completion needs the name of a shell: bash, zsh or fish")
			}
			_, err := fmt.Fprint(c.out, script(ctx.App.VisibleCommands()))
			return err
		},
	}
}

// flagInfo is what completion and the manual need to know of a flag.
type flagInfo struct {
	names    []string // as typed: --write, -w
	usage    string
	takes    bool     // a value
	optional bool     // the value can be left out, and is joined with =
	choices  []string // of the value
	category string
	value    string // its name in the help
	def      string
}

// flagChoices are the values of flags that take one of a few, by flag or, for
// one command, by command and flag.
var flagChoices = map[string]string{
	"cache": "clean mount", "label-style": "label maintainer", "stages": "ships all", "merge-style": "auto and heredoc", "dockerignore": "create merge",
	"operators": "leading trailing", "newline": "keep lf crlf", "color": "auto always never", "fail-on": "note warning error",
	"output-format": "text json sarif rdjson github gitlab", "rules output-format": "text json",
	"engine": "auto docker buildkit podman buildah",
}

func flagsOf(cmd *cli.Command) []flagInfo {
	var out []flagInfo
	for _, f := range append(cmd.VisibleFlags(), cli.HelpFlag) {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok || len(out) > 0 && f.Names()[0] == "help" && out[len(out)-1].names[0] == "--help" {
			continue
		}
		info := flagInfo{takes: doc.TakesValue(), def: doc.GetDefaultText()}
		for _, n := range f.Names() {
			info.names = append(info.names, dashed(n))
		}
		sort.SliceStable(info.names, func(i, j int) bool { return len(info.names[i]) > len(info.names[j]) })
		choices, ok := flagChoices[cmd.Name+" "+f.Names()[0]]
		if !ok {
			choices = flagChoices[f.Names()[0]]
		}
		info.choices = strings.Fields(choices)
		if f.Names()[0] == "select" || f.Names()[0] == "ignore" {
			for _, t := range transform.All() {
				info.choices = append(info.choices, t.Name)
			}
			sort.Strings(info.choices)
		}
		info.usage, info.value = doc.GetUsage(), "VALUE"
		if before, rest, ok := strings.Cut(info.usage, "`"); ok {
			name, after, _ := strings.Cut(rest, "`")
			info.usage, info.value = before+name+after, name
		}
		if c, ok := f.(cli.CategorizableFlag); ok {
			info.category = c.GetCategory()
		}
		if _, ok := f.(*optionalFlag); ok {
			info.takes, info.optional = false, true
		}
		out = append(out, info)
	}
	return out
}

func names(cmds []*cli.Command) []string {
	var out []string
	for _, c := range cmds {
		out = append(out, c.Name)
	}
	return out
}

func bashCompletion(cmds []*cli.Command) string {
	var b strings.Builder
	b.WriteString(`# bash completion for refit
_refit() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flags="" values=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "` + strings.Join(names(cmds), " ") + ` --help --version" -- "$cur"))
    return
  fi
  case "${COMP_WORDS[1]} $prev" in
`)
	for _, cmd := range cmds {
		for _, f := range flagsOf(cmd) {
			if len(f.choices) > 0 {
				fmt.Fprintf(&b, "    \"%s %s\") values=\"%s\" ;;\n", cmd.Name, f.names[0], strings.Join(f.choices, " "))
			}
		}
	}
	b.WriteString("  esac\n  case \"${COMP_WORDS[1]}\" in\n")
	for _, cmd := range cmds {
		var flags []string
		for _, f := range flagsOf(cmd) {
			flags = append(flags, f.names...)
		}
		fmt.Fprintf(&b, "    %s) flags=\"%s\" ;;\n", cmd.Name, strings.Join(flags, " "))
	}
	b.WriteString(`  esac
  if [ -n "$values" ]; then
    COMPREPLY=($(compgen -W "$values" -- "$cur"))
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    case "${COMP_WORDS[1]}" in
      explain) COMPREPLY=($(compgen -W "` + strings.Join(transformNames(), " ") + `" -- "$cur")) ;;
      completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")) ;;
      *) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
  fi
}
complete -o filenames -F _refit refit
`)
	return b.String()
}

func transformNames() []string {
	var out []string
	for _, t := range transform.All() {
		out = append(out, t.Name)
	}
	sort.Strings(out)
	return out
}

func zshCompletion(cmds []*cli.Command) string {
	quote := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	var b strings.Builder
	b.WriteString("#compdef refit\n# zsh completion for refit\n_refit() {\n  local -a commands\n  commands=(\n")
	for _, cmd := range cmds {
		fmt.Fprintf(&b, "    '%s:%s'\n", cmd.Name, quote.Replace(cmd.Usage))
	}
	b.WriteString("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n")
	for _, cmd := range cmds {
		fmt.Fprintf(&b, "    %s)\n      _arguments -s", cmd.Name)
		for _, f := range flagsOf(cmd) {
			for _, n := range f.names {
				arg := ""
				switch {
				case len(f.choices) > 0:
					arg = fmt.Sprintf(":%s:(%s)", f.value, strings.Join(f.choices, " "))
				case f.takes:
					arg = fmt.Sprintf(":%s:_files", f.value)
				}
				fmt.Fprintf(&b, " \\\n        '%s[%s]%s'", n, quote.Replace(f.usage), arg)
			}
		}
		operand := "*:file:_files"
		switch cmd.Name {
		case "explain":
			operand = "*:transform:(" + strings.Join(transformNames(), " ") + ")"
		case "completion":
			operand = "1:shell:(bash zsh fish)"
		}
		fmt.Fprintf(&b, " \\\n        '%s'\n      ;;\n", operand)
	}
	b.WriteString("  esac\n}\nif [ \"$funcstack[1]\" = _refit ]; then\n  _refit \"$@\"\nelse\n  compdef _refit refit\nfi\n")
	return b.String()
}

func fishCompletion(cmds []*cli.Command) string {
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	var b strings.Builder
	b.WriteString("# fish completion for refit\n")
	for _, cmd := range cmds {
		fmt.Fprintf(&b, "complete -c refit -n __fish_use_subcommand -f -a %s -d '%s'\n", cmd.Name, quote.Replace(cmd.Usage))
	}
	for _, cmd := range cmds {
		seen := "-n '__fish_seen_subcommand_from " + cmd.Name + "'"
		for _, f := range flagsOf(cmd) {
			fmt.Fprintf(&b, "complete -c refit %s", seen)
			for _, n := range f.names {
				if strings.HasPrefix(n, "--") {
					fmt.Fprintf(&b, " -l %s", n[2:])
				} else {
					fmt.Fprintf(&b, " -s %s", n[1:])
				}
			}
			switch {
			case len(f.choices) > 0:
				fmt.Fprintf(&b, " -x -a '%s'", strings.Join(f.choices, " "))
			case f.takes:
				b.WriteString(" -r")
			}
			fmt.Fprintf(&b, " -d '%s'\n", quote.Replace(f.usage))
		}
		switch cmd.Name {
		case "explain":
			fmt.Fprintf(&b, "complete -c refit %s -f -a '%s'\n", seen, strings.Join(transformNames(), " "))
		case "completion":
			fmt.Fprintf(&b, "complete -c refit %s -f -a 'bash zsh fish'\n", seen)
		}
	}
	return b.String()
}
