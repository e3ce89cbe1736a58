package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&zypperCleanTransform)

var zypperCleanTransform = Transform{
	Name:   "zypper-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"DL3036"},
	Safety: Safe,
	Run:    func(p *Pass) { p.toolClean(facts.ManagerNamed("zypper"), nil) },
	Doc: text(`Empty zypper's cache in the RUN that filled it.

## What
Appends ´zypper clean --all´ to a RUN that installs with zypper and leaves metadata and packages behind. Of several commands of a RUN that empty it, as in one that was merged, the last stays. With ´--cache mount´ the cache is kept in a cache mount instead.

## Why
Metadata of the repositories (20 to 100 MB) and the downloaded packages stay in the layer; a later RUN cannot take them out of it.

## Example
~~~dockerfile before
FROM opensuse/leap:15.6
RUN zypper -n install git
~~~
~~~dockerfile after
FROM opensuse/leap:15.6
RUN zypper -n install git && zypper clean --all
~~~

## Instead
Nothing changes where a mount holds the cache, where the RUN cleans up already, and where a later command installs from the cache alone. To keep the cache: ´# refit: ignore=zypper-clean´.

## Safety
Safe. The package manager fetches its metadata again when it needs it. Unsafe where sudo would have to be used for more than the package manager.

## References
- https://en.opensuse.org/SDB:Zypper_manual
- https://github.com/hadolint/hadolint/wiki/DL3036
`),
}
