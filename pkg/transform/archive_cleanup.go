package transform

import (
	"index/suffixarray"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&archiveCleanupTransform)

var archiveCleanupTransform = Transform{
	Name:   "archive-cleanup",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"tarSomethingRmTheSomething", "gpgVerifyAscRmAsc"},
	Safety: Safe,
	Run:    archiveCleanup,
	Doc: text(`Delete a downloaded archive in the RUN that unpacks it, and a signature in the one that checks it.

## What
Where a RUN downloads a file with curl or wget, unpacks it with tar or unzip and leaves it behind, ´rm FILE´ is added behind the command that unpacks it. Likewise for the downloaded
signature of ´gpg --verify SIGNATURE FILE´.

## Why
The archive stays in the layer beside its content.

## Example
~~~dockerfile before
FROM debian:12
RUN curl -fsSLO https://example.com/tool.tar.gz && tar -xzf tool.tar.gz
~~~
~~~dockerfile after
FROM debian:12
RUN curl -fsSLO https://example.com/tool.tar.gz && tar -xzf tool.tar.gz && rm tool.tar.gz
~~~

## Instead
Nothing changes where a later command or instruction names the file, or a glob could mean it, and in stages that ship no layer. To keep the archive: ´# refit: ignore=archive-cleanup´.

## Safety
Safe in /tmp and where nothing later in the file names the archive; unsafe where the directory is copied to another stage or a variable is part of its name.

## References
- https://docs.docker.com/build/building/best-practices/#run
`),
}

func archiveCleanup(p *Pass) {
	for _, r := range p.Programs() {
		calls := p.Facts.Calls(r.In)
		var found *downloads
		var later *fileUses
		for k := range calls {
			kind := "archive"
			file, ok := unpacked(&calls[k])
			if !ok {
				kind = "signature"
				file, ok = verified(&calls[k])
			}
			if calls[k].Nested || !ok {
				continue
			}
			if found == nil {
				found, later = r.findDownloads(calls), p.findUses(r, calls)
			}
			if !found.before(k, r.raw(&calls[k], file)) {
				continue
			}
			p.archive(r, later, k, file, kind)
		}
	}
}

// archive proposes to delete the file that call k unpacks or checks.
func (p *Pass) archive(r *Program, later *fileUses, k int, file facts.Field, kind string) {
	call := &later.calls[k]
	at := r.Span(call.Expr)
	word := r.Script.NodeText(call.Expr.Args[file.Word])
	base := path.Base(r.raw(call, file))
	switch used, deleted := later.after(k, base, file.Text); {
	case deleted:
		return
	case used:
		p.Skip(at, "%s is used again in the RUN", base)
		return
	case later.named(base, at.End):
		p.Skip(at, "%s may be used again in the RUN", base)
		return
	}
	tmp := strings.HasPrefix(file.Text, "/tmp/") || strings.HasPrefix(file.Text, "/var/tmp/")
	if p.anyCovered(r, path.Dir(file.Text)) {
		return
	}
	c := Change{
		Title: "delete the " + kind + " " + base, At: at, Safety: Safe,
		Reason: "it stays in the layer beside what was unpacked from it",
	}
	if kind == "signature" {
		c.Reason = "nothing needs it once it has been checked"
	}
	if !tmp && k < later.takesAll {
		c.Safety = Unsafe
	}
	if in := p.mayUse(base, r.In.Index+1, nil); in != nil {
		p.Skip(at, "%s may use %s", p.line(in), base)
		return
	}
	if !tmp && p.next(r.In.Index+1, nil, p.copiersFrom()) != nil {
		c.Safety = Unsafe
	}
	if c.Safety == Unsafe {
		c.Reason += "; check that nothing else needs it"
	}
	if why := p.pays(r, nil, r.State.Resolve(file.Text).S); why != "" {
		p.Skip(at, "%s", why)
		return
	}
	// Right behind the command, the directory is still the one that it ran in.
	edits, effects, err := r.InsertBehind(call.Expr, "rm "+word)
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	c.Edits, c.Effects = edits, effects
	p.Report(c)
}

// fileUses answers which later commands use or delete a file, so that a RUN that
// unpacks thousands of archives is not read again for each of them.
type fileUses struct {
	calls    []facts.Call
	words    texts            // the fields of each command as written, without quotes
	nested   []int            // commands that may use any file
	globs    map[string][]int // commands with a glob for files of a kind
	removals []int            // rm
	takesAll int              // the last command that takes all files of its directory, -1 for none

	start    int    // where the instruction starts in the file
	source   string // its text
	index    *suffixarray.Index
	searches int
}

