package transform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

// severalPackages is a key of once.
type severalPackages struct{}

// severalPackages says what shows, without sight of the context, that the
// repository holds several packages of JavaScript, each with a manifest of its own that an
// install at the top reads.
func (o *reorder) severalPackages() string {
	p := o.p
	why := once(p, severalPackages{}, func() string {
		for _, in := range p.File.Instructions {
			if what := p.packagesNamed(in); what != "" {
				return fmt.Sprintf("line %d %s", in.StartLine, what)
			}
		}
		return ""
	})
	if why == "" {
		return ""
	}
	return why + ": which manifests the packages have is only known from the build context (--context)"
}

// packagesNamed says how an instruction deals with the packages of a
// workspace, or "".
func (p *Pass) packagesNamed(in *parse.Instruction) string {
	if c := p.Facts.Copy(in); c != nil && c.Local() {
		for _, s := range c.Sources {
			if dir := path.Base(s.Path.S); isWorkspaceDir(dir) && s.Path.S == dir {
				return "copies " + dir
			}
		}
		return ""
	}
	var words []string
	switch in.Name {
	case "RUN", "CMD", "ENTRYPOINT":
		if in.Form == parse.Exec {
			for _, w := range in.Words {
				words = append(words, w.Value)
			}
		} else if s := p.Facts.Script(in); s != nil {
			calls, _ := s.Commands()
			for _, c := range calls {
				words = append(words, shell.Literals(c)...)
			}
		}
	}
	i := slices.IndexFunc(words, func(w string) bool {
		switch name, _, _ := strings.Cut(w, "@"); name {
		case "turbo", "lerna", "nx", "workspace", "workspaces":
			return true
		}
		return strings.HasPrefix(w, "--workspace") || strings.HasPrefix(w, "lerna:")
	})
	if i < 0 {
		return ""
	}
	return "names " + words[i]
}

// isWorkspaceDir tells the folders that repositories of several packages keep
// them in.
func isWorkspaceDir(name string) bool {
	switch name {
	case "packages", "apps", "workspaces":
		return true
	}
	return false
}
