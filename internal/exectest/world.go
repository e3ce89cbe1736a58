package exectest

import (
	"io"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/shell"
)

// World is what programs find in the sandbox besides the shell: all absolute
// paths or, for Commands, names in PATH.
type World struct {
	Dir      string   // the working directory
	Env      []string // key=value
	Commands []string // recorders
	Dirs     []string // what cd names, and where redirections write to
	Files    []string // empty files that programs read or source
}

const (
	maxDirs    = 40   // working directories that relative paths are tried in
	maxEntries = 1500 // of Commands, Dirs and Files together
)

// NewWorld makes what programs name: it goes through them in source order,
// follows assignments and cd, and takes command substitutions as empty. What
// it misses is missing before and after a change alike.
func NewWorld(dir string, vars map[string]string, trees []*syntax.File) World {
	b := &builder{vars: map[string]string{}, dirs: []string{dir}, seen: map[string]bool{}}
	b.world.Dir = dir
	b.world.Env = append(b.world.Env, "PATH="+searchPath)
	for k, v := range vars {
		b.vars[k] = v
		b.world.Env = append(b.world.Env, k+"="+v)
	}
	slices.Sort(b.world.Env)
	b.cfg = &expand.Config{
		Env:       expand.FuncEnviron(func(name string) string { return b.vars[name] }),
		CmdSubst:  func(io.Writer, *syntax.CmdSubst) error { return nil },
		ProcSubst: func(*syntax.ProcSubst) (string, error) { return "", nil },
	}
	for _, t := range trees {
		b.walk(t)
	}
	return b.world
}

// searchPath is the PATH of images that set none.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// notCommands are words of one of the shells that are no files even where the
// other shell looks for one.
var notCommands = map[string]bool{
	"source": true, "pushd": true, "popd": true, "dirs": true, "shopt": true, "declare": true, "typeset": true, "let": true,
	"local": true, "mapfile": true, "readarray": true, "function": true, "select": true, "[[": true, "enable": true, "builtin": true,
	"caller": true, "compgen": true, "complete": true, "disown": true, "help": true, "history": true, "logout": true, "suspend": true,
}

type builder struct {
	world World
	cfg   *expand.Config
	vars  map[string]string
	dirs  []string // where the program may be
	seen  map[string]bool
	depth int
}

// word expands a word as far as the file tells.
func (b *builder) word(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	s, err := expand.Literal(b.cfg, w)
	if err != nil {
		return ""
	}
	return s
}

func (b *builder) add(list *[]string, kind, what string) {
	if what == "" || strings.ContainsAny(what, "\x00\n") || b.seen[kind+what] || len(b.seen) >= maxEntries {
		return
	}
	b.seen[kind+what] = true
	*list = append(*list, what)
}

// at gives the absolute paths that a path may mean.
func (b *builder) at(p string) []string {
	switch {
	case p == "":
		return nil
	case path.IsAbs(p):
		return []string{path.Clean(p)}
	}
	var out []string
	for _, d := range b.dirs {
		out = append(out, path.Join(d, p))
	}
	return out
}

func (b *builder) walk(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil && n.Index == nil {
				b.vars[n.Name.Value] = b.word(n.Value)
			}
		case *syntax.Redirect:
			b.redirect(n)
		case *syntax.CallExpr:
			for _, a := range n.Assigns {
				b.walk(a)
			}
			b.call(n.Args)
		case *syntax.ForClause:
			if it, ok := n.Loop.(*syntax.WordIter); ok && len(it.Items) > 0 && len(it.Items) <= 20 {
				for _, item := range it.Items {
					b.vars[it.Name.Value] = b.word(item)
					for _, st := range n.Do {
						b.walk(st)
					}
				}
				return false
			}
		}
		return true
	})
}

func (b *builder) redirect(r *syntax.Redirect) {
	target := b.word(r.Word)
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut:
		for _, p := range b.at(target) {
			if p != "/dev/null" {
				b.add(&b.world.Files, "f", p)
			}
		}
	case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
		for _, p := range b.at(target) {
			b.add(&b.world.Dirs, "d", path.Dir(p))
		}
	}
}

// call notes a command and what it names.
func (b *builder) call(args []*syntax.Word) {
	if len(args) == 0 {
		return
	}
	name := b.word(args[0])
	var rest []string
	for _, a := range args[1:] {
		rest = append(rest, b.word(a))
	}
	switch name {
	case "command", "exec", "builtin", "time", "nohup":
		for i := range rest {
			if !strings.HasPrefix(rest[i], "-") {
				b.call(args[1+i:])
				return
			}
		}
		return
	case ".", "source":
		if len(rest) > 0 {
			for _, p := range b.at(rest[0]) {
				b.add(&b.world.Files, "f", p)
			}
		}
		return
	case "cd", "pushd":
		for _, r := range rest {
			if !strings.HasPrefix(r, "-") {
				b.enter(r)
			}
		}
		return
	case "eval", "trap":
		if name == "trap" && len(rest) > 1 {
			rest = rest[:1]
		}
		if f, err := shell.ParseText(strings.Join(rest, " "), shell.Bash); err == nil && b.depth < 3 {
			b.depth++
			b.walk(f)
			b.depth--
		}
		return
	}
	switch {
	case name == "" || notCommands[name]:
	case strings.Contains(name, "/"):
		for _, p := range b.at(name) {
			b.add(&b.world.Commands, "c", p)
		}
	default:
		b.add(&b.world.Commands, "c", name)
	}
}

// enter makes a folder that cd names, wherever it may be.
func (b *builder) enter(dir string) {
	for _, p := range b.at(dir) {
		b.add(&b.world.Dirs, "d", p)
		if !slices.Contains(b.dirs, p) && len(b.dirs) < maxDirs {
			b.dirs = append(b.dirs, p)
		}
	}
}
