package lsp

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/transform"
)

// documentLinks links base images to their registries' pages, and the names in
// pragmas to their documentation.
func (s *server) documentLinks(params json.RawMessage) (job, error) {
	var p documentParams
	if err := decode(params, &p); err != nil {
		return nil, err
	}
	snap, err := s.snapshot(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	return func(context.Context) (any, error) {
		out := []documentLink{}
		a := s.analyse(snap)
		if a.err != nil {
			return s.fresh(snap, out, nil)
		}
		add := func(start, end int, target, tip string) {
			if target != "" {
				out = append(out, documentLink{snap.text.rangeOf(start, end), target, tip})
			}
		}
		a.using.Lock()
		defer a.using.Unlock()
		f := a.draft.File()
		for _, st := range a.draft.Facts().Stages {
			if st.Parent == nil && st.Image.Known && len(st.From.Words) > 0 {
				w := st.From.Words[0]
				add(w.Start, w.End, imageURL(st.Image.S), "Open the page of "+st.Image.S)
			}
		}
		for _, t := range f.Tiles {
			switch t.Kind {
			case parse.TileDirective:
				directiveLink(f, t.Span, add)
			case parse.TileComment:
				pragmaLinks(f, t.Span, add)
			case parse.TileInstruction:
				for _, c := range t.Instruction.Comments {
					pragmaLinks(f, c, add)
				}
			}
		}
		return s.fresh(snap, out, nil)
	}, nil
}

type addLink func(start, end int, target, tip string)

// directiveLink links the image of a # syntax= line, and the names in a
// # check=skip= line.
func directiveLink(f *parse.File, sp parse.Span, add addLink) {
	line := strings.TrimRight(sp.Text(f.Src), " \t\r\n")
	key, val, ok := strings.Cut(line, "=")
	if !ok {
		return
	}
	at := sp.Start + len(key) + 1
	switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(key), "#"))) {
	case "syntax":
		image := strings.TrimSpace(val)
		at += strings.Index(val, image)
		add(at, at+len(image), imageURL(image), "The Dockerfile frontend "+image)
	case "check":
		for _, opt := range strings.SplitAfter(val, ";") {
			if k, v, ok := strings.Cut(opt, "="); ok && strings.EqualFold(strings.TrimSpace(k), "skip") {
				eachName(strings.TrimSuffix(v, ";"), at+len(k)+1, add)
			}
			at += len(opt)
		}
	}
}

// pragmaLinks links the names in a pragma.
func pragmaLinks(f *parse.File, sp parse.Span, add addLink) {
	comment := sp.Text(f.Src)
	for _, tool := range []string{"refit", "hadolint"} {
		if names, at := pragmaNames(comment, tool); at >= 0 {
			eachName(names, sp.Start+at, add)
		}
	}
}

// eachName links the names of a comma-separated list that starts at an offset.
func eachName(list string, at int, add addLink) {
	for _, item := range strings.SplitAfter(list, ",") {
		name := strings.TrimSpace(strings.TrimSuffix(item, ","))
		if url, tip := nameURL(name); url != "" {
			start := at + strings.Index(item, name)
			add(start, start+len(name), url, tip)
		}
		at += len(item)
	}
}

// nameURL is the documentation of a transform, a hadolint rule or a BuildKit
// check, "" if the name is none of them.
func nameURL(name string) (url, tip string) {
	upper := strings.ToUpper(name)
	switch {
	case strings.HasPrefix(upper, "DL") && digits(upper[2:]):
		return "https://github.com/hadolint/hadolint/wiki/" + upper, "hadolint's rule " + upper
	case strings.HasPrefix(upper, "SC") && digits(upper[2:]):
		return "https://www.shellcheck.net/wiki/" + upper, "ShellCheck's rule " + upper
	}
	for _, t := range transform.Lookup(name) {
		if strings.EqualFold(t.Name, name) {
			return docsURL(t.Name), "refit's transform " + t.Name
		}
	}
	if check := checkPage(name); check != "" {
		return "https://docs.docker.com/reference/build-checks/" + check + "/", "BuildKit's check " + name
	}
	return "", ""
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// checkPage is the page name of a BuildKit check: StageNameCasing →
// stage-name-casing. "" if the name is not written like one.
func checkPage(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case r > unicode.MaxASCII || !unicode.IsLetter(r):
			return ""
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			b.WriteByte('-')
		case i == 0 && !unicode.IsUpper(r):
			return ""
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// imageURL is the page of an image, "" for registries without pages.
func imageURL(ref string) string {
	repo, _, _ := facts.SplitReference(ref)
	if repo == "" || repo == "scratch" || strings.ContainsAny(repo, " $\"'\\") {
		return ""
	}
	host, path, found := strings.Cut(repo, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, path = "docker.io", repo
	}
	switch host {
	case "docker.io", "index.docker.io", "registry-1.docker.io":
		path = strings.TrimPrefix(path, "library/")
		if !strings.Contains(path, "/") {
			return "https://hub.docker.com/_/" + path
		}
		return "https://hub.docker.com/r/" + path
	case "ghcr.io", "gcr.io":
		return "https://" + host + "/" + path
	case "quay.io":
		return "https://quay.io/repository/" + path
	case "mcr.microsoft.com":
		return "https://mcr.microsoft.com/artifact/mar/" + path
	case "public.ecr.aws":
		return "https://gallery.ecr.aws/" + path
	}
	return ""
}
