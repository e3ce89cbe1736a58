package facts

import (
	"encoding/xml"
	"path"
	"regexp"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
)

var ecoDotnet = Ecosystem{
	Name:     "dotnet",
	Optional: []string{"packages.lock.json", "NuGet.Config", "nuget.config", "NuGet.config", "global.json", "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"},
	inspect:  inspectDotnet,
}

// slnProject finds the projects of a solution file, see
// https://learn.microsoft.com/visualstudio/extensibility/internals/solution-dot-sln-file.
var slnProject = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^Project\("\{[^}]*\}"\)\s*=\s*"[^"]*",\s*"([^"]+proj)"`)
}}

// msbuild is what matters of a project file.
type msbuild struct {
	Groups []struct {
		References []struct {
			Include string `xml:"Include,attr"`
		} `xml:"ProjectReference"`
	} `xml:"ItemGroup"`
	Imports []struct {
		Project string `xml:"Project,attr"`
	} `xml:"Import"`
	Targets []struct {
		Before string `xml:"BeforeTargets,attr"`
		After  string `xml:"AfterTargets,attr"`
	} `xml:"Target"`
}

// inspectDotnet finds the project files that dotnet restore reads: the
// solution's or the project's own, and those that they refer to. See
// https://learn.microsoft.com/dotnet/core/tools/dotnet-restore.
func inspectDotnet(t *Tree, in *DepsInstall, n *Needs) {
	start := in.Files
	if len(start) == 0 {
		for _, kinds := range [][]string{{".sln", ".slnx"}, {".csproj", ".fsproj", ".vbproj"}} {
			for _, name := range t.List(in.Dir) {
				for _, k := range kinds {
					if strings.HasSuffix(name, k) {
						start = append(start, path.Join(in.Dir, name))
					}
				}
			}
			if len(start) > 0 {
				break
			}
		}
		if len(start) != 1 {
			n.stop("%d projects or solutions are in %s", len(start), in.Dir)
			return
		}
	}
	seen := map[string]bool{}
	var visit func(p string)
	visit = func(p string) {
		if seen[p] || n.Stop != "" {
			return
		}
		seen[p] = true
		data, ok := t.Read(p)
		if !ok {
			n.stop("%s is not among the copied files of the build context", t.rel(p))
			return
		}
		n.file(p)
		dir := path.Dir(p)
		// What applies to all projects below it, see
		// https://learn.microsoft.com/visualstudio/msbuild/customize-by-directory.
		for d := dir; d != "/"; d = path.Dir(d) {
			for _, f := range in.Ecosystem.Optional {
				if q := path.Join(d, f); t.Exists(q) {
					n.file(q)
					if strings.HasPrefix(f, "Directory.") {
						msbuildFile(t, n, q, visit)
					}
				}
			}
		}
		switch {
		case strings.HasSuffix(p, ".slnx"):
			n.stop("%s is not understood", t.rel(p))
		case strings.HasSuffix(p, ".sln"):
			for _, m := range slnProject.Get().FindAllStringSubmatch(string(data), -1) {
				visit(join(dir, strings.ReplaceAll(m[1], `\`, "/")))
			}
		default:
			n.Writes = append(n.Writes, path.Join(dir, "obj"))
			msbuildFile(t, n, p, visit)
		}
	}
	for _, p := range start {
		visit(p)
	}
}

// msbuildFile follows the references of a project or props file.
func msbuildFile(t *Tree, n *Needs, p string, visit func(string)) {
	data, _ := t.Read(p)
	var m msbuild
	if err := xml.Unmarshal([]byte(strings.TrimPrefix(string(data), "\ufeff")), &m); err != nil {
		n.stop("%s is not understood: %v", t.rel(p), err)
		return
	}
	for _, target := range m.Targets {
		if strings.Contains(target.Before+" "+target.After, "Restore") {
			n.stop("%s runs a target of its own with the restore", t.rel(p))
			return
		}
	}
	for _, im := range m.Imports {
		if strings.Contains(im.Project, "$") {
			n.stop("%s imports %s", t.rel(p), im.Project)
			return
		}
		if q := join(path.Dir(p), strings.ReplaceAll(im.Project, `\`, "/")); t.Exists(q) {
			n.file(q)
			n.doubt("%s imports %s", t.rel(p), im.Project)
		}
	}
	for _, g := range m.Groups {
		for _, r := range g.References {
			if strings.ContainsAny(r.Include, "$*;") {
				n.stop("%s refers to %s", t.rel(p), r.Include)
				return
			}
			if r.Include != "" {
				visit(join(path.Dir(p), strings.ReplaceAll(r.Include, `\`, "/")))
			}
		}
	}
}
