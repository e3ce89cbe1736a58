// Package buildfile reads Compose and Bake files for package workspace. It is a
// package of its own because its parsers take time at the start of a process.
package buildfile

import "github.com/refit-dev/refit/pkg/workspace"

// Entries returns the builds of a Compose or Bake file in the order of their
// names, for workspace.FindOptions. lookup gives environment variables for the
// file's placeholders.
func Entries(path string, data []byte, lookup func(string) (string, bool)) ([]workspace.BuildEntry, error) {
	if workspace.IsCompose(path) {
		return composeEntries(data, lookup)
	}
	return bakeEntries(path, data, lookup)
}
