package transform

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// schemaInstead is where the three transforms of label schemas hold back.
const schemaInstead = "Nothing is reported without a schema, and for labels whose key or value depends on a variable that the file does not settle."

var _ = register(&labelValuesTransform)

var labelValuesTransform = Transform{
	Name: "label-values", Group: "advice", Safety: Advice, Run: labelValues,
	Codes:       []string{"DL3051", "DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"},
	ExampleWith: func() Options { return Options{LabelSchema: map[string]string{"org.opencontainers.image.url": "url"}} },
	Doc: &page{
		Summary: "Give labels values of the kind that the schema wants.",
		What: "Reports labels that are empty, or whose value is not of the kind that the schema names for them: text, url, semver, " +
			"spdx, rfc3339, hash or email. The schema is label-schema in .refit.toml or .hadolint.yaml.",
		Why:     "Tools that read labels fail on a value of another kind, or show nothing.",
		Before:  "FROM alpine:3.20\nLABEL org.opencontainers.image.url=\"not there yet\"",
		Instead: schemaInstead,
		Safety:  "Advice: the right value is not in the file.",
		Refs:    []string{"https://github.com/opencontainers/image-spec/blob/main/annotations.md", "https://github.com/hadolint/hadolint/wiki/DL3051"},
	},
}

var _ = register(&requiredLabelsTransform)

var requiredLabelsTransform = Transform{
	Name: "required-labels", Group: "advice", Codes: []string{"DL3049"}, Safety: Advice, Run: requiredLabels,
	ExampleWith: func() Options {
		return Options{LabelSchema: map[string]string{"org.opencontainers.image.licenses": "spdx"}}
	},
	Doc: &page{
		Summary: "Set the labels that the schema wants.",
		What:    "Reports images without a label that label-schema in .refit.toml or .hadolint.yaml names.",
		Why:     "Whoever looks for an image's source, licence or owner finds it in the same place for all images.",
		Before:  "FROM alpine:3.20\nRUN true",
		Instead: schemaInstead + " Labels that add-labels adds are not missing; those of the base image are not known.",
		Safety:  "Advice: refit fix --label KEY=VALUE sets them.",
		Refs:    []string{docsURL + "#label", "https://github.com/hadolint/hadolint/wiki/DL3049"},
	},
}

var _ = register(&extraLabelsTransform)

var extraLabelsTransform = Transform{
	Name: "extra-labels", Group: "advice", Codes: []string{"DL3050"}, Safety: Advice, Run: extraLabels,
	ExampleWith: func() Options {
		return Options{LabelSchema: map[string]string{"org.opencontainers.image.licenses": "spdx"}, StrictLabels: true}
	},
	Doc: &page{
		Summary: "Set no labels but those of the schema.",
		What:    "Reports labels that label-schema does not name, where strict-labels is set in .refit.toml or .hadolint.yaml.",
		Why:     "A label can tell more than should leave the house.",
		Before:  "FROM alpine:3.20\nLABEL internal.ticket=\"4711\"",
		Instead: "Nothing is reported without strict-labels, and for keys in variables.",
		Safety:  "Advice: other programs may read the label.",
		Refs:    []string{"https://github.com/hadolint/hadolint/wiki/DL3050"},
	},
}

// labelKind says what a value must be of a kind that a label schema can name, and how to tell.
func labelKind(kind string) (want string, valid func(string) bool) {
	switch kind {
	case "url":
		return "a URL with a scheme", isURL
	case "semver":
		return "a semantic version such as 1.2.3", isSemver
	case "spdx":
		return "an SPDX licence expression such as Apache-2.0", isSPDX
	case "rfc3339":
		return "a time such as 2026-11-24T15:04:05Z", isTime
	case "hash":
		return "a git commit hash", isHash
	case "email":
		return "an e-mail address", isEmail
	}
	return "some text", func(string) bool { return true } // text, and the kinds of other tools
}