func (p *Pass) findUses(r *Program, calls []facts.Call) *fileUses {
	u := &fileUses{calls: calls, globs: map[string][]int{}, takesAll: -1, start: r.In.Start, source: string(p.File.Src[r.In.Start:r.In.End])}
	for i := range calls {
		c := &calls[i]
		if c.Nested {
			u.nested = append(u.nested, i)
		}
		if c.Name() == "rm" {
			u.removals = append(u.removals, i)
		}
		if takesAll(c) {
			u.takesAll = i
		}
		for _, ext := range globbed {
			if slices.ContainsFunc(c.Fields, func(f facts.Field) bool { return f.Glob && mayGlob(f.Text, ext) }) {
				u.globs[ext] = append(u.globs[ext], i)
			}
		}
	}
	u.words = newTexts(len(calls), func(i int) string {
		var b strings.Builder
		for _, f := range calls[i].Fields {
			b.WriteString(r.raw(&calls[i], f))
			b.WriteByte('\n')
		}
		return b.String()
	})
	return u
}

// after looks behind command k for the first command that uses a file, which may
// be its deletion.
func (u *fileUses) after(k int, base, file string) (used, deleted bool) {
	lists := [][]int{u.words.with(base), u.nested}
	for _, ext := range globbed {
		if strings.HasSuffix(base, ext) {
			lists = append(lists, u.globs[ext])
		}
	}
	first := firstFrom(k+1, len(u.calls), lists...)
	for _, i := range u.removals[sort.SearchInts(u.removals, k+1):] {
		if i > first {
			break
		}
		if i == first || removesDir(&u.calls[i], file) {
			return true, true
		}
	}
	return first < len(u.calls), false
}

// named reports whether the instruction may name a file behind an offset: in
// what is not a command's argument, too, such as the items of a loop.
func (u *fileUses) named(base string, behind int) bool {
	behind -= u.start
	rest := u.source[behind:]
	if mayGlob(rest, base) {
		return true
	}
	if u.searches++; u.searches <= manyTexts {
		return strings.Contains(rest, base)
	}
	if u.index == nil {
		u.index = suffixarray.New([]byte(u.source))
	}
	return slices.ContainsFunc(u.index.Lookup([]byte(base), -1), func(at int) bool { return at >= behind })
}

// takesAll reports whether a command copies, moves or packs all files of its
// directory.
func takesAll(c *facts.Call) bool {
	switch c.Name() {
	case "cp", "mv", "rsync", "tar", "zip", "install":
		return slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool {
			return f.Text == "*" || f.Text == "./*" || f.Text == "." || f.Text == "./"
		})
	}
	return false
}

// fromFlags is a key of once.
type fromFlags struct{}

// copiersFrom returns the indexes of the instructions with --from.
func (p *Pass) copiersFrom() []int {
	return once(p, fromFlags{}, func() []int {
		var out []int
		for _, in := range p.File.Instructions {
			if in.Flag("from") != nil {
				out = append(out, in.Index)
			}
		}
		return out
	})
}

// globbed are the kinds of files that are deleted with a glob.
var globbed = [...]string{".gz", ".tgz", ".xz", ".bz2", ".zip", ".tar", ".zst"}

// mayGlob reports whether a text has a glob for the file's kind.
func mayGlob(text, base string) bool {
	for _, ext := range globbed {
		if strings.HasSuffix(base, ext) && strings.Contains(text, "*") && strings.Contains(text, ext) {
			return true
		}
	}
	return false
}

// raw is a field as written, without quotes; of a command inside the argument of
// another, as far as it is known.
func (r *Program) raw(c *facts.Call, f facts.Field) string {
	if c.Nested {
		return f.Text
	}
	return strings.ReplaceAll(strings.ReplaceAll(r.Script.NodeText(c.Expr.Args[f.Word]), "\"", ""), "'", "")
}

// usesFile reports whether a command names the file.
func (r *Program) usesFile(c *facts.Call, base string) bool {
	return slices.ContainsFunc(c.Fields, func(f facts.Field) bool {
		return strings.Contains(r.raw(c, f), base) || f.Glob && mayGlob(f.Text, base)
	})
}

