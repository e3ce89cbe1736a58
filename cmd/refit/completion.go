//go:build !plain

package main

import (
	"fmt"
	"strings"
)

func completionCommand(c *console) *command {
	return &command{
		operands: "bash|zsh|fish",
		description: "bash: refit completion bash >/usr/share/bash-completion/completions/refit\n" +
			"zsh:  refit completion zsh >\"${fpath[1]}/_refit\"\n" +
			"fish: refit completion fish >~/.config/fish/completions/refit.fish",
		run: func(ctx *call) error {
			scripts := map[string]func([]*command) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
			script := scripts[ctx.first()]
			if script == nil || len(ctx.args) != 1 {
				return usagef("completion needs the name of a shell: bash, zsh or fish")
			}
			_, err := fmt.Fprint(c.out, script(commands(c)))
			return err
		},
	}
}

func names(cmds []*command) []string {
	var out []string
	for _, c := range cmds {
		out = append(out, c.name)
	}
	return out
}

func bashCompletion(cmds []*command) string {
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
				fmt.Fprintf(&b, "    \"%s %s\") values=\"%s\" ;;\n", cmd.name, f.names[0], strings.Join(f.choices, " "))
			}
		}
	}
	b.WriteString("  esac\n  case \"${COMP_WORDS[1]}\" in\n")
	for _, cmd := range cmds {
		var flags []string
		for _, f := range flagsOf(cmd) {
			flags = append(flags, f.names...)
		}
		fmt.Fprintf(&b, "    %s) flags=\"%s\" ;;\n", cmd.name, strings.Join(flags, " "))
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

func zshCompletion(cmds []*command) string {
	quote := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	var b strings.Builder
	b.WriteString("#compdef refit\n# zsh completion for refit\n_refit() {\n  local -a commands\n  commands=(\n")
	for _, cmd := range cmds {
		fmt.Fprintf(&b, "    '%s:%s'\n", cmd.name, quote.Replace(cmd.usage))
	}
	b.WriteString("  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n")
	for _, cmd := range cmds {
		fmt.Fprintf(&b, "    %s)\n      _arguments -s", cmd.name)
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
		switch cmd.name {
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

func fishCompletion(cmds []*command) string {
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	var b strings.Builder
	b.WriteString("# fish completion for refit\n")
	for _, cmd := range cmds {
		fmt.Fprintf(&b, "complete -c refit -n __fish_use_subcommand -f -a %s -d '%s'\n", cmd.name, quote.Replace(cmd.usage))
	}
	for _, cmd := range cmds {
		seen := "-n '__fish_seen_subcommand_from " + cmd.name + "'"
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
		switch cmd.name {
		case "explain":
			fmt.Fprintf(&b, "complete -c refit %s -f -a '%s'\n", seen, strings.Join(transformNames(), " "))
		case "completion":
			fmt.Fprintf(&b, "complete -c refit %s -f -a 'bash zsh fish'\n", seen)
		}
	}
	return b.String()
}
