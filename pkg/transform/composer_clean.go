package transform

import "github.com/refit-dev/refit/pkg/facts"

var _ = register(&composerCleanTransform)

var composerCleanTransform = Transform{
	Name:   "composer-clean",
	Group:  "caches",
	After:  []string{"merge-run"},
	Codes:  []string{},
	Safety: Safe,
	Run:    func(p *Pass) { p.toolClean(facts.ManagerNamed("composer"), nil) },
	Doc: text(`Empty Composer's cache in the RUN that filled it.

## What
Adds ´composer clear-cache´ behind the last ´composer install´, ´require´ or ´update´ of a RUN in a stage that ships.

## Why
Composer keeps every downloaded archive.

## Example
~~~dockerfile before
FROM php:8.3-cli
COPY composer.json composer.lock ./
RUN composer install --no-dev
~~~
~~~dockerfile after
FROM php:8.3-cli
COPY composer.json composer.lock ./
RUN composer install --no-dev && composer clear-cache
~~~

## Instead
Nothing changes where ´COMPOSER_CACHE_DIR´ or ´COMPOSER_HOME´ is set, where a mount holds the cache, or with ´--no-cache´. Build stages that ship no layer are left alone. To keep the cache: ´# refit: ignore=composer-clean´.

## Safety
Safe. Composer downloads again what it does not find.

## References
- https://getcomposer.org/doc/03-cli.md#clear-cache-clearcache-cc
`),
}
