package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&cargoCleanTransform)

var cargoCleanTransform = Transform{
	Name:   "cargo-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    cargoClean,
	Doc: text(`Delete Cargo's registry in the RUN that filled it.

## What
Adds ´rm -rf "${CARGO_HOME:-$HOME/.cargo}/registry"´ behind the last ´cargo install´ or ´cargo build´ of a RUN in a stage that ships.

## Why
The registry holds the archives and the sources of all crates; the programs do not need them.

## Example
~~~dockerfile before
FROM rust:1.80
RUN cargo install ripgrep
ENTRYPOINT ["rg"]
~~~
~~~dockerfile after
FROM rust:1.80
RUN cargo install ripgrep && rm -rf "${CARGO_HOME:-$HOME/.cargo}/registry"
ENTRYPOINT ["rg"]
~~~

## Instead
Nothing changes where a later instruction or the container itself runs cargo, and where a mount holds the registry. A build stage of its own is better still: see multi-stage. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=cargo-clean´.

## Safety
Safe where the stage's command is a program of its own; unsafe where the container may be used to build.

## References
- https://doc.rust-lang.org/cargo/guide/cargo-home.html
`),
}

func cargoClean(p *Pass) {
	p.toolClean(facts.ManagerNamed("cargo"), func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if v.Verb != "build" && v.Verb != "install" && v.Verb != "b" {
			return "", "cargo " + v.Verb + " fills the registry on purpose"
		}
		if t := r.Script.Text(); strings.Contains(t, "registry") && strings.Contains(t, "rm ") {
			return "", quietObstacle
		}
		return p.lastBuild(r, v, text, c)
	})
}
