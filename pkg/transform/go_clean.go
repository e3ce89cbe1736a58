package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&goCleanTransform)

var goCleanTransform = Transform{
	Name:   "go-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    goClean,
	Doc: text(`Empty Go's caches in the RUN that filled them.

## What
Adds ´go clean -cache -modcache´ behind the last ´go build´ or ´go install´ of a RUN in a stage that ships.

## Why
The build cache and the sources of all modules, often hundreds of megabytes, stay in the layer beside the program.

## Example
~~~dockerfile before
FROM golang:1.22
COPY . /src
RUN cd /src && go build -o /app .
CMD ["/app"]
~~~
~~~dockerfile after
FROM golang:1.22
COPY . /src
RUN cd /src && go build -o /app . && go clean -cache -modcache
CMD ["/app"]
~~~

## Instead
Nothing changes where a later instruction or the container itself runs go, and after ´go mod download´ alone, which fills the cache on purpose. A build stage of its own is better still: see multi-stage. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=go-clean´.

## Safety
Safe where the stage's command is a program of its own; unsafe where the container may be used to build.

## References
- https://pkg.go.dev/cmd/go#hdr-Remove_object_files_and_cached_files
`),
}

func goClean(p *Pass) {
	p.toolClean(facts.ManagerNamed("go"), func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if v.Verb != "build" && v.Verb != "install" {
			return "", "go " + v.Verb + " fills the cache on purpose"
		}
		return p.lastBuild(r, v, text, c)
	})
}

// lastBuild refuses to empty the cache of a build tool that is used again, in
// a later instruction or in the container, and marks the change unsafe where
// that cannot be told.
func (p *Pass) lastBuild(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
	sure := false
	stages := []*facts.Stage{r.State.Stage}
	for len(stages) > 0 {
		s := stages[0]
		stages = append(stages[1:], s.Children...)
		for _, in := range s.Instructions {
			if in.Index <= r.In.Index {
				continue
			}
			if slices.ContainsFunc(p.Facts.Invocations(in), func(o *facts.Invocation) bool { return o.Manager == v.Manager }) {
				return "", p.line(in) + " uses the cache"
			}
			if in.Name == "CMD" || in.Name == "ENTRYPOINT" {
				switch commandName(in) {
				case "", "sh", "bash", "dash", "ash", "go", "cargo", "air", "make", "reflex", "dlv", "gin", "fresh", "sleep", "tail", "tini", "dumb-init", "env":
				default:
					sure = true
				}
			}
		}
	}
	if !sure {
		c.Safety = Unsafe
		c.Reason += "; check that the container does not build anything"
	}
	return text, ""
}

// commandName is the program that a CMD or ENTRYPOINT starts, without
// directory, "" if unknown.
func commandName(in *parse.Instruction) string {
	word := ""
	switch {
	case in.Form == parse.Exec && len(in.Words) > 0:
		word = in.Words[0].Value
	case in.Form == parse.Shell:
		word, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(in.Args.Value), "exec "), " ")
	}
	if word == "" || strings.ContainsAny(word, "$`'\"") {
		return ""
	}
	return path.Base(word)
}
