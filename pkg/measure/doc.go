// Package measure builds Dockerfiles for real: it drives the build engine that the user has, reads the images that
// come out, compares them file by file, and times the builds.
//
// Engines are driven through their command line programs (docker, buildctl, podman, buildah), and images are read from
// the OCI layout (or the archive) that these write. BuildKit's Go client would do the same without a process, but it
// triples the start-up of a binary that links it (16.8 → 43 ms, stripped, median of 20 starts) and brings gRPC and
// OpenTelemetry along: too much for a formatter that runs on every save. The programs are on the machine of everyone
// who builds images.
package measure
