package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUpToDate checks that the generated documentation is what docgen writes.
func TestUpToDate(t *testing.T) {
	files, err := Generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is out of date (run go run ./internal/docgen from the root; -want +got):\n%s", name, diff)
		}
	}
}
