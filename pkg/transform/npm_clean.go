package transform

import (
	"slices"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&npmCleanTransform)

var npmCleanTransform = Transform{
	Name:   "npm-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"npmCacheCleanAfterInstall", "npmCacheCleanUseForce"},
	Safety: Safe,
	Run:    npmClean,
	Doc: text(`Empty npm's cache in the RUN that filled it.

## What
Adds ´npm cache clean --force´ behind the last ´npm install´ or ´npm ci´ of a RUN. An ´npm cache clean´ without --force, which does nothing since npm 5, gets it. With ´--cache mount´ the cache is kept in a cache mount.

## Why
npm keeps every downloaded archive in ~/.npm: tens of megabytes that the image does not need.

## Example
~~~dockerfile before
FROM node:20
COPY package.json package-lock.json ./
RUN npm ci
~~~
~~~dockerfile after
FROM node:20
COPY package.json package-lock.json ./
RUN npm ci && npm cache clean --force
~~~

## Instead
Nothing changes where a mount or a variable places the cache, where the RUN deletes it, and where a later command installs offline. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=npm-clean´.

## Safety
Safe. npm downloads again what it does not find.

## References
- https://docs.npmjs.com/cli/commands/npm-cache
`),
}

func npmClean(p *Pass) {
	m := facts.ManagerNamed("npm")
	for _, r := range p.runs(m) {
		if p.Options.Cache == "mount" {
			break
		}
		for _, v := range p.Facts.Activity(r.In, m).Uses {
			if v.Role != facts.Clean || v.HasFlag("--force", "-f") || v.Nested || v.Opaque || r.In.Child != nil {
				continue
			}
			edits, effects, err := r.EditCommand(v.Call, Op{At: len(v.Call.Args) - 1, Insert: "--force"})
			if err != nil {
				p.Skip(p.at(r, v), "%v", err)
				continue
			}
			p.Report(Change{
				Title: "make npm cache clean work", At: p.at(r, v), Edits: edits, Effects: effects, Safety: Safe,
				Reason: "since npm 5 it refuses to do anything without --force",
			})
		}
	}
	p.toolClean(m, func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if v.HasFlag("--cache") {
			return "", "--cache says where the cache is"
		}
		if slices.ContainsFunc(p.Facts.Invocations(r.In), func(o *facts.Invocation) bool { return o.Manager == m && o.Role == facts.Clean && o.Seq > v.Seq }) {
			return "", quietObstacle
		}
		return text, ""
	})
}
