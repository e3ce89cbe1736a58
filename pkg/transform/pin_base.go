package transform

import (
	"fmt"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&pinBaseTransform)

var pinBaseTransform = Transform{
	Name: "pin-base", Group: "metadata", Codes: []string{"DL3006", "DL3007"}, Safety: Safe, Run: pinBase,
	ExampleWith: func() Options { return Options{Pins: map[string]string{"python:latest": "3.12.4-slim"}} },
	Doc: &page{
		Summary: "Name the version of the base image.",
		What: "Reports base images without a tag or with the tag latest. Where a file refit.lock in the Dockerfile's folder or above names what a reference stands for, a digest or another tag, this is written: " +
			"`python` becomes `python:latest@sha256:…`. `refit fix --online` asks the registries instead, and with --update-lock writes their answers to the lock. A list of images (--images FILE) replaces references as it says.",
		Why:     "The same Dockerfile builds another image tomorrow, and nobody can tell which one it was.",
		Before:  "FROM python:latest\nRUN python --version",
		After:   "FROM python:3.12.4-slim\nRUN python --version",
		Instead: "References with a digest, stages, scratch and variables are left alone.",
		Safety:  "Safe where refit.lock has the digest: the lock says which image is meant. Unsafe where it has a tag, for a list, and for what a registry answers without a lock: the image may differ from the one that was used so far. Advice without any of these.",
		Refs:    []string{practicesURL + "#pin-base-image-versions", "https://github.com/hadolint/hadolint/wiki/DL3006", "https://github.com/hadolint/hadolint/wiki/DL3007"},
	},
}

func pinBase(p *Pass) {
	for _, s := range p.Facts.Stages {
		w, ok := plainBase(s)
		if !ok {
			continue
		}
		_, tag, digest := facts.SplitReference(w.Value)
		to, safety, by := p.pin(w.Value)
		if to != "" && to != w.Value {
			src := p.File.Src
			p.Report(Change{
				Title: "pin " + w.Value + " to " + to, At: w.Span, Safety: safety, Reason: by,
				Edits:   []emit.Edit{{Span: w.Span, New: to}},
				Effects: []plan.Effect{plan.Replace{Instr: s.From.Index, Text: strings.TrimRight(string(src[s.From.Start:w.Start])+to+string(src[w.End:s.From.End]), "\r\n")}},
			})
			continue
		}
		switch {
		case digest != "":
		case tag == "":
			p.Advise(w.Span, "name a tag for "+w.Value, "without a tag it is latest, which is another image tomorrow")
		case tag == "latest":
			p.Advise(w.Span, "name a version of "+strings.TrimSuffix(w.Value, ":latest"), "latest is another image tomorrow")
		}
	}
}

// pin is what a reference becomes, "" for no change, and who says so.
func (p *Pass) pin(ref string) (to string, safety Safety, by string) {
	if to, ok := p.Options.Images[ref]; ok && !strings.ContainsAny(to, " \t\r\n") {
		return to, Unsafe, "the list of images names it"
	}
	key, named := PinKey(ref)
	if !named {
		return "", Advice, ""
	}
	if pin, ok := p.Options.Pins[key]; ok {
		if strings.Contains(pin, ":") {
			return key + "@" + pin, Safe, "refit.lock has its digest"
		}
		if !strings.Contains(ref, "@") {
			return key[:strings.LastIndexByte(key, ':')+1] + pin, Unsafe, "refit.lock names the tag"
		}
	}
	if pin, ok := p.Options.Resolved[key]; ok && !strings.Contains(ref, "@") {
		return key + "@" + pin, Unsafe, "the registry says that this is the image now; refit fix --online --update-lock keeps it in refit.lock"
	}
	return "", Advice, ""
}

// PinKey is the name under which a lock has a reference: with its tag, latest
// where it has none, and without a digest. named is false for a digest without
// a tag, which stands for nothing else.
func PinKey(ref string) (key string, named bool) {
	name, digest, pinned := strings.Cut(ref, "@")
	if _, tag, _ := facts.SplitReference(name); tag == "" {
		return name + ":latest", !pinned || digest == ""
	}
	return name, true
}

// plainBase is the word that names a stage's base image: an image's reference
// in plain text.
func plainBase(s *facts.Stage) (w parse.Word, ok bool) {
	if s.Parent != nil || len(s.From.Words) == 0 || s.From.Form == parse.Opaque {
		return w, false
	}
	w = s.From.Words[0]
	return w, !overlapsComment(s.From, w.Span) && !strings.ContainsAny(w.Value, "$\"'") && w.Value != "scratch"
}

// BaseImage is a reference to a base image in a Dockerfile.
type BaseImage struct {
	Ref    string         // as written
	Key    string         // see PinKey
	Pinned bool           // it has a digest
	Moving bool           // it has no tag, or latest, and no digest
	Pos    parse.Position // in the file
}

// BaseImages returns what pin-base can pin in a Dockerfile, in the order of
// the stages. The error is a *parse.Error.
func BaseImages(src []byte, opt facts.Options) ([]BaseImage, error) {
	f, err := parse.Parse(src)
	if err != nil {
		return nil, err
	}
	var out []BaseImage
	for _, s := range facts.New(f, opt).Stages {
		w, ok := plainBase(s)
		if !ok {
			continue
		}
		key, named := PinKey(w.Value)
		if !named {
			continue
		}
		_, tag, digest := facts.SplitReference(w.Value)
		out = append(out, BaseImage{
			Ref: w.Value, Key: key, Pinned: digest != "", Moving: digest == "" && (tag == "" || tag == "latest"), Pos: f.Position(w.Start),
		})
	}
	return out, nil
}

// ParseImages reads a list of images: per line a reference as it stands in
// FROM, blanks, and the reference that replaces it. Blank lines and lines that
// start with # are skipped. The error names the line.
func ParseImages(data []byte) (map[string]string, error) {
	out := map[string]string{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 2 {
			return nil, fmt.Errorf("line %d: want two references, the old and the new, not %d words", n, len(f))
		}
		if old, ok := out[f[0]]; ok && old != f[1] {
			return nil, fmt.Errorf("line %d: %s is listed twice", n, f[0])
		}
		out[f[0]] = f[1]
	}
	return out, nil
}
