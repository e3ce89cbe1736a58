// Package facts knows what holds at each instruction of a Dockerfile: the
// stage graph, the base image's family, SHELL, USER, WORKDIR and the
// variables in effect, and what is in sight of the build context.
//
// Facts may be unknown (a base image that is not in the table, an ARG without
// a default); whoever needs one must decline then. Facts are computed from
// the tree once and never change.
package facts
