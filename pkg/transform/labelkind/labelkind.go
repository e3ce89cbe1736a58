// Package labelkind lets package transform check labels that a label schema
// says are licences or URLs. It is imported for its effect, as the formats of
// package image are:
//
//	import _ "github.com/refit-dev/refit/pkg/transform/labelkind"
//
// It stands apart because the list of all licences and net/url make something
// when the program starts, and only a label schema in the configuration asks
// for them.
package labelkind

import (
	"net/url"

	"github.com/github/go-spdx/v2/spdxexp"

	"github.com/refit-dev/refit/pkg/transform"
)

func init() {
	transform.ValidLicense, transform.ValidURL = License, URL
}

// License reports whether s is a licence identifier or expression.
// https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
func License(s string) bool {
	ok, _ := spdxexp.ValidateLicenses([]string{s})
	return ok
}

// URL reports whether s is an absolute URL.
func URL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "" || u.Path != "")
}
