package transform

import (
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// neededRecommend is a package that only comes along as a recommendation, but
// without which the build would fail.
type neededRecommend struct {
	name   string
	of     []string // the packages that recommend it
	where  string   // needed if an instruction mentions it; "" always
	others []string // packages that bring it, too
}

// neededRecommends is a table of Debian's and Ubuntu's recommendations. See
// https://packages.debian.org/bookworm/curl (through libcurl4), /wget, /git,
// /gcc (through gcc-12), /cmake and /xvfb.
var neededRecommends = []neededRecommend{
	{name: "ca-certificates", of: []string{"curl", "wget", "git"}},
	{name: "openssh-client", of: []string{"git"}, where: "ssh", others: []string{"ssh", "openssh-server"}},
	{name: "libc6-dev", of: []string{"gcc"}, others: []string{"g++", "build-essential", "clang", "libc-dev"}},
	{name: "make", of: []string{"cmake"}, others: []string{"build-essential", "dpkg-dev", "debhelper"}},
	{name: "xauth", of: []string{"xvfb"}, where: "xvfb-run"},
}

// unversioned is the name of a package that an operand means, without its
// version, release and architecture: gcc for gcc-12=12.2.0-14 and gcc:amd64.
func unversioned(f facts.Field) string {
	name := f.Text
	if i := strings.IndexAny(name, "=/:"); i >= 0 {
		name = name[:i]
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 && i+1 < len(name) && strings.Trim(name[i+1:], "0123456789.") == "" {
		name = name[:i]
	}
	return name
}

// recommendsCompiler are packages that recommend a compiler, which those who
// install them may rely on.
var recommendsCompiler = []string{"cmake", "golang", "golang-go", "r-base", "r-base-core"}

// compilerPackages are packages that bring one.
var compilerPackages = []string{"build-essential", "gcc", "g++", "clang", "r-base-dev"}

// recommendsTools names a package whose recommendations hold a compiler that
// nothing else in the stage brings, or "".
func (p *Pass) recommendsTools(r *Program, v *facts.Invocation) string {
	i := slices.IndexFunc(v.Args, func(f facts.Field) bool { return slices.Contains(recommendsCompiler, unversioned(f)) })
	repo, _, _ := facts.SplitReference(r.State.Stage.Base().S)
	if i < 0 || repo == "gcc" || repo == "buildpack-deps" || slices.ContainsFunc(v.Args, func(f facts.Field) bool {
		return slices.Contains(compilerPackages, unversioned(f))
	}) || p.installedBefore(r, v, &neededRecommend{name: "build-essential", others: compilerPackages}) {
		return ""
	}
	return v.Args[i].Text
}

// neededRecommends returns the operations that name what an installation needs
// of its recommendations, in front of the package that recommends it.
func (p *Pass) neededRecommends(r *Program, v *facts.Invocation) (ops []Op) {
	first := func(list []string) int {
		return slices.IndexFunc(v.Args, func(f facts.Field) bool { return slices.Contains(list, unversioned(f)) })
	}
	for _, n := range neededRecommends {
		i := first(n.of)
		switch {
		case i < 0 || first(append(n.others, n.name)) >= 0:
			continue
		case n.where != "" && p.firstMention(n.where) == len(p.File.Instructions):
			continue
		case n.name == "ca-certificates" && hasCertificates(r.State.Stage), n.name == "make" && hasMake(r.State.Stage):
			continue
		case p.installedBefore(r, v, &n):
			continue
		}
		// Two of one word become one operation.
		word := v.Args[i].Word
		if j := slices.IndexFunc(ops, func(o Op) bool { return o.At == word }); j >= 0 {
			ops[j].Before += " " + n.name
		} else {
			ops = append(ops, Op{At: word, Before: n.name})
		}
	}
	return ops
}

// installedBefore reports whether an earlier command of the stage or of its
// parents brings the package, by name or as a recommendation.
func (p *Pass) installedBefore(r *Program, v *facts.Invocation, n *neededRecommend) bool {
	for st := r.State.Stage; st != nil; st = st.Parent {
		for _, in := range st.Instructions {
			if in.Name != "RUN" || in.Index > r.In.Index {
				continue
			}
			for _, w := range p.Facts.Invocations(in) {
				if w.Manager != v.Manager || w.Role != facts.Install || in == r.In && w.Seq >= v.Seq {
					continue
				}
				if slices.ContainsFunc(w.Args, func(f facts.Field) bool {
					name := unversioned(f)
					return name == n.name || slices.Contains(n.others, name) || slices.Contains(n.of, name) && !w.HasFlag("--no-install-recommends")
				}) {
					return true
				}
			}
		}
	}
	return false
}

// hasCertificates reports whether a stage's base image is known to have the
// package ca-certificates.
func hasCertificates(s *facts.Stage) bool {
	repo, tag, _ := facts.SplitReference(s.Base().S)
	switch repo {
	case "python", "pypy", "ruby", "golang", "rust", "buildpack-deps", "php", "nginx":
		return true
	case "node", "perl", "erlang", "elixir":
		return !strings.Contains(tag, "slim")
	}
	return false
}

// hasMake reports whether a stage's base image is known to have make.
func hasMake(s *facts.Stage) bool {
	repo, tag, _ := facts.SplitReference(s.Base().S)
	switch repo {
	case "golang":
		return true
	case "buildpack-deps", "gcc", "python", "ruby", "node", "rust", "perl", "erlang", "elixir":
		return !strings.Contains(tag, "slim") && !strings.Contains(tag, "curl") && !strings.Contains(tag, "scm")
	}
	return false
}
