package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&dnfCleanTransform)

var dnfCleanTransform = Transform{
	Name:   "dnf-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"DL3040"},
	Safety: Safe,
	Run:    func(p *Pass) { p.toolClean(facts.ManagerNamed("dnf"), nil) },
	Doc: text(`Empty dnf's cache in the RUN that filled it.

## What
Appends ´dnf clean all´ to a RUN that installs with dnf and leaves metadata and packages behind. Of several commands of a RUN that empty it, as in one that was merged, the last stays. With ´--cache mount´ the cache is kept in a cache mount instead.

## Why
Metadata of 50 to 200 MB and the downloaded packages stay in the layer; a later RUN cannot take them out of it.

## Example
~~~dockerfile before
FROM fedora:40
RUN dnf install -y git
~~~
~~~dockerfile after
FROM fedora:40
RUN dnf install -y git && dnf clean all
~~~

## Instead
Nothing changes where a mount holds the cache, where the RUN cleans up already, and where a later command installs from the cache alone. To keep the cache: ´# refit: ignore=dnf-clean´.

## Safety
Safe. The package manager fetches its metadata again when it needs it. Unsafe where sudo would have to be used for more than the package manager.

## References
- https://dnf.readthedocs.io/en/latest/command_ref.html#clean-command
- https://github.com/hadolint/hadolint/wiki/DL3040
`),
}
