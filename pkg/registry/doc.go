// Package registry asks container registries which image a tag names now. It
// says in plain words why one gives no answer, and what to do; the protocol is
// github.com/google/go-containerregistry's.
package registry
