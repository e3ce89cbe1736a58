//go:build !plain

package main

import (
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/refit-dev/refit/pkg/registry"
	_ "github.com/refit-dev/refit/pkg/transform/labelkind" // label schemas with licences and URLs
	"github.com/refit-dev/refit/pkg/workspace/buildfile"
)

// buildEntries reads Compose and Bake files.
var buildEntries = buildfile.Entries

// handOver starts the full program, see plain.go. This is it.
func handOver() error { return nil }

// newDigester makes a client of registries, with the credentials that docker
// login keeps.
func newDigester() (digester, error) {
	return &registry.Client{Keychain: authn.DefaultKeychain}, nil
}
