package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&microdnfCleanTransform)

var microdnfCleanTransform = Transform{
	Name:   "microdnf-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"DL3040"},
	Safety: Safe,
	Run: func(p *Pass) {
		p.toolClean(facts.ManagerNamed("microdnf"), nil)
		p.toolClean(facts.ManagerNamed("tdnf"), nil)
	},
	Doc: text(`Empty microdnf's cache in the RUN that filled it.

## What
Appends ´microdnf clean all´ to a RUN that installs with microdnf or tdnf and leaves metadata and packages behind. tdnf of Photon and Azure Linux is served too. Of several commands of a RUN that empty it, as in one that was merged, the last stays. With ´--cache mount´ the cache is kept in a cache mount instead.

## Why
Metadata and the downloaded packages stay in the layer; a later RUN cannot take them out of it.

## Example
~~~dockerfile before
FROM registry.access.redhat.com/ubi9/ubi-minimal
RUN microdnf install -y git
~~~
~~~dockerfile after
FROM registry.access.redhat.com/ubi9/ubi-minimal
RUN microdnf install -y git && microdnf clean all
~~~

## Instead
Nothing changes where a mount holds the cache, where the RUN cleans up already, and where a later command installs from the cache alone. To keep the cache: ´# refit: ignore=microdnf-clean´.

## Safety
Safe. The package manager fetches its metadata again when it needs it. Unsafe where sudo would have to be used for more than the package manager.

## References
- https://github.com/rpm-software-management/microdnf
- https://github.com/vmware/tdnf
`),
}
