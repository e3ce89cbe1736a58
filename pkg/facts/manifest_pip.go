package facts

import (
	"path"
	"slices"
	"strings"
)

var ecoPip = Ecosystem{Name: "pip", inspect: inspectPip}

// inspectPip follows what requirements files include, see
// https://pip.pypa.io/en/stable/reference/requirements-file-format/.
func inspectPip(t *Tree, in *DepsInstall, n *Needs) {
	seen := map[string]bool{}
	for queue := slices.Clone(in.Files); len(queue) > 0; queue = queue[1:] {
		f := queue[0]
		if seen[f] {
			continue
		}
		seen[f] = true
		data, ok := t.Read(f)
		if !ok {
			n.stop("%s, which the requirements include, is not among the copied files of the build context", t.rel(f))
			return
		}
		n.file(f)
		for _, line := range requirementLines(data) {
			opt, arg := requirementOption(line)
			switch opt {
			case "-r", "--requirement", "-c", "--constraint":
				switch {
				case strings.Contains(arg, "://"):
				case strings.Contains(arg, "$"):
					n.stop("%s includes %s", t.rel(f), arg)
				default:
					queue = append(queue, join(path.Dir(f), arg))
				}
			case "-e", "--editable":
				if strings.Contains(arg, "://") || strings.HasPrefix(arg, "git+") {
					n.Writes = append(n.Writes, path.Join(in.Cwd, "src"))
					continue
				}
				localRequirement(t, in, n, f, arg)
			case "-f", "--find-links":
				if !strings.Contains(arg, "://") {
					p := join(in.Cwd, arg)
					if !t.IsDir(p) {
						n.stop("%s looks for packages in %s", t.rel(f), arg)
					}
					n.dir(p)
				}
			case "":
				if isLocalRequirement(line) {
					localRequirement(t, in, n, f, line)
				}
			}
		}
	}
}

// requirementLines joins continued lines and drops comments and blank lines.
func requirementLines(data []byte) []string {
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	text = strings.ReplaceAll(text, "\\\n", "")
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if i := strings.Index(" "+line, " #"); i >= 0 {
			line = line[:max(i-1, 0)]
		}
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// requirementOption splits a line that starts with an option.
func requirementOption(line string) (opt, arg string) {
	if !strings.HasPrefix(line, "-") {
		return "", line
	}
	i := strings.IndexAny(line, " =\t")
	if i < 0 {
		if !strings.HasPrefix(line, "--") && len(line) > 2 { // -rfile
			return line[:2], line[2:]
		}
		return line, ""
	}
	if !strings.HasPrefix(line, "--") && i > 2 {
		return line[:2], strings.TrimSpace(line[2:])
	}
	arg = strings.TrimSpace(line[i+1:])
	return line[:i], strings.Trim(arg, `"'`)
}

// isLocalRequirement reports whether a requirement is a path rather than a
// name or URL.
func isLocalRequirement(s string) bool {
	if _, url, ok := strings.Cut(s, " @ "); ok {
		s = strings.TrimSpace(url)
	}
	if strings.HasPrefix(s, "file:") {
		return true
	}
	if strings.Contains(s, "://") {
		return false
	}
	s, _, _ = strings.Cut(s, ";")
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "/") {
		return true
	}
	name, _, _ := strings.Cut(s, "[")
	if strings.ContainsAny(name, "=<>!~ ") {
		return false
	}
	return strings.Contains(name, "/") || strings.HasSuffix(s, ".whl") || strings.HasSuffix(s, ".tar.gz") || strings.HasSuffix(s, ".zip")
}

// localRequirement handles a path: a file, or a directory that is built.
func localRequirement(t *Tree, in *DepsInstall, n *Needs, f, s string) {
	if _, url, ok := strings.Cut(s, " @ "); ok {
		s = strings.TrimSpace(url)
	}
	raw := s
	s, _, _ = strings.Cut(s, ";")
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "file://"), "file:")
	s, _, _ = strings.Cut(s, "[")
	p := join(in.Cwd, s)
	switch {
	case Within(in.Cwd, p) || Within(path.Dir(f), p):
		n.stop("%s installs the project itself (%s)", t.rel(f), raw)
	case t.IsDir(p):
		n.dir(p)
		n.doubt("%s builds %s from its sources", t.rel(f), raw)
	case t.Exists(p):
		n.file(p)
	default:
		n.stop("%s installs %s, which is not among the copied files of the build context", t.rel(f), raw)
	}
}

func join(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}
