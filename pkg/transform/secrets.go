package transform

import (
	"regexp"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&secretsTransform)

var secretsTransform = Transform{
	Name: "secrets", Group: "advice", Codes: []string{"SecretsUsedInArgOrEnv", "DL3064"}, Safety: Advice, Run: secrets,
	Doc: &page{
		Summary: "Keep secrets out of ENV and ARG.",
		What:    "Reports ENV and ARG whose name says that the value is a password, token or key.",
		Why:     "Whoever has the image reads them: ENV with docker inspect, ARG with docker history.",
		Before:  "FROM alpine:3.20\nENV API_TOKEN=abc",
		Instead: "Use `RUN --mount=type=secret` for the build, and the environment of the container for its run. Names of files and empty values are not reported.",
		Safety:  "Advice: the value has to come from elsewhere, and was published if the image was.",
		Refs:    []string{"https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/", "https://docs.docker.com/build/building/secrets/"},
	},
}

// secretName matches what BuildKit's check takes for secrets, see
// SecretsUsedInArgOrEnv, and nothing that ends in a word for something public.
var (
	secretName = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(?:^|_)(?:apikey|auth|credential|credentials|key|password|pword|passwd|pass|secret|token)(?:_|$)`)
	}}
	publicName = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(?:public|_file$|_path$|_url$|_dir$|_id$|keyring|key_server|keyserver|gpg|_length$|_name$|allow_empty|_fingerprint$|_ttl$|_size$)`)
	}}
)

func secrets(p *Pass) {
	report := func(at parse.Span, kind, name, value string) {
		value = strings.Trim(value, `"'`)
		if !secretName.Get().MatchString(name) || publicName.Get().MatchString(name) || kind == "ENV" && (value == "" || strings.EqualFold(value, "true") || strings.EqualFold(value, "false") || strings.HasPrefix(value, "/")) {
			return
		}
		why := "docker history shows it to everybody who has the image"
		if kind == "ENV" {
			why = "docker inspect shows it to everybody who has the image"
		}
		p.Advise(at, "keep "+name+" out of "+kind, why+"; use RUN --mount=type=secret, or set it when the container runs")
	}
	for _, in := range p.File.Instructions {
		switch in.Name {
		case "ENV":
			for _, a := range in.Pairs {
				report(a.Key.Span, "ENV", a.Key.Value, a.Value.Value)
			}
		case "ARG":
			for _, w := range in.Words {
				name, value, _ := strings.Cut(w.Value, "=")
				report(w.Span, "ARG", name, value)
			}
		}
	}
}
