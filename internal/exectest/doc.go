// Package exectest runs shell programs before and after a change under real
// shells and compares what they do. Every external command is a recorder; the
// programs run again with each recorded command failing in turn. Two programs
// are equal if they record the same commands (arguments, working directory,
// umask, exported environment, standard input), leave the same files, and both
// succeed or both fail.
//
// Each RUN of a Dockerfile is a fresh shell, and the build stops at the first
// that fails: that is how the programs before a merge run.
package exectest
