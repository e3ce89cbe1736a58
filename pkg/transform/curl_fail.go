package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"mvdan.cc/sh/v3/syntax"
)

var _ = register(&curlFailTransform)

var curlFailTransform = Transform{
	Name:   "curl-fail",
	Group:  "packages",
	Codes:  []string{"curlUseFlagF", "curlUseFlagL"},
	Safety: Unsafe,
	Run:    curlFail,
	Doc: text(`Let curl fail on errors and follow redirects.

## What
curl gets ´-f´ and ´-L´ (with ´-sS´ where it has no such options at all) where its output is saved or piped.

## Why
Without -f an error page is saved as if it were the file, and without -L so is a redirect.

## Example
~~~dockerfile before
FROM debian:12
RUN curl https://example.com/x.tar.gz | tar -xz
~~~
~~~dockerfile after
FROM debian:12
RUN curl -fsSL https://example.com/x.tar.gz | tar -xz
~~~

## Instead
Nothing changes where the output is only shown, and where the status is looked at (´-w´, ´-I´). To switch it off: ´# refit: ignore=curl-fail´.

## Safety
Unsafe. A build that went on after a failed download fails now.

## References
- https://curl.se/docs/manpage.html#-f
`),
}

func curlFail(p *Pass) {
	for _, r := range p.Programs() {
		for _, c := range p.Facts.Calls(r.In) {
			if c.Nested || c.Name() != "curl" || !saved(&c) || hasOption(&c, 'I', "--head", "--write-out", "--version", "--help", "--manual") || hasOption(&c, 'V') || hasOption(&c, 'w') {
				continue
			}
			fail := hasOption(&c, 'f', "--fail", "--fail-with-body")
			follow := hasOption(&c, 'L', "--location", "--location-trusted")
			if fail && follow {
				continue
			}
			letters := "-"
			if !fail {
				letters += "f"
			}
			if !fail && !follow && !hasOption(&c, 's', "--silent", "--progress-bar", "--verbose", "--no-progress-meter") && !hasOption(&c, '#') && !hasOption(&c, 'v') {
				letters += "sS"
			}
			if !follow {
				letters += "L"
			}
			op := Op{At: c.Fields[0].Word, Insert: letters}
			for _, f := range c.Fields[1:] {
				if f.Known && mergeable(f.Text) && r.Script.NodeText(c.Expr.Args[f.Word]) == f.Text && (f.Word == c.Fields[1].Word || strings.ContainsAny(f.Text, "sSfL") && !takesValue(c.Expr.Args[f.Word-1])) {
					op = Op{At: f.Word, Replace: mergeLetters(f.Text, fail, follow)}
					break
				}
			}
			edits, effects, err := r.EditCommand(c.Expr, op)
			if err != nil {
				p.Skip(r.Span(c.Expr), "%v", err)
				continue
			}
			p.Report(Change{
				Title: "let curl fail on errors and follow redirects", At: r.Span(c.Expr), Edits: edits, Effects: effects, Safety: Unsafe,
				Reason: "an error page or a redirect would be taken for the file; a build that went on after a failed download fails now",
			})
		}
	}
}

// saved reports whether a command's output is kept: in a file, a pipeline or a
// command substitution.
func saved(c *facts.Call) bool {
	if hasOption(c, 'o', "--output", "--remote-name", "--remote-name-all") || hasOption(c, 'O') {
		return true
	}
	for _, rd := range c.Stmt.Redirs {
		if rd.Op == syntax.RdrOut || rd.Op == syntax.AppOut || rd.Op == syntax.RdrClob {
			if rd.N == nil || rd.N.Value == "1" {
				return !strings.HasSuffix(c.Fields[0].Text, "/dev/null")
			}
		}
	}
	for _, b := range c.Path {
		switch n := b.Node.(type) {
		case *syntax.CmdSubst:
			return true
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe && b.Sub && n.X.Cmd == syntax.Command(c.Expr) {
				return true
			}
		}
	}
	return false
}

// mergeable reports whether a word is a cluster of curl's options to which
// others can be added.
func mergeable(word string) bool {
	return len(word) > 1 && word[0] == '-' && strings.Trim(word[1:], "sSkfLgOo") == "" && !strings.Contains(word[1:len(word)-1], "o")
}

// takesValue reports whether the word may be an option of curl that takes the
// next word as its value.
func takesValue(w *syntax.Word) bool {
	lit := w.Lit()
	switch {
	case lit == "":
		return false // quoted or expanded: an operand or a value
	case strings.HasPrefix(lit, "--"):
		return !strings.Contains(lit, "tlsv1") && !slices.Contains([]string{"--silent", "--show-error", "--fail", "--location", "--compressed", "--insecure", "--retry-connrefused", "--retry-all-errors"}, lit)
	}
	return strings.HasPrefix(lit, "-") && len(lit) > 1 && strings.ContainsAny(lit[len(lit)-1:], "oHdXuAbcemrtTUwxyYzCDEFKPQh")
}

// mergeLetters adds the missing options to a cluster: -sSO becomes -fsSLO.
func mergeLetters(word string, fail, follow bool) string {
	rest := strings.TrimRight(word[1:], "Oo")
	tail := word[1+len(rest):]
	if !fail {
		rest = "f" + rest
	}
	if !follow {
		rest += "L"
	}
	return "-" + rest + tail
}
