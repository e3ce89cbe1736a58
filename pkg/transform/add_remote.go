package transform

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&addRemoteTransform)

var addRemoteTransform = Transform{
	Name:   "add-remote",
	Group:  "caches",
	Codes:  []string{},
	Safety: Unsafe,
	Run:    addRemote,
	Doc: text(`Download and unpack in one RUN instead of ADD.

## What
´ADD https://… x´ followed by a RUN that unpacks and deletes x becomes one RUN that downloads it with curl or wget first.

## Why
The download stays in the layer that ADD makes; deleting it in the RUN does not free it.

## Example
~~~dockerfile before
FROM buildpack-deps:bookworm
ADD https://example.com/tool.tar.gz /tmp/tool.tar.gz
RUN tar -C /opt -xzf /tmp/tool.tar.gz && rm /tmp/tool.tar.gz
~~~
~~~dockerfile after
FROM buildpack-deps:bookworm
RUN curl -fsSL -o /tmp/tool.tar.gz https://example.com/tool.tar.gz && tar -C /opt -xzf /tmp/tool.tar.gz && rm /tmp/tool.tar.gz
~~~

## Instead
Nothing changes where ADD has options such as --checksum, where the file is used again, and where neither curl nor wget is known to be there. To switch it off: ´# refit: ignore=add-remote´.

## Safety
Unsafe. BuildKit no longer checks at each build whether the remote file has changed, and certificates and proxies are the image's own.

## References
- https://docs.docker.com/build/building/best-practices/#add-or-copy
- https://docs.docker.com/reference/dockerfile/#adding-files-from-a-url
`),
}

func addRemote(p *Pass) {
	for _, r := range p.Programs() {
		i := r.In.Index - 1
		if i < 0 {
			continue
		}
		add := p.File.Instructions[i]
		if add.Name != "ADD" || len(add.Words) != 2 || add.Form == parse.Opaque || p.Facts.At(add).Stage != r.State.Stage {
			continue
		}
		url, dest := add.Words[0].Value, add.Words[1].Value
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
			continue
		}
		p.remote(r, add, url, dest)
	}
}

func (p *Pass) remote(r *Program, add *parse.Instruction, url, dest string) {
	at := add.Keyword.Span
	to := p.Facts.Expand(dest, add)
	full := p.Facts.At(add).Resolve(to.S)
	if !to.Certain() || !full.Certain() {
		p.Skip(at, "the destination is not known")
		return
	}
	file := full.S
	base := path.Base(strings.TrimRight(url, "/"))
	if strings.HasSuffix(to.S, "/") || to.S == "." {
		file = path.Join(file, base)
	}
	deleted := slices.ContainsFunc(p.Facts.Calls(r.In), func(c facts.Call) bool {
		return c.Name() == "rm" && c.Path.Always() && slices.ContainsFunc(c.Fields[1:], func(f facts.Field) bool {
			full := p.Facts.ResolveField(r.State, f.Text)
			return f.Known && full.Known && path.Clean(full.S) == file || strings.HasSuffix(f.Text, "/"+base) || f.Text == base
		})
	})
	unpacks := slices.ContainsFunc(p.Facts.Calls(r.In), func(c facts.Call) bool {
		f, ok := unpacked(&c)
		return ok && path.Base(f.Text) == path.Base(file)
	})
	switch {
	case !unpacks || !deleted:
		return
	case len(add.Flags) > 0:
		p.Skip(at, "ADD has options")
		return
	case strings.ContainsAny(url+file, "'\"` \\") || strings.Contains(url, "${") && strings.ContainsAny(url, ":-+?#%") && strings.Count(url, ":") > 1:
		p.Skip(at, "the URL has characters that the shell reads otherwise")
		return
	case !utf8.ValidString(url + file):
		p.Skip(at, "the URL or the file is no UTF-8")
		return
	case len(add.Lead)+len(add.Comments) > 0 && len(r.In.Lead) > 0:
		p.Skip(at, "comments stand at both")
		return
	}
	word := url
	if strings.ContainsAny(url, "$&?;*()[]{}<>|#~!=") {
		word = `"` + url + `"`
	}
	text := ""
	switch p.downloader(r) {
	case "curl":
		text = "curl -fsSL -o " + file + " " + word
	case "wget":
		text = "wget -q -O " + file + " " + word
	default:
		p.Skip(at, "neither curl nor wget is known to be there")
		return
	}
	edits, effects, err := r.prepend(text)
	if err != nil {
		p.Skip(at, "%v", err)
		return
	}
	p.Report(Change{
		Title: "download in the RUN that unpacks", At: at, Safety: Unsafe,
		Reason:  "the download stays in the layer that ADD makes; check that certificates and proxies are there",
		Edits:   append(edits, p.removal(add)),
		Effects: append(effects, plan.Remove{Instr: add.Index}),
	})
}

// downloader names a download tool that is known to be there.
func (p *Pass) downloader(r *Program) string {
	s := r.State.Stage
	repo, tag, _ := facts.SplitReference(s.Base().S)
	if !strings.Contains(tag, "slim") && !strings.Contains(tag, "alpine") {
		switch repo {
		case "buildpack-deps", "python", "node", "ruby", "golang", "rust", "php", "gcc", "perl", "erlang", "elixir", "fedora", "rockylinux", "almalinux", "centos", "amazonlinux":
			return "curl"
		}
	}
	// The first that the nearest stage installs.
	curl, wget := p.installer(s, r.In.Index, "curl"), p.installer(s, r.In.Index, "wget")
	switch {
	case curl != nil && wget != nil && p.Facts.At(curl).Stage == p.Facts.At(wget).Stage && wget.Index < curl.Index:
		return "wget"
	case curl != nil && (wget == nil || p.Facts.At(curl).Stage.Index >= p.Facts.At(wget).Stage.Index):
		return "curl"
	case wget != nil:
		return "wget"
	}
	if s.Family == facts.Alpine {
		return "wget"
	}
	return ""
}
