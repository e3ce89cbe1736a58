package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&pnpmCleanTransform)

var pnpmCleanTransform = Transform{
	Name:   "pnpm-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    pnpmClean,
	Doc: text(`Empty pnpm's store in the RUN that filled it.

## What
Adds ´pnpm store prune´ behind the last ´pnpm install´ of a RUN.

## Why
Packages that no project refers to, and pnpm's metadata, stay in the layer.

## Example
~~~dockerfile before
FROM node:20
RUN npm install -g pnpm && npm cache clean --force
COPY package.json pnpm-lock.yaml ./
RUN pnpm install --frozen-lockfile
~~~
~~~dockerfile after
FROM node:20
RUN npm install -g pnpm && npm cache clean --force
COPY package.json pnpm-lock.yaml ./
RUN pnpm install --frozen-lockfile && pnpm store prune
~~~

## Instead
Nothing changes where a mount or a variable places the store, after ´pnpm fetch´, whose only purpose is to fill the store, and where a later command installs offline. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=pnpm-clean´.

## Safety
Safe. pnpm downloads again what it does not find.

## References
- https://pnpm.io/cli/store#prune
`),
}

func pnpmClean(p *Pass) {
	m := facts.ManagerNamed("pnpm")
	p.toolClean(m, func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if v.HasFlag("--store-dir") {
			return "", "--store-dir says where the store is"
		}
		for _, o := range p.Facts.Invocations(r.In) {
			if o.Manager == m && o.Verb == "fetch" {
				return "", "pnpm fetch fills the store for a later install"
			}
		}
		return text, ""
	})
}
