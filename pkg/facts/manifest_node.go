package facts

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/shell"
)

var (
	ecoNpm = Ecosystem{
		Name: "npm", Project: "package.json",
		Optional: []string{"package-lock.json", "npm-shrinkwrap.json", ".npmrc"},
		Lock:     []string{"npm-shrinkwrap.json", "package-lock.json"},
		Guess:    []string{"package*.json", ".npmrc*"},
		Writes:   []string{"node_modules"},
		inspect:  inspectNode,
	}
	ecoYarn = Ecosystem{
		Name: "yarn", Project: "package.json",
		Optional: []string{"yarn.lock", ".yarnrc", ".yarnrc.yml", ".npmrc", ".yarn"},
		Lock:     []string{"yarn.lock"},
		Guess:    []string{"package.json", "yarn.lock*", ".yarnrc*", ".npmrc*"},
		Writes:   []string{"node_modules", ".pnp.cjs", ".pnp.loader.mjs", ".pnp.js"},
		inspect:  inspectNode,
	}
	ecoPnpm = Ecosystem{
		Name: "pnpm", Project: "package.json",
		Optional: []string{"pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ".pnpmfile.cjs", "pnpmfile.js"},
		Lock:     []string{"pnpm-lock.yaml"},
		Guess:    []string{"package.json", "pnpm-lock.yaml*", "pnpm-workspace.yaml*", ".npmrc*"},
		Writes:   []string{"node_modules"},
		inspect:  inspectNode,
	}
	ecoBun = Ecosystem{
		Name: "bun", Project: "package.json",
		Optional: []string{"bun.lock", "bun.lockb", "bunfig.toml", ".npmrc"},
		Lock:     []string{"bun.lock", "bun.lockb"},
		Guess:    []string{"package.json", "bun.lock*", "bunfig.toml*", ".npmrc*"},
		Writes:   []string{"node_modules"},
		inspect:  inspectNode,
	}
)

// packageJSON is what matters of a package.json, see
// https://docs.npmjs.com/cli/configuring-npm/package-json.
type packageJSON struct {
	Scripts              map[string]string
	Dependencies         map[string]string
	DevDependencies      map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	Workspaces           json.RawMessage
	Bin                  json.RawMessage
	Prisma               struct{ Schema string }
	Pnpm                 struct {
		PatchedDependencies map[string]string `json:"patchedDependencies"`
	}
	PatchedDependencies map[string]string `json:"patchedDependencies"` // bun
	PackageManager      string            `json:"packageManager"`
}

// lifecycle are the scripts of a project that an install runs, see
// https://docs.npmjs.com/cli/using-npm/scripts.
var lifecycle = []string{
	"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare",
	"dependencies", "pnpm:devPreinstall",
}

// readers are packages whose own install scripts read files of the project
// that they are installed for; nil: more than can be listed.
var readers = lazy.Value[map[string][]string]{Make: func() map[string][]string {
	return map[string][]string{
		"@prisma/client": {"prisma"},
		"prisma":         {"prisma"},
		"puppeteer":      {".puppeteerrc", ".puppeteerrc.cjs", ".puppeteerrc.js", ".puppeteerrc.json", "puppeteer.config.js", "puppeteer.config.cjs"},
		"@sentry/cli":    {".sentryclirc"},
		"nx":             {"nx.json"},
		"lefthook":       nil,
		"msw":            nil,
	}
}}

func inspectNode(t *Tree, in *DepsInstall, n *Needs) {
	var root packageJSON
	if !readPackage(t, in.Dir, n, &root) {
		return
	}
	noScripts := in.NoScripts
	if rc, ok := t.Read(path.Join(in.Dir, ".npmrc")); ok {
		for line := range strings.SplitSeq(string(rc), "\n") {
			k, v, _ := strings.Cut(line, "=")
			k, v = strings.TrimSpace(k), strings.TrimSpace(v)
			switch {
			case k == "ignore-scripts" && v == "true":
				noScripts = true
			case k == "cafile" || k == "certfile" || k == "keyfile" || k == "prefix" || k == "script-shell" || k == "node-gyp":
				n.doubt("%s sets %s", t.rel(path.Join(in.Dir, ".npmrc")), k)
			}
		}
	}
	lock := in.lock(t)
	if in.Locked && lock == "" && in.Ecosystem.Name != "yarn" {
		n.stop("the install needs a lock file, and none is among the copied files of the build context")
		return
	}
	berry := in.Ecosystem.Name == "yarn" && (t.Exists(path.Join(in.Dir, ".yarnrc.yml")) || yarnBerry(root.PackageManager))
	if lock != "" && !in.Locked && !inSync(t, in, lock, &root, berry) {
		n.doubt("the install may rewrite %s, which the sources then bring back as it is in the build context", t.rel(lock))
	}
	dirs := append([]string{in.Dir}, workspaces(t, in, n, &root)...)
	for _, d := range dirs {
		pkg := &root
		if d != in.Dir {
			pkg = &packageJSON{}
			if !readPackage(t, d, n, pkg) {
				return
			}
			n.file(path.Join(d, "package.json"))
			n.Writes = append(n.Writes, path.Join(d, "node_modules"))
			for _, b := range bins(pkg.Bin) {
				if t.Exists(path.Join(d, b)) {
					n.doubt("the install makes the command %s of workspace %s executable", b, t.rel(d))
				}
			}
		}
		inspectPackage(t, in, n, d, pkg, noScripts)
	}
	for _, p := range root.Pnpm.PatchedDependencies {
		n.file(path.Join(in.Dir, p))
	}
	for _, p := range root.PatchedDependencies {
		n.file(path.Join(in.Dir, p))
	}
}

func yarnBerry(packageManager string) bool {
	v, ok := strings.CutPrefix(packageManager, "yarn@")
	return ok && !strings.HasPrefix(v, "1.") && !strings.HasPrefix(v, "0.")
}

func readPackage(t *Tree, dir string, n *Needs, pkg *packageJSON) bool {
	p := path.Join(dir, "package.json")
	data, ok := t.Read(p)
	if !ok {
		n.stop("%s cannot be read from the build context", t.rel(p))
		return false
	}
	if err := json.Unmarshal(data, pkg); err != nil {
		n.stop("%s is not understood: %v", t.rel(p), err)
		return false
	}
	return true
}

// inspectPackage looks at one package.json of the project: its lifecycle
// scripts and the local paths among its dependencies.
func inspectPackage(t *Tree, in *DepsInstall, n *Needs, dir string, pkg *packageJSON, noScripts bool) {
	manifest := t.rel(path.Join(dir, "package.json"))
	for _, deps := range []map[string]string{pkg.Dependencies, pkg.DevDependencies, pkg.OptionalDependencies} {
		for _, name := range sortedKeys(deps) {
			spec := deps[name]
			if files, ok := readers.Get()[name]; ok && !noScripts {
				if files == nil {
					n.doubt("the install script of %s may read files of the project", name)
				}
				if name == "@prisma/client" && pkg.Prisma.Schema != "" {
					files = []string{path.Dir(pkg.Prisma.Schema)}
				}
				addPaths(t, n, dir, files)
			}
			localDependency(t, in, n, dir, manifest, name, spec)
		}
	}
	if noScripts {
		return
	}
	if t.Exists(path.Join(dir, "binding.gyp")) {
		n.stop("%s stands beside a binding.gyp: the install compiles the project", manifest)
		return
	}
	for _, name := range lifecycle {
		if script, ok := pkg.Scripts[name]; ok {
			lifecycleScript(t, n, dir, manifest, name, script)
		}
	}
}

// addPaths adds the files and directories among names that exist.
func addPaths(t *Tree, n *Needs, dir string, names []string) {
	for _, name := range names {
		p := path.Join(dir, name)
		switch {
		case !t.Exists(p):
		case t.IsDir(p):
			n.dir(p)
		default:
			n.file(p)
		}
	}
}

// localDependency follows a dependency that is a path, see
// https://docs.npmjs.com/cli/configuring-npm/package-json#local-paths.
func localDependency(t *Tree, in *DepsInstall, n *Needs, dir, manifest, name, spec string) {
	rest, local := spec, false
	for _, prefix := range []string{"file:", "link:", "portal:"} {
		if s, ok := strings.CutPrefix(spec, prefix); ok {
			rest, local = s, true
		}
	}
	switch {
	case strings.HasPrefix(spec, "patch:"):
		if in.Ecosystem.Name == "yarn" {
			if !t.IsDir(path.Join(in.Dir, ".yarn")) {
				n.stop("%s: %s is patched with a file that was not found", manifest, name)
			}
			return
		}
		n.stop("%s: %s has the version %s", manifest, name, spec)
		return
	case strings.HasPrefix(spec, "./"), strings.HasPrefix(spec, "../"), strings.HasPrefix(spec, "/"), strings.HasPrefix(spec, "~/"):
		local = true
	}
	if !local {
		return
	}
	p := join(dir, rest)
	switch {
	case t.IsDir(p):
		if Within(dir, p) {
			n.stop("%s: %s is the project itself (%s)", manifest, name, spec)
			return
		}
		n.dir(p)
		var pkg packageJSON
		if !readPackage(t, p, n, &pkg) {
			return
		}
		for _, s := range lifecycle {
			if pkg.Scripts[s] != "" {
				n.stop("%s: %s is local and runs %q when it is installed", manifest, name, pkg.Scripts[s])
				return
			}
		}
		n.Writes = append(n.Writes, path.Join(p, "node_modules"))
	case t.Exists(p):
		n.file(p)
	default:
		n.stop("%s: %s is %s, which is not among the copied files of the build context", manifest, name, spec)
	}
}

// lifecycleScript decides what a script of the project reads: nothing, files
// that can be named, or more.
func lifecycleScript(t *Tree, n *Needs, dir, manifest, name, script string) {
	f, err := shell.ParseText(script, shell.POSIX)
	if err != nil {
		n.stop("%s runs %q (%s)", manifest, script, name)
		return
	}
	for _, c := range shell.Commands(f) {
		if !lifecycleCommand(t, n, dir, shell.Literals(c), len(c.Args)) || hasRedirect(f) {
			n.stop("%s runs %q (%s), which may need more than the manifests", manifest, script, name)
			return
		}
	}
}

func hasRedirect(f *syntax.File) bool {
	found := false
	syntax.Walk(f, func(n syntax.Node) bool {
		if r, ok := n.(*syntax.Redirect); ok && r.Word != nil {
			if w, _ := shell.Literal(r.Word); w != "/dev/null" && r.Op != syntax.DplOut {
				found = true
			}
		}
		return !found
	})
	return found
}

func lifecycleCommand(t *Tree, n *Needs, dir string, args []string, count int) bool {
	if len(args) == 0 || len(args) != count {
		return false
	}
	if args[0] == "npx" || args[0] == "pnpx" || args[0] == "bunx" {
		args = slices.DeleteFunc(slices.Clone(args[1:]), func(a string) bool { return a == "-y" || a == "--yes" || a == "--no-install" })
		if len(args) == 0 {
			return false
		}
	}
	switch args[0] {
	case "echo", "exit", "true", "false", ":", "only-allow", "is-ci", "opencollective", "opencollective-postinstall":
		return true
	case "husky":
		// Without a repository it does nothing.
		for p := dir; ; p = path.Dir(p) {
			if t.Exists(path.Join(p, ".git")) {
				n.doubt("husky would see .git before the change and not after it")
			}
			if p == "/" {
				return true
			}
		}
	case "patch-package":
		patches := "patches"
		for i, a := range args {
			if a == "--patch-dir" && i+1 < len(args) {
				patches = args[i+1]
			}
		}
		addPaths(t, n, dir, []string{patches})
		return true
	case "prisma":
		if len(args) == 2 && args[1] == "generate" {
			addPaths(t, n, dir, []string{"prisma"})
			return t.IsDir(path.Join(dir, "prisma"))
		}
	}
	return false
}

// workspaces returns the directories of the project's workspaces.
func workspaces(t *Tree, in *DepsInstall, n *Needs, root *packageJSON) []string {
	var patterns []string
	if len(root.Workspaces) > 0 {
		var obj struct{ Packages []string }
		if json.Unmarshal(root.Workspaces, &patterns) != nil {
			if json.Unmarshal(root.Workspaces, &obj) != nil {
				n.stop("the workspaces of %s are not understood", t.rel(path.Join(in.Dir, "package.json")))
				return nil
			}
			patterns = obj.Packages
		}
	}
	if in.Ecosystem.Name == "pnpm" {
		patterns = nil
		p := path.Join(in.Dir, "pnpm-workspace.yaml")
		if data, ok := t.Read(p); ok {
			var ws struct {
				Packages            []string
				PatchedDependencies map[string]string `yaml:"patchedDependencies"`
			}
			if err := yaml.Unmarshal(data, &ws); err != nil {
				n.stop("%s is not understood: %v", t.rel(p), err)
				return nil
			}
			patterns = ws.Packages
			for _, f := range ws.PatchedDependencies {
				n.file(path.Join(in.Dir, f))
			}
		}
	}
	var out []string
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, "!") {
			continue // more manifests than needed do no harm
		}
		dirs, ok := t.Glob(in.Dir, pattern)
		if !ok {
			n.stop("the workspaces %q can be anywhere", pattern)
			return nil
		}
		for _, d := range dirs {
			if d != in.Dir && t.Exists(path.Join(d, "package.json")) && !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// bins returns the files of a package's commands.
func bins(raw json.RawMessage) []string {
	var one string
	var many map[string]string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	var out []string
	for _, k := range sortedKeys(many) {
		out = append(out, many[k])
	}
	return out
}

// inSync reports whether a lock file already has what package.json asks for,
// so that an install leaves it alone.
func inSync(t *Tree, in *DepsInstall, lock string, root *packageJSON, berry bool) bool {
	data, ok := t.Read(lock)
	if !ok || len(root.Workspaces) > 0 {
		return false
	}
	switch in.Ecosystem.Name {
	case "npm":
		var l struct {
			LockfileVersion int
			Packages        map[string]packageJSON
		}
		if json.Unmarshal(data, &l) != nil || l.LockfileVersion < 2 {
			return false
		}
		top, ok := l.Packages[""]
		return ok && sameMap(top.Dependencies, root.Dependencies) && sameMap(top.DevDependencies, root.DevDependencies) &&
			sameMap(top.OptionalDependencies, root.OptionalDependencies) && sameMap(top.PeerDependencies, root.PeerDependencies)
	case "yarn":
		text := string(data)
		for _, deps := range []map[string]string{root.Dependencies, root.DevDependencies, root.OptionalDependencies} {
			for name, spec := range deps {
				key := name + "@" + spec
				if berry {
					key = name + "@npm:" + spec
				}
				if !strings.Contains(text, key+":") && !strings.Contains(text, key+",") && !strings.Contains(text, key+`"`) {
					return false
				}
			}
		}
		return true
	}
	return false
}

func sameMap(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
