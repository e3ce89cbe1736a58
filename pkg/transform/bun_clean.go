package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&bunCleanTransform)

var bunCleanTransform = Transform{
	Name:   "bun-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    bunClean,
	Doc: text(`Delete bun's cache in the RUN that filled it.

## What
Adds ´rm -rf ~/.bun/install/cache´ behind the last ´bun install´ of a RUN.

## Why
bun keeps every downloaded package in its cache.

## Example
~~~dockerfile before
FROM oven/bun:1
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile
~~~
~~~dockerfile after
FROM oven/bun:1
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile && rm -rf ~/.bun/install/cache
~~~

## Instead
Nothing changes where a mount or a variable places the cache. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=bun-clean´.

## Safety
Safe. bun downloads again what it does not find, and node_modules does not depend on the cache unless bun was told to link into it.

## References
- https://bun.sh/docs/install/cache
`),
}

func bunClean(p *Pass) {
	p.toolClean(facts.ManagerNamed("bun"), func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if v.HasFlag("--cache-dir", "--no-cache") {
			return "", "an option says where the cache is"
		}
		if v.HasFlag("--backend") {
			return "", "node_modules may link into the cache"
		}
		return text, ""
	})
}
