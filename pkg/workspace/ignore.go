package workspace

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/refit-dev/refit/internal/lazy"
)

// pattern is one line of an ignore file, see https://git-scm.com/docs/gitignore.
type pattern struct {
	negated  bool
	dirOnly  bool
	base     bool   // compared with the last element of the path only
	literal  string // where the pattern has no wildcard
	suffix   string // where the pattern is * and a literal
	wildcard string // for doublestar otherwise
}

// ignoreList is an ignore file; its patterns are relative to dir.
type ignoreList struct {
	dir      string // slash-separated, relative to the root; "" is the root
	patterns []pattern
}

// parseIgnore reads the content of an ignore file.
func parseIgnore(data []byte, dir string) *ignoreList {
	l := &ignoreList{dir: dir}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if p, ok := parsePattern(string(bytes.TrimSuffix(line, []byte("\r")))); ok {
			l.patterns = append(l.patterns, p)
		}
	}
	if len(l.patterns) == 0 {
		return nil
	}
	return l
}

func parsePattern(s string) (p pattern, ok bool) {
	if strings.HasPrefix(s, "#") {
		return p, false
	}
	s = trimBlanks(s)
	if s, p.negated = strings.CutPrefix(s, "!"); s == "" {
		return p, false
	}
	if s, p.dirOnly = strings.CutSuffix(s, "/"); s == "" {
		return p, false
	}
	p.base = !strings.Contains(s, "/")
	if s = strings.TrimPrefix(s, "/"); s == "" {
		return p, false
	}
	if rest := strings.TrimPrefix(s, "*"); !strings.ContainsAny(s, `*?[\`) {
		p.literal = s
	} else if p.base && rest != s && !strings.ContainsAny(rest, `*?[\`) {
		p.suffix = rest
	} else if p.wildcard, ok = translate(bytewise(s)); !ok {
		return p, false
	}
	return p, true
}

// trimBlanks cuts blanks off the end, but not one behind a backslash.
func trimBlanks(s string) string {
	first := -1 // of the blanks at the end so far
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			if first < 0 {
				first = i
			}
			continue
		case '\\':
			i++
		}
		first = -1
	}
	if first >= 0 {
		return s[:first]
	}
	return s
}

// posixClasses are the named classes of git's wildmatch, as ranges, without the
// slash: no class matches that.
var posixClasses = lazy.Value[map[string]string]{Make: func() map[string]string {
	return map[string]string{
		"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": " \t", "cntrl": "\x01-\x1f\x7f", "digit": "0-9",
		"graph": `\!-.0-~`, "lower": "a-z", "print": " -.0-~", "punct": `\!-.:-@\[-` + "`{-~", "space": " \t-\r", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
	}
}}

// translate turns git's pattern language into doublestar's: braces are plain
// there, classes are written differently, and a final /** stands for what is
// inside a folder without the folder. ok is false for a pattern that matches
// nothing.
func translate(s string) (out string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '\\':
			if i+1 == len(s) {
				return "", false
			}
			b.WriteString(s[i : i+2])
			i += 2
		case '{', '}':
			b.WriteByte('\\')
			b.WriteByte(c)
			i++
		case '[':
			n, class := translateClass(s[i:])
			if n == 0 {
				return "", false
			}
			b.WriteString(class)
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	out = b.String()
	if strings.HasSuffix(out, "/**") || out == "**" {
		out += "/*"
	}
	return out, doublestar.ValidatePattern(out)
}

// translateClass translates the bracket expression that s begins with and
// returns its length, 0 if it does not end.
func translateClass(s string) (int, string) {
	var b strings.Builder
	b.WriteByte('[')
	i := 1
	negated := i < len(s) && (s[i] == '!' || s[i] == '^')
	if negated {
		b.WriteString("^/") // no class matches a slash
		i++
	}
	empty := b.Len()
	for first := true; ; first = false {
		if i >= len(s) {
			return 0, ""
		}
		switch c := s[i]; {
		case c == ']' && !first:
			if b.Len() == empty && !negated {
				return 0, ""
			}
			b.WriteByte(']')
			return i + 1, b.String()
		case c == '/' && !negated:
			i++
		case c == '[' && strings.HasPrefix(s[i:], "[:"):
			end := strings.Index(s[i:], ":]")
			if end < 0 {
				b.WriteString(`\[`)
				i++
				continue
			}
			set, ok := posixClasses.Get()[s[i+2:i+end]]
			if !ok {
				return 0, ""
			}
			b.WriteString(set)
			i += end + 2
		case c == '\\':
			if i+1 >= len(s) {
				return 0, ""
			}
			b.WriteString(s[i : i+2])
			i += 2
		case c == '-' && !first && i+1 < len(s) && s[i+1] != ']':
			i++
			switch from, to := s[i-2], s[i]; {
			case negated || from > '/' || to < '/' || to == '\\':
				b.WriteByte('-')
			case from < '/':
				b.WriteString("-.")
				fallthrough
			default:
				if i++; to > '/' {
					b.WriteString("0-")
					i--
				}
			}
		default:
			if strings.IndexByte(`[]-^!`, c) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
			i++
		}
	}
}

// match reports whether a path, relative to the ignore file's folder, matches.
func (p *pattern) match(rel string, dir bool) bool {
	if p.dirOnly && !dir {
		return false
	}
	if p.base {
		rel = path.Base(rel)
	}
	switch {
	case p.literal != "":
		return rel == p.literal
	case p.suffix != "" || p.wildcard == "":
		return strings.HasSuffix(rel, p.suffix)
	case p.base && p.wildcard == "**/*":
		return true
	}
	return doublestar.MatchUnvalidated(p.wildcard, bytewise(rel))
}

// bytewise gives each byte a rune of its own where a string is not ASCII: git
// compares bytes, doublestar runes.
func bytewise(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			runes := make([]rune, len(s))
			for i := range len(s) {
				runes[i] = rune(s[i])
			}
			return string(runes)
		}
	}
	return s
}

