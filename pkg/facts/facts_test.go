package facts

import (
	"testing"

	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/shell"
)

func facts(t *testing.T, src string, opt Options) *Facts {
	t.Helper()
	f, err := parse.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return New(f, opt)
}

func TestStages(t *testing.T) {
	fs := facts(t, `ARG BASE=debian:12
ARG EMPTY
FROM $BASE AS base
RUN a
FROM base AS build
COPY --from=0 /a /b
FROM $EMPTY AS unknown
FROM golang:1.22-alpine AS go
FROM scratch AS tool
FROM base
RUN --mount=type=bind,from=go,target=/go b
COPY --from=build /x /x
`, Options{})
	type row struct {
		family Family
		parent string
		ships  bool
	}
	want := []row{{Debian, "", true}, {Debian, "base", false}, {Unknown, "", true}, {Alpine, "", false}, {Scratch, "", true}, {Debian, "base", true}}
	for i, s := range fs.Stages {
		got := row{family: s.Family, ships: s.Ships}
		if s.Parent != nil {
			got.parent = s.Parent.Name
		}
		if got != want[i] {
			t.Errorf("stage %d %s: %+v, want %+v", i, s.Name, got, want[i])
		}
	}
	targeted := facts(t, "FROM a AS x\nFROM b AS y\nFROM c", Options{Targets: []string{"y"}})
	for i, want := range []bool{false, true, false} {
		if targeted.Stages[i].Ships != want {
			t.Errorf("with a target: stage %d ships %v", i, !want)
		}
	}
}

func TestState(t *testing.T) {
	fs := facts(t, `FROM debian:12
ARG DIR=/srv
ENV A=1 B=$A
WORKDIR app
WORKDIR $DIR
WORKDIR sub
USER me
SHELL ["/bin/bash", "-c"]
RUN a
FROM unknown.example/x
WORKDIR rel
RUN b
`, Options{})
	runs := map[string]*parse.Instruction{}
	for _, in := range fs.File.Instructions {
		if in.Name == "RUN" {
			runs[in.Args.Value] = in
		}
	}
	st := fs.At(runs["a"])
	if st.Workdir.S != "/srv/sub" || !st.Workdir.Known || st.Workdir.Certain() {
		t.Errorf("workdir %+v: known, but an ARG's default is in it", st.Workdir)
	}
	if !st.User.Certain() || st.User.S != "me" || st.Shell.Lang != shell.Bash {
		t.Errorf("user %+v, shell %v", st.User, st.Shell)
	}
	if v, ok := fs.Lookup("B", runs["a"]); !ok || v.Known {
		t.Errorf("B = %+v: one ENV sees the values from before it", v)
	}
	if v := fs.Expand("x${A}y", runs["a"]); v.S != "x1y" || !v.Certain() {
		t.Errorf("x${A}y = %+v", v)
	}
	if v := fs.Expand("$PATH", runs["a"]); v.Known {
		t.Errorf("PATH = %+v comes from the base image", v)
	}
	st = fs.At(runs["b"])
	if st.Workdir.Known || st.User.Known || st.Shell.Lang != shell.POSIX {
		t.Errorf("unknown base: %+v", st)
	}
	given := facts(t, "ARG V=1\nFROM debian:$V\nARG V\nRUN a\n", Options{BuildArgs: map[string]string{"V": "12"}})
	if v, _ := given.Lookup("V", given.File.Instructions[3]); v.S != "12" || !v.Certain() {
		t.Errorf("--build-arg V=12: %+v", v)
	}
}

func TestFamilies(t *testing.T) {
	for image, want := range map[string]Family{
		"debian:12": Debian, "docker.io/library/ubuntu": Ubuntu, "python:3.12-alpine3.19": Alpine, "python:3.12": Debian, "node:20-bookworm": Debian,
		"golang:alpine": Alpine, "centos:7": RedHat, "registry.access.redhat.com/ubi9/ubi-minimal": RedHat, "scratch": Scratch,
		"gcr.io/distroless/static": Distroless, "mcr.microsoft.com/windows/servercore:ltsc2022": Windows, "mcr.microsoft.com/dotnet/framework/sdk": Windows,
		"example.com:5000/team/app:1": Unknown, "postgres:16@sha256:0000": Debian, "archlinux": Arch, "opensuse/leap": SUSE,
	} {
		fs := facts(t, "FROM "+image+"\n", Options{})
		if got := fs.Stages[0].Family; got != want {
			t.Errorf("%s: %v, want %v", image, got, want)
		}
	}
}

func TestWindows(t *testing.T) {
	for _, src := range []string{
		"# escape=`\nARG B\nFROM $B\nRUN a\n",
		"ARG B\nFROM $B\nSHELL [\"powershell\", \"-Command\"]\nRUN a\n",
		"FROM mcr.microsoft.com/windows/nanoserver:1809\nRUN a\n",
		"FROM --platform=windows/amd64 x\nRUN a\n",
	} {
		fs := facts(t, src, Options{})
		if sh := fs.Shell(fs.File.Instructions[len(fs.File.Instructions)-1]); sh.Lang != shell.None {
			t.Errorf("%q: %v", src, sh)
		}
	}
	fs := facts(t, "# escape=`\nFROM debian:12\nRUN a\n", Options{})
	if sh := fs.Shell(fs.File.Instructions[1]); sh.Lang != shell.POSIX {
		t.Errorf("a Linux image with another escape character: %v", sh)
	}
}

func TestMounts(t *testing.T) {
	m := ParseMount(`type=cache,"target=/a,b",from=x`)
	if m != (Mount{Type: "cache", Target: "/a,b", From: "x"}) {
		t.Errorf("%+v", m)
	}
}
