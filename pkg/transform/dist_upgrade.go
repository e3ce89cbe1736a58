package transform

import (
	"github.com/refit-dev/refit/pkg/shell"
)

var _ = register(&distUpgradeTransform)

var distUpgradeTransform = Transform{
	Name: "dist-upgrade", Group: "metadata", Codes: []string{"DL3035"}, Safety: Unsafe, Run: distUpgrade,
	Doc: &page{
		Summary: "Upgrade packages without changing the release.",
		What:    "`zypper dist-upgrade` becomes `zypper update`, `apt-get dist-upgrade` and `full-upgrade` become `apt-get upgrade`.",
		Why:     "A distribution upgrade may remove packages and install others: the image is no longer what its tag says.",
		Before:  "FROM opensuse/leap:15.6\nRUN zypper -n dist-upgrade",
		After:   "FROM opensuse/leap:15.6\nRUN zypper -n update",
		Instead: "To move to another release, change the tag in FROM.",
		Safety:  "Unsafe: other versions may be installed.",
		Refs:    []string{practicesURL + "#apt-get", "https://github.com/hadolint/hadolint/wiki/DL3035"},
	},
}

func distUpgrade(p *Pass) {
	for _, r := range p.Programs() {
		for _, c := range r.Cmds {
			name := shell.Name(c)
			if name != "zypper" && name != "apt-get" && name != "apt" {
				continue
			}
			for i, w := range c.Args {
				s, _ := shell.Literal(w)
				to := ""
				switch {
				case name == "zypper" && (s == "dist-upgrade" || s == "dup"):
					to = "update"
				case name != "zypper" && (s == "dist-upgrade" || s == "full-upgrade"):
					to = "upgrade"
				default:
					continue
				}
				edits, effects, err := r.EditCommand(c, Op{At: i, Replace: to})
				if err != nil {
					p.Skip(r.Span(w), "%v", err)
					break
				}
				p.Report(Change{Title: "write " + name + " " + to, At: r.Span(w), Safety: Unsafe, Reason: "a distribution upgrade may remove and replace packages", Edits: edits, Effects: effects})
				break
			}
		}
	}
}