// decide returns whether a path below the list's folder is ignored; known is
// false where no pattern matches.
func (l *ignoreList) decide(rel string, dir bool) (ignored, known bool) {
	if l.dir != "" {
		rel = rel[len(l.dir)+1:]
	}
	for i := len(l.patterns) - 1; i >= 0; i-- {
		if l.patterns[i].match(rel, dir) {
			return !l.patterns[i].negated, true
		}
	}
	return false, false
}

// ignores is the ignore files that hold in a folder: those of the folder and
// the ones above it up to the root of the repository.
type ignores struct {
	up   *ignores
	list *ignoreList // nil: no patterns here
	root string      // the root of the repository as a file path
	rel  string      // the folder relative to the root, with slashes; "" is the root
}

// rootIgnores begins at the root of a repository, or where there is none, at
// the folder that is searched.
func rootIgnores(root string, user *UserIgnore) *ignores {
	var ig *ignores
	repository, exclude := "", ""
	if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
		_, common := gitDirs(root)
		repository, exclude = root, filepath.Join(common, "info", "exclude")
	}
	for _, file := range []string{user.For(repository), exclude} {
		if file == "" {
			continue
		}
		if data, err := os.ReadFile(file); err == nil {
			ig = &ignores{up: ig, list: parseIgnore(data, ""), root: root}
		}
	}
	return &ignores{up: ig, list: readIgnore(root, ""), root: root}
}

// enter returns the ignores of a folder in the folder.
func (ig *ignores) enter(name string, hasFile bool) *ignores {
	rel := name
	if ig.rel != "" {
		rel = ig.rel + "/" + name
	}
	sub := &ignores{up: ig, root: ig.root, rel: rel}
	if hasFile {
		sub.list = readIgnore(filepath.Join(ig.root, filepath.FromSlash(rel)), rel)
	}
	return sub
}

func readIgnore(dir, rel string) *ignoreList {
	data, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
	if err != nil {
		return nil
	}
	return parseIgnore(data, rel)
}

// ignored reports whether an entry of the folder is ignored. That the folder
// itself is not is the caller's to know.
func (ig *ignores) ignored(name string, dir bool) bool {
	rel := name
	if ig.rel != "" {
		rel = ig.rel + "/" + name
	}
	for l := ig; l != nil; l = l.up {
		if l.list != nil {
			if ignored, known := l.list.decide(rel, dir); known {
				return ignored
			}
		}
	}
	return false
}

// repositoryRoot finds the folder with a .git above an absolute path, or "".
func repositoryRoot(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// ignoresAt gives the ignores of a folder, and whether the folder itself is
// ignored. dir is absolute.
func ignoresAt(dir string, user *UserIgnore) (ig *ignores, ignored bool) {
	root := repositoryRoot(dir)
	if root == "" {
		root = dir
	}
	ig = rootIgnores(root, user)
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." {
		return ig, false
	}
	for _, name := range strings.Split(filepath.ToSlash(rel), "/") {
		ignored = ignored || ig.ignored(name, true)
		ig = ig.enter(name, true)
	}
	return ig, ignored
}
