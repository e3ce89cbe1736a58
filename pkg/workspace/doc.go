// Package workspace knows the files around a Dockerfile: it finds Dockerfiles
// in trees, honours ignore files and configuration, runs work over many files
// in a stable order, and writes results back safely.
package workspace
