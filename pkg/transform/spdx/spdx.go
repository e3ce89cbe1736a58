// Package spdx lets package transform check licence expressions. It is
// imported for its effect, as the formats of package image are:
//
//	import _ "github.com/refit-dev/refit/pkg/transform/spdx"
//
// It stands apart because the list of all licences is a table that is built
// when the program starts, and only a label schema in the configuration asks
// for it.
package spdx

import (
	"github.com/github/go-spdx/v2/spdxexp"

	"github.com/refit-dev/refit/pkg/transform"
)

func init() { transform.ValidLicense = Valid }

// Valid reports whether s is a licence identifier or expression.
// https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
func Valid(s string) bool {
	ok, _ := spdxexp.ValidateLicenses([]string{s})
	return ok
}