// removesDir reports whether an rm may delete a file along with others: by a
// glob, or with a directory above it.
func removesDir(c *facts.Call, file string) bool {
	if c.Name() != "rm" {
		return false
	}
	for _, f := range c.Fields[1:] {
		if strings.HasPrefix(f.Text, "-") {
			continue
		}
		dir := f.Text
		for strings.ContainsAny(dir, "*?[") {
			dir = path.Dir(dir)
		}
		switch {
		case !f.Known, strings.Contains(dir, ".."):
			return true
		case path.IsAbs(file) == path.IsAbs(dir):
			if dir == "." || facts.Below(path.Clean(file), path.Clean(dir)) {
				return true
			}
		case path.IsAbs(dir):
			// The file lies in a working directory that a cd may have set.
			if !strings.HasPrefix(dir, "/var/lib/") && !strings.HasPrefix(dir, "/var/cache/") {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// unpacked returns the archive that a command unpacks and leaves in place.
func unpacked(c *facts.Call) (facts.Field, bool) {
	if len(c.Fields) < 2 {
		return facts.Field{}, false
	}
	switch c.Name() {
	case "tar", "bsdtar":
		extract := false
		for i, f := range c.Fields[1:] {
			letters := strings.TrimPrefix(f.Text, "-")
			switch {
			case f.Text == "--extract":
				extract = true
			case strings.HasPrefix(f.Text, "--file="), strings.HasPrefix(f.Text, "--"):
			case i == 0 || strings.HasPrefix(f.Text, "-"):
				if strings.ContainsAny(letters, "ctru") {
					return facts.Field{}, false
				}
				extract = extract || strings.Contains(letters, "x")
				if j := strings.IndexByte(letters, 'f'); j >= 0 && j == len(letters)-1 && i+2 < len(c.Fields) {
					a := c.Fields[i+2]
					return a, extract && plainFile(a)
				}
			}
		}
	case "unzip":
		for _, f := range c.Fields[1:] {
			if strings.HasPrefix(f.Text, "-") {
				if strings.ContainsAny(f.Text, "lptvzZ") {
					return facts.Field{}, false
				}
				continue
			}
			return f, plainFile(f)
		}
	}
	return facts.Field{}, false
}

// verified returns the detached signature that a command checks.
func verified(c *facts.Call) (facts.Field, bool) {
	n := c.Name()
	if n != "gpg" && n != "gpg2" && n != "gpgv" {
		return facts.Field{}, false
	}
	for i, f := range c.Fields[1:] {
		if n == "gpgv" && !strings.HasPrefix(f.Text, "-") && (i == 0 || c.Fields[i].Text != "--keyring" && c.Fields[i].Text != "--homedir") || n != "gpgv" && i > 0 && c.Fields[i].Text == "--verify" {
			switch path.Ext(strings.TrimRight(f.Text, "\x00")) {
			case ".asc", ".sig", ".sign":
				return f, plainFile(f)
			}
			return facts.Field{}, false
		}
	}
	return facts.Field{}, false
}

// plainFile reports whether a field is one file's name.
func plainFile(f facts.Field) bool {
	base := f.Text[strings.LastIndexByte(f.Text, '/')+1:]
	return f.Text != "-" && !f.Glob && strings.Trim(base, "\x00") != "" && strings.Contains(base, ".")
}

// downloads are the files that the commands of a program download, each with
// the number of the first command that does.
type downloads struct {
	written map[string]int // words that may follow -o
	saved   map[string]int // saved under the name that they have in the URL, in the working directory
}

func (r *Program) findDownloads(calls []facts.Call) *downloads {
	d := &downloads{map[string]int{}, map[string]int{}}
	note := func(to map[string]int, name string, i int) {
		if _, ok := to[name]; !ok {
			to[name] = i
		}
	}
	for i := range calls {
		c := &calls[i]
		n := c.Name()
		if c.Nested || n != "curl" && n != "wget" {
			continue
		}
		own := n == "wget" && !hasOption(c, 'O', "--output-document") && !hasOption(c, 'P', "--directory-prefix") ||
			n == "curl" && hasOption(c, 'O', "--remote-name")
		for j, f := range c.Fields[1:] {
			word := r.raw(c, f)
			if j > 0 {
				note(d.written, word, i)
			}
			if at := strings.LastIndexByte(word, '/'); at >= 0 && own {
				note(d.saved, word[at+1:], i)
			}
		}
	}
	return d
}

// before reports whether a command with a number below k downloads a file, whose
// name is as the command that unpacks it has it.
func (d *downloads) before(k int, name string) bool {
	for _, from := range [...]map[string]int{d.written, d.saved} {
		if i, ok := from[name]; ok && i < k {
			return true
		}
	}
	return false
}

// hasOption reports whether a command has a short option, alone or in a
// cluster, or the long one.
func hasOption(c *facts.Call, short byte, long ...string) bool {
	for _, f := range c.Fields[1:] {
		if f.Text == "--" {
			return false
		}
		name, _, _ := strings.Cut(f.Text, "=")
		if slices.Contains(long, name) {
			return true
		}
		if len(f.Text) > 1 && f.Text[0] == '-' && f.Text[1] != '-' && short != 0 && strings.IndexByte(f.Text[1:], short) >= 0 {
			return true
		}
	}
	return false
}
