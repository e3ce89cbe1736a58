package facts

import (
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

var (
	ecoPipenv = Ecosystem{
		Name: "pipenv", Project: "Pipfile", Optional: []string{"Pipfile.lock"}, Lock: []string{"Pipfile.lock"},
		Guess: []string{"Pipfile", "Pipfile.lock*"}, Writes: []string{".venv"}, inspect: inspectPipenv,
	}
	ecoPoetry = Ecosystem{
		Name: "poetry", Project: "pyproject.toml", Optional: []string{"poetry.lock", "poetry.toml"}, Lock: []string{"poetry.lock"},
		Guess: []string{"pyproject.toml", "poetry.lock*", "poetry.toml*"}, Writes: []string{".venv"}, inspect: inspectPyproject,
	}
	ecoUv = Ecosystem{
		Name: "uv", Project: "pyproject.toml", Optional: []string{"uv.lock", "uv.toml", ".python-version"}, Lock: []string{"uv.lock"},
		Guess: []string{"pyproject.toml", "uv.lock*", ".python-version*"}, Writes: []string{".venv"}, inspect: inspectPyproject,
	}
	ecoConda = Ecosystem{Name: "conda", inspect: inspectConda}
)

// inspectPipenv looks for local packages in a Pipfile, see
// https://pipenv.pypa.io/en/latest/pipfile.html.
func inspectPipenv(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "Pipfile")
	var pf map[string]any
	if !readTOML(t, p, n, &pf) {
		return
	}
	if l := in.lock(t); l != "" && !in.Locked {
		n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(l))
	}
	for _, section := range sortedAny(pf) {
		pkgs, _ := pf[section].(map[string]any)
		if section == "source" || section == "requires" || section == "scripts" || section == "pipenv" {
			continue
		}
		for _, name := range sortedAny(pkgs) {
			spec, _ := pkgs[name].(map[string]any)
			pythonPath(t, in, n, p, name, spec)
		}
	}
}

// pythonPath follows the path, file or editable entry of a dependency table.
func pythonPath(t *Tree, in *DepsInstall, n *Needs, manifest, name string, spec map[string]any) {
	for _, key := range []string{"path", "file"} {
		s, ok := spec[key].(string)
		if !ok || strings.Contains(s, "://") {
			continue
		}
		p := join(path.Dir(manifest), s)
		switch {
		case Within(in.Dir, p):
			n.stop("%s installs the project itself (%s)", t.rel(manifest), name)
		case t.IsDir(p):
			n.dir(p)
			n.doubt("%s builds %s from its sources", t.rel(manifest), s)
		case t.Exists(p):
			n.file(p)
		default:
			n.stop("%s names %s, which is not among the copied files of the build context", t.rel(manifest), s)
		}
	}
}

// inspectPyproject looks at a pyproject.toml for poetry and uv: whether the
// project itself is installed, and for local packages. See
// https://python-poetry.org/docs/pyproject/ and
// https://docs.astral.sh/uv/concepts/projects/config/.
func inspectPyproject(t *Tree, in *DepsInstall, n *Needs) {
	p := path.Join(in.Dir, "pyproject.toml")
	var pp struct {
		Project struct {
			Dependencies []string
			Dynamic      []string
			Optional     map[string][]string `toml:"optional-dependencies"`
		}
		BuildSystem map[string]any   `toml:"build-system"`
		Groups      map[string][]any `toml:"dependency-groups"`
		Tool        struct {
			Poetry struct {
				PackageMode  *bool          `toml:"package-mode"`
				Dependencies map[string]any `toml:"dependencies"`
				Dev          map[string]any `toml:"dev-dependencies"`
				Group        map[string]struct{ Dependencies map[string]any }
			}
			UV struct {
				Package   *bool
				Sources   map[string]any
				Workspace map[string]any
			} `toml:"uv"`
		}
	}
	if !readTOML(t, p, n, &pp) {
		return
	}
	itself := !in.NoProject
	if in.Ecosystem.Name == "poetry" {
		itself = itself && (pp.Tool.Poetry.PackageMode == nil || *pp.Tool.Poetry.PackageMode)
	} else {
		isPackage := len(pp.BuildSystem) > 0
		if pp.Tool.UV.Package != nil {
			isPackage = *pp.Tool.UV.Package
		}
		itself = itself && isPackage
		if len(pp.Tool.UV.Workspace) > 0 {
			n.stop("%s is the root of a workspace", t.rel(p))
		}
		if l := in.lock(t); l != "" && !in.Locked {
			n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(l))
		}
	}
	if itself {
		n.stop("the install builds the project itself, not only its dependencies")
		return
	}
	if in.Locked && in.lock(t) == "" {
		n.stop("the install needs a lock file, and none is among the copied files of the build context")
	}
	tables := []map[string]any{pp.Tool.Poetry.Dependencies, pp.Tool.Poetry.Dev, pp.Tool.UV.Sources}
	for _, g := range pp.Tool.Poetry.Group {
		tables = append(tables, g.Dependencies)
	}
	for _, deps := range tables {
		for _, name := range sortedAny(deps) {
			specs, ok := deps[name].([]any)
			if !ok {
				specs = []any{deps[name]}
			}
			for _, s := range specs {
				spec, _ := s.(map[string]any)
				if spec["workspace"] == true {
					n.stop("%s takes %s from a workspace", t.rel(p), name)
				}
				pythonPath(t, in, n, p, name, spec)
			}
		}
	}
	for _, list := range append([][]string{pp.Project.Dependencies}, mapValues(pp.Project.Optional)...) {
		for _, d := range list {
			if isLocalRequirement(d) {
				n.stop("%s names the local package %s", t.rel(p), d)
			}
		}
	}
	if slices.Contains(pp.Project.Dynamic, "dependencies") {
		n.stop("%s has its dependencies in other files", t.rel(p))
	}
}

// inspectConda looks at environment files, see
// https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html.
func inspectConda(t *Tree, in *DepsInstall, n *Needs) {
	for _, f := range in.Files {
		if !strings.HasSuffix(f, ".yml") && !strings.HasSuffix(f, ".yaml") {
			continue
		}
		data, ok := t.Read(f)
		var env struct {
			Dependencies []any
			Prefix       string
		}
		if !ok || yaml.Unmarshal(data, &env) != nil {
			n.stop("%s is not understood", t.rel(f))
			return
		}
		for _, d := range env.Dependencies {
			pip, _ := d.(map[string]any)
			list, _ := pip["pip"].([]any)
			for _, r := range list {
				line, _ := r.(string)
				sub := DepsInstall{Ecosystem: in.Ecosystem, Dir: path.Dir(f), Cwd: path.Dir(f)}
				switch opt, arg := requirementOption(line); opt {
				case "-r", "--requirement", "-c", "--constraint":
					sub.Files = []string{join(path.Dir(f), arg)}
					inspectPip(t, &sub, n)
				case "-e", "--editable":
					if !strings.Contains(arg, "://") {
						localRequirement(t, &sub, n, f, arg)
					}
				case "":
					if isLocalRequirement(line) {
						localRequirement(t, &sub, n, f, line)
					}
				}
			}
		}
	}
}

func readTOML(t *Tree, p string, n *Needs, v any) bool {
	data, ok := t.Read(p)
	if !ok {
		n.stop("%s cannot be read from the build context", t.rel(p))
		return false
	}
	if err := toml.Unmarshal(data, v); err != nil {
		n.stop("%s is not understood: %v", t.rel(p), err)
		return false
	}
	return true
}

func sortedAny(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func mapValues(m map[string][]string) [][]string {
	var out [][]string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
