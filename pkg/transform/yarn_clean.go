package transform

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&yarnCleanTransform)

var yarnCleanTransform = Transform{
	Name:   "yarn-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"DL3060", "yarnCacheCleanAfterInstall"},
	Safety: Safe,
	Run:    yarnClean,
	Doc: text(`Empty yarn's cache in the RUN that filled it.

## What
Adds ´yarn cache clean´ behind the last ´yarn install´ or ´yarn add´ of a RUN, for yarn 1. Yarn 2 and later
gets its mount where the build context shows that packages are copied into node_modules (´nodeLinker: node-modules´).

## Why
yarn 1 keeps every downloaded package in its cache: often as much again as node_modules.

## Example
~~~dockerfile before
FROM node:20
COPY package.json yarn.lock ./
RUN yarn install --frozen-lockfile
~~~
~~~dockerfile after
FROM node:20
COPY package.json yarn.lock ./
RUN yarn install --frozen-lockfile && yarn cache clean
~~~

## Instead
Nothing changes where something points at yarn 2 or later (´corepack´, ´.yarnrc.yml´, ´--immutable´): its cache may be what the program runs from (Plug'n'Play). Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=yarn-clean´.

## Safety
Safe where the project can be seen to use yarn 1: by an option that only yarn 1 has, by ´yarn global´, because only package.json and yarn.lock have been copied, or in the build context. Unsafe otherwise.

## References
- https://classic.yarnpkg.com/en/docs/cli/cache
- https://github.com/hadolint/hadolint/wiki/DL3060
`),
}

func yarnClean(p *Pass) {
	p.toolClean(facts.ManagerNamed("yarn"), func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if v.HasFlag("--cache-folder") {
			return "", "--cache-folder says where the cache is"
		}
		switch classic, berry := p.yarnVersion(r, v); {
		case berry != "":
			return "", "yarn 2 or later may run from its cache: " + berry
		case !classic:
			c.Safety = Unsafe
			c.Reason += "; check that the project uses yarn 1: later versions may run from the cache"
		}
		return text, ""
	})
}

// yarnVersion looks for signs of yarn 1, and of a later yarn.
func (p *Pass) yarnVersion(r *Program, v *facts.Invocation) (classic bool, berry string) {
	for _, n := range []string{"--immutable", "--immutable-cache", "--check-cache", "--inline-builds", "--mode"} {
		if v.HasFlag(n) {
			return false, n
		}
	}
	if v.Verb == "workspaces focus" || v.Verb == "up" {
		return false, "yarn " + v.Verb
	}
	if v.Verb == "global add" || v.Verb == "global upgrade" {
		return true, ""
	}
	if ctx := p.Options.Context; ctx != nil {
		if ctx.Exists(".yarnrc.yml") {
			return false, ".yarnrc.yml"
		}
		if lock, ok := ctx.Read("yarn.lock"); ok {
			return strings.Contains(string(lock), "# yarn lockfile v1"), ""
		}
	}
	first, named := len(p.File.Instructions), ""
	for _, sign := range []string{"corepack", ".yarnrc.yml", ".yarn/", "yarn set version", ".pnp"} {
		if i := p.firstMention(sign); i < first {
			first, named = i, sign
		}
	}
	if named != "" {
		return false, named
	}
	for _, n := range []string{"--production", "--prod", "--pure-lockfile", "--no-lockfile", "--ignore-optional", "--ignore-engines", "--ignore-platform",
		"--network-timeout", "--non-interactive", "--no-progress", "--no-bin-links", "--modules-folder", "--silent", "-s", "--flat", "--har"} {
		if v.HasFlag(n) {
			return true, ""
		}
	}
	return p.onlyCopied(r, "package.json", "yarn.lock", "package*.json", ".npmrc", ".yarnrc", "*.json", "package.json*", "yarn.lock*", "yarn*.lock"), ""
}

// copiedNames is a key of once.
type copiedNames struct {
	*facts.Stage
	names string
}

// onlyCopied reports whether everything that the stage has copied from the
// build context before a RUN is among the named files.
func (p *Pass) onlyCopied(r *Program, names ...string) bool {
	copied := false
	for s := r.State.Stage; s != nil; s = s.Parent {
		// The first instructions of the stage that copy one of them, and something else.
		first := once(p, copiedNames{s, strings.Join(names, " ")}, func() (first [2]int) {
			first = [2]int{len(p.File.Instructions), len(p.File.Instructions)}
			for _, in := range s.Instructions {
				if in.Name != "COPY" && in.Name != "ADD" || in.Flag("from") != nil || len(in.Words) < 2 {
					continue
				}
				for _, w := range in.Words[:len(in.Words)-1] {
					kind := 1
					if slices.Contains(names, w.Value[strings.LastIndexByte(w.Value, '/')+1:]) {
						kind = 0
					}
					first[kind] = min(first[kind], in.Index)
				}
			}
			return first
		})
		if first[1] <= r.In.Index {
			return false
		}
		copied = copied || first[0] <= r.In.Index
	}
	return copied
}

// copiesModules reports whether the build context shows a yarn of version 2 or later
// that copies packages into node_modules: nothing runs from its cache then, as
// Plug'n'Play does. See https://yarnpkg.com/configuration/yarnrc#nodeLinker.
func (p *Pass) copiesModules() bool {
	if p.Options.Context == nil {
		return false
	}
	text, ok := p.Options.Context.Read(".yarnrc.yml")
	if !ok {
		return false
	}
	var rc struct {
		NodeLinker   string `yaml:"nodeLinker"`
		CacheFolder  string `yaml:"cacheFolder"`
		GlobalFolder string `yaml:"globalFolder"`
	}
	if yaml.Unmarshal(text, &rc) != nil {
		return false
	}
	return rc.NodeLinker == "node-modules" && rc.CacheFolder == "" && rc.GlobalFolder == ""
}

// classicYarn reports whether the RUN's yarn is known to be yarn 1, whose cache
// nothing runs from.
func (p *Pass) classicYarn(r *Program, a facts.Activity) bool {
	if a.Load == nil {
		return false
	}
	classic, berry := p.yarnVersion(r, a.Load)
	return classic && berry == ""
}
