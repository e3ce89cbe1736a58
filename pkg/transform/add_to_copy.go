package transform

import (
	"path"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&addToCopyTransform)

var addToCopyTransform = Transform{
	Name:   "add-to-copy",
	Group:  "metadata",
	Codes:  []string{"DL3020"},
	Safety: Safe,
	Run:    addToCopy,
	Doc: text(`Use COPY where ADD does nothing more.

## What
ADD becomes COPY if no source is a URL, a git repository or an archive.

## Why
ADD downloads and unpacks: whoever reads it has to check whether it does. COPY only copies.

## Example
~~~dockerfile before
FROM alpine:3.20
ADD src/ /app/
~~~
~~~dockerfile after
FROM alpine:3.20
COPY src/ /app/
~~~

## Instead
Not for archives (by content when the build context is in sight, else by name), for URLs and git references, and
where a glob or a variable could name one of these.

## Safety
Safe. For plain local sources the two do the same.

## References
- https://docs.docker.com/build/building/best-practices/#add-or-copy
- https://docs.docker.com/reference/dockerfile/#adding-local-tar-archives
- https://github.com/hadolint/hadolint/wiki/DL3020
`),
}

func addToCopy(p *Pass) {
	for _, in := range p.File.Instructions {
		add := in
		if in.Child != nil {
			add = in.Child
		}
		if add.Name != "ADD" || add.Form == parse.Opaque {
			continue
		}
		if why := p.needsAdd(in, add); why != "" {
			p.Skip(add.Keyword.Span, "%s", why)
			continue
		}
		if overlapsComment(add, add.Keyword.Span) {
			p.Skip(add.Keyword.Span, "a comment stands inside the keyword")
			continue
		}
		keyword := "COPY"
		if add.Keyword.Value == "add" {
			keyword = "copy"
		}
		edits := []emit.Edit{{Span: add.Keyword.Span, New: keyword}}
		p.Report(Change{
			Title:   "use COPY instead of ADD",
			Reason:  "the sources are plain local files: ADD would do the same, and COPY says so",
			At:      add.Keyword.Span,
			Edits:   edits,
			Safety:  Safe,
			Effects: []plan.Effect{plan.Replace{Instr: in.Index, Text: editedText(p.File, in, edits)}},
		})
	}
}

// editedText is the text of an instruction with edits applied, for declaring
// plan.Replace.
func editedText(f *parse.File, in *parse.Instruction, edits []emit.Edit) string {
	shifted := make([]emit.Edit, len(edits))
	for i, e := range edits {
		shifted[i] = emit.Edit{Span: parse.Span{Start: e.Start - in.Start, End: e.End - in.Start}, New: e.New}
	}
	out, err := emit.Apply(f.Src[in.Start:in.End], shifted)
	if err != nil {
		return ""
	}
	return string(out)
}

// needsAdd says why an ADD must stay, or "".
func (p *Pass) needsAdd(in, add *parse.Instruction) string {
	for _, fl := range add.Flags {
		switch fl.Name {
		case "chown", "chmod", "link", "exclude":
		default:
			return "--" + fl.Name + " is a flag of ADD only"
		}
	}
	if len(add.Words) < 2 {
		return "it has no destination"
	}
	heredocs := map[string]bool{}
	for _, h := range add.Heredocs {
		heredocs[h.Opener.Value] = true
	}
	for _, w := range add.Words[:len(add.Words)-1] {
		if heredocs[w.Value] {
			continue
		}
		src := w.Value
		if strings.Contains(src, "$") {
			v := p.Facts.Expand(src, in)
			if !v.Certain() || in.Child != nil {
				return src + " may name an archive or a URL"
			}
			src = v.S
		}
		if why := remoteOrArchive(src, p.Options.Context, in.Child != nil); why != "" {
			return why
		}
	}
	return ""
}

// remoteOrArchive says why a source needs ADD, or "".
func remoteOrArchive(src string, ctx *facts.Context, later bool) string {
	if strings.Contains(src, "://") || strings.Contains(src, "@") || strings.HasPrefix(src, "github.com/") || strings.HasSuffix(src, ".git") {
		return src + " is or may be remote"
	}
	if i := strings.LastIndexAny(src, "*?]"); i >= 0 {
		ext := path.Ext(src[i+1:])
		if ext == "" || archiveName(src[i+1:]) {
			return "the glob " + src + " may match an archive"
		}
		return ""
	}
	if ctx != nil && !later && ctx.Exists(src) {
		if ctx.IsDir(src) {
			return ""
		}
		data, ok := ctx.Read(src)
		if !ok || facts.ArchiveContent(data) {
			return src + " is an archive, which ADD unpacks"
		}
		return ""
	}
	if archiveName(src) {
		return src + " is an archive, which ADD unpacks"
	}
	return ""
}

// archiveName reports whether a name looks like a tar archive or a compressed
// file, see https://docs.docker.com/reference/dockerfile/#adding-local-tar-archives.
func archiveName(name string) bool {
	n := strings.ToLower(name)
	for _, ext := range []string{".tar", ".gz", ".tgz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".lzma", ".zst", ".tzst", ".lz4", ".z"} {
		if strings.HasSuffix(n, ext) {
			return true
		}
	}
	return strings.Contains(n, ".tar.")
}
