// Package shell reads the shell programs inside a Dockerfile's instructions.
//
// A [Script] is the text that the shell is really given (BuildKit's joined
// line, or the body of a here-document) with a two-way map to the source. It
// is parsed by mvdan.cc/sh; its tree gives positions, its printer is never
// used. [Shell] says which language an effective SHELL speaks: scripts for
// cmd, PowerShell, Python or an unknown shell have no tree.
package shell
