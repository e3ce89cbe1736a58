package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/internal/lazy"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&multiStageTransform)

var multiStageTransform = Transform{
	Name:   "multi-stage",
	Group:  "layers",
	First:  true,
	Codes:  []string{},
	Safety: Unsafe,
	Run:    multiStage,
	Doc: text(`Compile in a builder stage and ship what it makes.

## What
A stage that compiles a program and starts it becomes two: the builder, with the base image and the build steps as they are, and a final stage on an image of the same system without the toolchain. The final stage copies the program and the files that it may read from the builder, and takes over ´ENV´, ´WORKDIR´, ´USER´, ´EXPOSE´, ´LABEL´, ´HEALTHCHECK´ and the command.

It works for

- Go (´go build´, ´go install´) and Rust (´cargo build´, ´cargo install´): the program, the root certificates and on Alpine the time zones, on the Debian or Alpine release that the compiler's tag stands for;
- Java (Maven, Gradle, ´javac´): the jar, or the folder with its libraries, on the run-time environment of the same vendor and version;
- Node: a folder that ´serve´ or ´http-server´ serves, or one file into which esbuild bundles all modules, on the slim image.

Files that ´COPY´ brings and that are no sources are shipped, too. Without the build context, where they cannot be told apart, the whole folder is. Packages and users that the container needs are installed in the final stage.

## Why
Compilers, sources and caches are most of the image, are scanned for vulnerabilities, and are of no use in the container.

## Example
~~~dockerfile before
FROM golang:1.22
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd ./cmd
RUN go build -o /usr/local/bin/server ./cmd/server
EXPOSE 8080
CMD ["server"]
~~~
~~~dockerfile after
FROM golang:1.22 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd ./cmd
RUN go build -o /usr/local/bin/server ./cmd/server

FROM debian:bookworm-slim
WORKDIR /src
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/bin/server /usr/local/bin/
EXPOSE 8080
CMD ["server"]
~~~

## Instead
Nothing changes where it cannot be told what the container needs: it starts something else than what is compiled, a step leaves other files behind, the health check uses a program that the smaller image lacks, libraries are linked dynamically, the program starts other programs. ´--explain-skips´ says which it is. With the build context in sight more can be proved: which of the copied files are data, and for Rust which libraries are linked. To switch it off: ´# refit: ignore=multi-stage´.

## Safety
Unsafe: the program could read any file of the old image, and only those that its own project brings are kept. Start the container and try it.

## References
- https://docs.docker.com/build/building/multi-stage/
`),
}

// role is where an instruction of the stage goes.
type role uint8

const (
	stays role = iota // in the builder
	moves             // to the final stage
	both              // in both
)

// splitter cuts one stage in two.
type splitter struct {
	p     *Pass
	st    *facts.Stage
	rt    facts.Runtime
	eco   *compiler
	roles map[*parse.Instruction]role
	at    int // the first instruction that the final stage takes over in place

	builds   []*buildCall                  // what the RUN instructions compile with
	outs     []string                      // what they make, absolute paths
	packages map[string]*parse.Instruction // packages, and the RUN that installs them
	installs map[*parse.Instruction]bool   // a RUN that only installs packages
	made     map[string]*parse.Instruction // folders that moved instructions make
	copied   []string                      // paths that cp makes of other files
	removed  []string                      // paths that RUN instructions of the builder remove, or below which they remove something
	cwd      string                        // the final working directory
	coming   lazy.Answer[map[string]bool]  // see comesAnyway
	entry    command
	ship     []shipped
	only     bool     // what the container starts reads what is shipped and nothing else
	notes    []string // what a person should look at
}

// shipped is a COPY from the builder.
type shipped struct {
	from string // absolute
	to   string // absolute; the same, or in a folder on every PATH
	file bool   // known to be a file
}

func multiStage(p *Pass) {
	if len(p.Facts.Stages) == 0 {
		return
	}
	st := p.Facts.Stages[len(p.Facts.Stages)-1]
	if st.Parent != nil || !st.Image.Known || !st.Ships {
		return
	}
	rt, why := facts.RuntimeOf(st.Image.S)
	eco := compilers.Get()[rt.Language]
	if eco == nil {
		return
	}
	s := &splitter{p: p, st: st, rt: rt, eco: eco, roles: map[*parse.Instruction]role{}, packages: map[string]*parse.Instruction{}, installs: map[*parse.Instruction]bool{}, made: map[string]*parse.Instruction{}}
	stop := s.classify()
	if len(s.builds) == 0 || rt.Language == "node" && !slices.ContainsFunc(s.builds, func(b *buildCall) bool { return b.script() != "" }) {
		return // nothing is compiled
	}
	for _, f := range []func() string{
		func() string { return why },
		s.scope,
		func() string { return stop },
		s.command,
		func() string { return s.eco.artefact(s) },
		s.files,
		s.health,
		s.lists,
		s.config,
	} {
		if why := f(); why != "" {
			p.Skip(st.From.Keyword.Span, "%s", why)
			return
		}
	}
	s.report()
}

// scope refuses files in which the stage may be more than the image that is
// built last.
func (s *splitter) scope() string {
	for _, o := range s.p.Facts.Stages[:s.st.Index] {
		if o.Ships {
			return "the file has several stages that may be built as targets"
		}
	}
	switch {
	case len(s.st.From.Comments) > 0:
		return "a comment stands inside FROM"
	case strings.Contains(s.st.Platform, "$"):
		return "the platform of the base image is a variable"
	case strings.ContainsAny(s.st.Platform, " \t\"'\\`"):
		return "the platform of the base image has quotes or escapes"
	}
	if !s.st.Image.Certain() {
		raw := s.st.From.Words[0].Value
		_, tag, _ := strings.Cut(s.rt.Image, ":")
		if tag = strings.TrimSuffix(tag, "-slim"); s.rt.Floating || s.rt.Language == "node" || s.rt.Language == "java" || !strings.Contains(raw, tag) {
			return "the base image depends on a build argument"
		}
	}
	for _, in := range s.st.Instructions {
		switch {
		case in.Name == "ONBUILD":
			return "ONBUILD instructions do their work in images that are built on this one"
		case in.Name == "SHELL" && (len(in.Words) == 0 || path.Base(in.Words[0].Value) != "sh" && (path.Base(in.Words[0].Value) != "bash" || strings.Contains(s.rt.Image, "alpine"))):
			return s.p.line(in) + " sets a shell that " + s.rt.Image + " may lack"
		case in.Form == parse.Opaque:
			return s.p.line(in) + " is not understood"
		case in.Unfinished():
			return "the file ends inside an instruction"
		}
	}
	for _, in := range s.st.Instructions {
		if in.Name == "WORKDIR" {
			if w := in.Args.Value; !fixed(w) && s.rt.Workdir != "/" {
				return s.p.line(in) + ": the working directory goes on from the base image's"
			}
			break
		}
	}
	return ""
}