// eachLabel calls f for each label of a stage whose key is known.
func (p *Pass) eachLabel(s *facts.Stage, f func(key string, pair *parse.Pair, value facts.Value)) (all bool) {
	all = true
	for _, in := range s.Instructions {
		if in.Name != "LABEL" {
			continue
		}
		if in.Form == parse.Opaque {
			all = false
			continue
		}
		for i := range in.Pairs {
			key := p.Facts.Expand(in.Pairs[i].Key.Value, in)
			if !key.Certain() {
				all = false
				continue
			}
			f(key.S, &in.Pairs[i], p.Facts.Expand(in.Pairs[i].Value.Value, in))
		}
	}
	return all
}

func labelValues(p *Pass) {
	if len(p.Options.LabelSchema) == 0 {
		return
	}
	for _, s := range p.Facts.Stages {
		p.eachLabel(s, func(key string, pair *parse.Pair, value facts.Value) {
			kind, ok := p.Options.LabelSchema[key]
			if !ok || !value.Certain() {
				return
			}
			want, valid := labelKind(kind)
			switch {
			case value.S == "":
				p.Advise(pair.Span, "give the label "+key+" a value", "it is empty")
			case !valid(value.S):
				p.Advise(pair.Span, "make the label "+key+" "+want, fmt.Sprintf("the schema wants the kind %s, not %q", kind, value.S))
			}
		})
	}
}

func requiredLabels(p *Pass) {
	if len(p.Options.LabelSchema) == 0 {
		return
	}
	for _, s := range p.Facts.Stages {
		if !isTarget(s) {
			continue
		}
		set := map[string]bool{}
		all := true
		for up := s; up != nil; up = up.Parent {
			all = p.eachLabel(up, func(key string, _ *parse.Pair, _ facts.Value) { set[key] = true }) && all
		}
		for _, l := range p.Options.Labels {
			set[l.Key] = true
		}
		if p.Options.Author != "" {
			set[authorsLabel] = true
		}
		var missing []string
		for _, key := range slices.Sorted(maps.Keys(p.Options.LabelSchema)) {
			if !set[key] {
				missing = append(missing, key)
			}
		}
		if len(missing) == 0 {
			continue
		}
		if !all {
			p.Skip(s.From.Keyword.Span, "a label's key is in a variable, it may be %s", strings.Join(missing, " or "))
			continue
		}
		for _, key := range missing {
			p.Advise(s.From.Keyword.Span, "set the label "+key, "the schema wants it, refit fix --label "+key+"=… adds it")
		}
	}
}

func extraLabels(p *Pass) {
	if !p.Options.StrictLabels {
		return
	}
	for _, s := range p.Facts.Stages {
		p.eachLabel(s, func(key string, pair *parse.Pair, _ facts.Value) {
			if _, ok := p.Options.LabelSchema[key]; !ok {
				p.Advise(pair.Span, "remove the label "+key, "the schema does not name it, and strict-labels allows no other")
			}
		})
	}
}

// ValidLicense and ValidURL report whether a label's value is an SPDX licence
// expression and an absolute URL. They are nil, and labels of the kinds spdx
// and url are not looked at, unless a program imports pkg/transform/labelkind,
// which sets them.
var ValidLicense, ValidURL func(string) bool

func isSPDX(s string) bool { return ValidLicense == nil || ValidLicense(s) }

func isURL(s string) bool { return ValidURL == nil || ValidURL(s) }

// isSemver asks for all three numbers, without a v. https://semver.org/
func isSemver(s string) bool {
	core, _, _ := strings.Cut(s, "+")
	core, _, _ = strings.Cut(core, "-")
	return semver.IsValid("v"+s) && strings.Count(core, ".") == 2
}

// isTime asks for RFC 3339, which allows a blank instead of the T.
func isTime(s string) bool {
	if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
		s = s[:10] + "T" + s[11:]
	}
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// isHash asks for a commit's SHA-1 or SHA-256, or an abbreviation of at least
// the seven digits that git gives.
func isHash(s string) bool {
	return len(s) >= 7 && (len(s) <= 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// emailAddress is what browsers accept in a form.
// https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
var emailAddress = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
	const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
	return regexp.MustCompile("^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@" + label + `(?:\.` + label + ")*$")
}}

func isEmail(s string) bool { return emailAddress.Get().MatchString(s) }
