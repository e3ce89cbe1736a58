package main

import (
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/transform"
)

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

// flagsOf are the flags of a command in the order of the help, without hidden
// ones.
func flagsOf(cmd *command) []flagInfo {
	var out []flagInfo
	for f := range cmd.eachFlag() {
		if !f.hidden {
			out = append(out, infoOf(cmd, f))
		}
	}
	return append(out, infoOf(cmd, &helpFlag))
}

func infoOf(cmd *command, f *flag) flagInfo {
	info := flagInfo{names: []string{dashed(f.name)}, usage: f.usage, category: f.category, def: f.def, value: "VALUE"}
	if f.short != "" {
		info.names = append(info.names, dashed(f.short))
	}
	info.takes, info.optional = f.kind != isSwitch && f.without == "", f.without != ""
	choices, ok := flagChoices[cmd.name+" "+f.name]
	if !ok {
		choices = flagChoices[f.name]
	}
	info.choices = strings.Fields(choices)
	if f.name == "select" || f.name == "ignore" {
		info.choices = transformNames()
	}
	if before, rest, ok := strings.Cut(info.usage, "`"); ok {
		name, after, _ := strings.Cut(rest, "`")
		info.usage, info.value = before+name+after, name
	}
	return info
}

func transformNames() []string {
	var out []string
	for _, t := range transform.All() {
		out = append(out, t.Name)
	}
	sort.Strings(out)
	return out
}
