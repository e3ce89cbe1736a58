package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

var _ = register(&condaCleanTransform)

var condaCleanTransform = Transform{
	Name:   "conda-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    condaClean,
	Doc: text(`Empty conda's package cache in the RUN that filled it.

## What
Adds ´conda clean -afy´ (mamba, micromamba: the same of theirs) behind the last install of a RUN in a stage that ships. With ´--cache mount´ the packages are kept in a cache mount instead, on conda's own images.

## Why
Archives, index and unpacked packages in pkgs/ stay in the layer; environments hold hard links to what they use.

## Example
~~~dockerfile before
FROM continuumio/miniconda3
RUN conda install -y numpy
~~~
~~~dockerfile after
FROM continuumio/miniconda3
RUN conda install -y numpy && conda clean -afy
~~~

## Instead
Nothing changes where ´CONDA_PKGS_DIRS´ is set, where a mount holds the cache, and where a later command installs offline or links softly. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=conda-clean´.

## Safety
Safe. conda downloads again what it does not find.

## References
- https://docs.conda.io/projects/conda/en/stable/commands/clean.html
`),
}

func condaClean(p *Pass) {
	p.toolClean(facts.ManagerNamed("conda"), func(r *Program, v *facts.Invocation, text string, c *Change) (string, string) {
		if in := p.next(0, nil, p.mentioning("softlink")); in != nil {
			return "", p.line(in) + " makes conda link into its cache"
		}
		if v.Name != "conda" {
			_, rest, _ := strings.Cut(text, " ")
			text = p.calledAs(r, v, v.Name+" "+rest)
		}
		return text, ""
	})
}
