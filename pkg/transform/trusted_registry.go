package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&trustedRegistryTransform)

var trustedRegistryTransform = Transform{
	Name: "trusted-registry", Group: "advice", Codes: []string{"DL3026"}, Safety: Advice, Run: trustedRegistry,
	ExampleWith: func() Options { return Options{Registries: []string{"registry.example.com"}} },
	Doc: &page{
		Summary: "Take base images from trusted registries only.",
		What: "Reports base images, and images that COPY --from and RUN --mount=from= read, from a registry that is not on the list: " +
			"trusted-registries in .refit.toml, or trustedRegistries in .hadolint.yaml. docker.io is Docker Hub; an entry may contain * for any letters.",
		Why:     "Whoever controls the registry of a base image controls what is in yours.",
		Before:  "FROM quay.io/someone/tool:1\nRUN true",
		Instead: "Nothing is reported without a list, for stages, scratch, and references whose registry is in a variable that the file does not set.",
		Safety:  "Advice: which image to take instead, only you know.",
		Refs:    []string{"https://github.com/hadolint/hadolint/wiki/DL3026"},
	},
}

func trustedRegistry(p *Pass) {
	if len(p.Options.Registries) == 0 {
		return
	}
	check := func(at parse.Span, ref string) {
		if ref == "" || ref == "scratch" || trusted(p.Options.Registries, registryOf(ref)) {
			return
		}
		p.Advise(at, "take the image from a trusted registry", registryOf(ref)+" is none of "+strings.Join(p.Options.Registries, ", "))
	}
	for _, s := range p.Facts.Stages {
		if s.Parent == nil && s.Image.Known && len(s.From.Words) > 0 {
			check(s.From.Words[0].Span, s.Image.S)
		}
		for _, in := range s.Instructions {
			for i := range in.Flags {
				fl := &in.Flags[i]
				ref := ""
				switch {
				case fl.Name == "from":
					ref = fl.Arg
				case fl.Name == "mount" && in.Name == "RUN":
					for part := range strings.SplitSeq(fl.Arg, ",") {
						if v, ok := strings.CutPrefix(part, "from="); ok {
							ref = v
						}
					}
				}
				if !strings.ContainsAny(ref, "/.:@") { // a stage, its number or a named context
					continue
				}
				if v := p.Facts.Expand(ref, in); v.Known && p.Facts.StageNamed(v.S, s.Index) == nil {
					check(fl.Span, v.S)
				}
			}
		}
	}
}

// registryOf is the registry of an image reference: its first part if that
// has a dot or a colon or is localhost, else Docker Hub.
// https://pkg.go.dev/github.com/distribution/reference: ParseNormalizedNamed
func registryOf(ref string) string {
	host, _, ok := strings.Cut(ref, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// trusted reports whether a registry is on the list. Docker Hub has several
// names.
func trusted(list []string, registry string) bool {
	names := []string{registry}
	switch registry {
	case "docker.io", "index.docker.io", "registry-1.docker.io":
		names = []string{registry, "docker.io", "hub.docker.com", "index.docker.io"}
	}
	return slices.ContainsFunc(list, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			ok, err := path.Match(pattern, name)
			return pattern == name || err == nil && ok
		})
	})
}
