package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&yumCleanTransform)

var yumCleanTransform = Transform{
	Name:   "yum-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{"DL3032", "yumInstallRmVarCacheYum"},
	Safety: Safe,
	Run:    func(p *Pass) { p.toolClean(facts.ManagerNamed("yum"), nil) },
	Doc: text(`Empty yum's cache in the RUN that filled it.

## What
Appends ´yum clean all && rm -rf /var/cache/yum´ to a RUN that installs with yum and leaves metadata and packages behind. yum itself leaves files of repositories that are gone: the directory goes too. Of several commands of a RUN that empty it, as in one that was merged, the last stays. With ´--cache mount´ the cache is kept in a cache mount instead.

## Why
Metadata of 50 to 200 MB and the downloaded packages stay in the layer; a later RUN cannot take them out of it.

## Example
~~~dockerfile before
FROM centos:7
RUN yum install -y git
~~~
~~~dockerfile after
FROM centos:7
RUN yum install -y git && yum clean all && rm -rf /var/cache/yum
~~~

## Instead
Nothing changes where a mount holds the cache, where the RUN cleans up already, and where a later command installs from the cache alone. To keep the cache: ´# refit: ignore=yum-clean´.

## Safety
Safe. The package manager fetches its metadata again when it needs it. Unsafe where sudo would have to be used for more than the package manager.

## References
- https://man7.org/linux/man-pages/man8/yum.8.html
- https://github.com/hadolint/hadolint/wiki/DL3032
`),
}
