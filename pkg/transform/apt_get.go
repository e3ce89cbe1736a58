package transform

import (
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&aptGetTransform)

var aptGetTransform = Transform{
	Name:   "apt-get",
	Group:  "packages",
	Codes:  []string{"DL3027"},
	Safety: Safe,
	Run:    aptGet,
	Doc: text(`Call apt-get instead of apt.

## What
´apt install´, ´update´, ´remove´, ´purge´, ´autoremove´, ´clean´ and the like become ´apt-get´; ´apt full-upgrade´ becomes ´apt-get dist-upgrade´, ´apt upgrade´ becomes ´apt-get upgrade --with-new-pkgs´, ´apt show´ and ´apt policy´ become ´apt-cache´.

## Why
apt is made for people: it warns that its command line may change between versions. apt-get is made for scripts.

## Example
~~~dockerfile before
FROM debian:12
RUN apt update && apt install -y curl
~~~
~~~dockerfile after
FROM debian:12
RUN apt-get update && apt-get install -y curl
~~~

## Instead
Sub-commands that only apt has (´list´, ´search´, ´edit-sources´) stay. To switch it off: ´# refit: ignore=apt-get´.

## Safety
Safe. The sub-commands do the same.

## References
- https://manpages.debian.org/bookworm/apt/apt.8.en.html#SCRIPT_USAGE_AND_DIFFERENCES_FROM_OTHER_APT_TOOLS
- https://github.com/hadolint/hadolint/wiki/DL3027
`),
}

// aptVerbs are apt's sub-commands that a tool for scripts has with the same
// meaning: the tool, and the words for it where they differ.
var aptVerbs = lazy.Value[map[string][2]string]{Make: func() map[string][2]string {
	return map[string][2]string{
		"update": {"apt-get"}, "install": {"apt-get"}, "reinstall": {"apt-get"}, "remove": {"apt-get"}, "purge": {"apt-get"}, "autoremove": {"apt-get"}, "autopurge": {"apt-get"},
		"clean": {"apt-get"}, "autoclean": {"apt-get"}, "build-dep": {"apt-get"}, "source": {"apt-get"}, "download": {"apt-get"}, "changelog": {"apt-get"},
		"full-upgrade": {"apt-get", "dist-upgrade"}, "dist-upgrade": {"apt-get"}, "upgrade": {"apt-get", "upgrade --with-new-pkgs"},
		"show": {"apt-cache"}, "policy": {"apt-cache"}, "depends": {"apt-cache"}, "rdepends": {"apt-cache"},
	}
}}

func aptGet(p *Pass) {
	m := facts.ManagerNamed("apt")
	for _, r := range p.runs(m) {
		for _, v := range p.Facts.Activity(r.In, m).Uses {
			if v.Name != "apt" || v.Verb == "" {
				continue
			}
			at := p.at(r, v)
			to, ok := aptVerbs.Get()[v.Verb]
			switch {
			case !ok:
				p.Skip(at, "apt-get has no %s", v.Verb)
				continue
			case v.Nested:
				p.Skip(at, "apt is called inside the argument of another command")
				continue
			case v.Command.Word == v.VerbAt.Word || r.Script.NodeText(v.Call.Args[v.Command.Word]) != v.Command.Text:
				p.Skip(at, "the command is in a variable")
				continue
			}
			ops := []Op{{At: v.Command.Word, Replace: strings.TrimSuffix(v.Command.Text, "apt") + to[0]}}
			if to[1] != "" {
				ops = append(ops, Op{At: v.VerbAt.Word, Replace: to[1]})
			}
			edits, effects, err := r.EditCommand(v.Call, ops...)
			if err != nil {
				p.Skip(at, "%v", err)
				continue
			}
			p.Report(Change{
				Title: "call " + to[0] + " instead of apt", At: at, Edits: edits, Effects: effects, Safety: Safe,
				Reason: "apt's command line is made for people and may change",
			})
		}
	}
}
