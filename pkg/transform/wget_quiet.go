package transform

import (
	"slices"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&wgetQuietTransform)

var wgetQuietTransform = Transform{
	Name:   "wget-quiet",
	Group:  "packages",
	Codes:  []string{"DL3047"},
	Safety: Safe,
	Run:    wgetQuiet,
	Doc: text(`Keep wget's progress bar out of the build log.

## What
wget gets ´--progress=dot:giga´ where it is neither quiet nor told how to show its progress.

## Why
Without a terminal wget prints a line for every 50 kB: thousands of lines for a large file.

## Example
~~~dockerfile before
FROM debian:12
RUN wget https://example.com/x.tar.gz
~~~
~~~dockerfile after
FROM debian:12
RUN wget --progress=dot:giga https://example.com/x.tar.gz
~~~

## Instead
Nothing changes where wget may be BusyBox's, which does not know the option: on Alpine, BusyBox and unknown bases, unless the package wget is installed by the file. To switch it off: ´# refit: ignore=wget-quiet´.

## Safety
Safe. Only the log changes.

## References
- https://www.gnu.org/software/wget/manual/html_node/Download-Options.html
- https://github.com/hadolint/hadolint/wiki/DL3047
`),
}

func wgetQuiet(p *Pass) {
	for _, r := range p.Programs() {
		for _, c := range p.Facts.Calls(r.In) {
			if c.Name() != "wget" || hasOption(&c, 'q', "--quiet", "--progress", "--no-verbose", "--show-progress", "--output-file", "--append-output", "--help", "--version", "--spider") ||
				hasOption(&c, 'o') || hasOption(&c, 'a') || hasOption(&c, 'V') || noVerbose(&c) {
				continue
			}
			if c.Nested {
				continue
			}
			at := r.Span(c.Expr)
			if !p.gnuWget(r) {
				p.Skip(at, "wget may be BusyBox's, which does not know --progress")
				continue
			}
			edits, effects, err := r.EditCommand(c.Expr, Op{At: c.Fields[0].Word, Insert: "--progress=dot:giga"})
			if err != nil {
				p.Skip(at, "%v", err)
				continue
			}
			p.Report(Change{
				Title: "keep wget's progress short", At: at, Edits: edits, Effects: effects, Safety: Safe,
				Reason: "without a terminal wget prints a line for every 50 kB",
			})
		}
	}
}

// noVerbose reports whether -nv is given, alone or in a cluster.
func noVerbose(c *facts.Call) bool {
	return slices.ContainsFunc(c.Fields, func(f facts.Field) bool { return f.Text == "-nv" || f.Text == "-nvc" })
}

// gnuWget reports whether wget is GNU's: on the bases that have no other, or
// where the file installs the package.
func (p *Pass) gnuWget(r *Program) bool {
	switch r.State.Stage.Family {
	case facts.Debian, facts.Ubuntu, facts.RedHat, facts.SUSE, facts.Arch:
		return true
	}
	return p.installer(r.State.Stage, r.In.Index+1, "wget") != nil
}
