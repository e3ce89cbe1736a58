package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&pacmanCleanTransform)

var pacmanCleanTransform = Transform{
	Name:   "pacman-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    func(p *Pass) { p.toolClean(facts.ManagerNamed("pacman"), nil) },
	Doc: text(`Empty pacman's cache in the RUN that filled it.

## What
Appends ´rm -rf /var/cache/pacman/pkg/*´ to a RUN that installs with pacman and leaves metadata and packages behind. ´pacman -Scc --noconfirm´ would do nothing: it takes the default answer, which is no. The databases stay, since a later ´pacman -S´ may need them. Of several commands of a RUN that empty it, as in one that was merged, the last stays. With ´--cache mount´ the cache is kept in a cache mount instead.

## Why
All downloaded packages stay in the layer; a later RUN cannot take them out of it.

## Example
~~~dockerfile before
FROM archlinux:latest
RUN pacman -Sy --noconfirm git
~~~
~~~dockerfile after
FROM archlinux:latest
RUN pacman -Sy --noconfirm git && rm -rf /var/cache/pacman/pkg/*
~~~

## Instead
Nothing changes where a mount holds the cache, where the RUN cleans up already, and where a later command installs from the cache alone. To keep the cache: ´# refit: ignore=pacman-clean´.

## Safety
Safe. The package manager fetches its metadata again when it needs it. Unsafe where sudo would have to be used for more than the package manager.

## References
- https://wiki.archlinux.org/title/Pacman#Cleaning_the_package_cache
`),
}
