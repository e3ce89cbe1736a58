package transform

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/refit-dev/refit/pkg/facts"
)

// TestAdvice checks what advice is given, and where.
func TestAdvice(t *testing.T) {
	context := fstest.MapFS{
		"run.sh":  {Data: []byte("#!/bin/sh\nset -e\nserve --now\n")},
		"good.sh": {Data: []byte("#!/bin/sh\nexec serve\n")},
		"trap.sh": {Data: []byte("#!/bin/sh\ntrap x TERM\nserve\n")},
	}
	for _, tt := range []struct {
		name, dockerfile string
		want             []string // line:column of each piece of advice
	}{
		{"pin-base", "FROM debian\nFROM debian:latest\nFROM debian:12\nFROM debian@sha256:" + zeros + "\nFROM scratch\nARG X\nFROM $X\n", []string{"1:6", "2:6"}},
		{"pin-base", "FROM debian:12 AS debian\nFROM debian\n", nil},
		{"no-workdir", "FROM alpine:3.20\nCOPY a /a\nCOPY b .\n", []string{"3:1"}},
		{"no-workdir", "FROM alpine:3.20\nWORKDIR /x\nCOPY b .\n", nil},
		{"no-command", "FROM alpine:3.20\nRUN true\n", []string{"1:1"}},
		{"no-command", "FROM alpine:3.20 AS a\nCMD x\nFROM a\nRUN true\n", nil},
		{"no-command", "FROM nginx:1.27\nRUN true\n", nil},
		{"root-user", "FROM debian:12\nUSER app\nUSER root\nCMD x\n", []string{"3:1"}},
		{"root-user", "FROM debian:12\nCMD x\n", []string{"1:1"}},
		{"root-user", "FROM debian:12\nUSER app\nCMD x\n", nil},
		{"root-user", "FROM example.com/unknown\nCMD x\n", nil},
		{"several-services", "FROM debian:12\nRUN service mysql start && x\nCMD exec /usr/bin/supervisord -n\n", []string{"2:5", "3:1"}},
		{"several-services", "FROM debian:12\nCMD [\"nginx\"]\n", nil},
		{"entrypoint-exec", "FROM debian:12\nCOPY run.sh good.sh trap.sh /\nENTRYPOINT [\"/run.sh\"]\n", []string{"3:1"}},
		{"entrypoint-exec", "FROM debian:12\nWORKDIR /app\nCOPY . .\nCMD [\"sh\", \"./run.sh\"]\n", []string{"4:1"}},
		{"entrypoint-exec", "FROM debian:12\nCOPY good.sh trap.sh /\nENTRYPOINT [\"/good.sh\"]\nCMD [\"/trap.sh\"]\n", nil},
		{"secrets", "FROM debian:12\nARG GITHUB_TOKEN\nENV DB_PASSWORD=x OTHER=y\n", []string{"2:5", "3:5"}},
		{"secrets", "FROM debian:12\nENV GPG_KEY=x API_KEY_FILE=/run/x PASSWORD=\nENV ALLOW_EMPTY_PASSWORD=yes\n", nil},
		{"expose-volume", "FROM debian:12\nEXPOSE 80 80800 127.0.0.1:80 8000-9000/tcp http\nVOLUME /data\nCOPY x /data/x\n", []string{"2:11", "2:17", "2:44", "3:8"}},
		{"expose-volume", "FROM debian:12\nCOPY x /data/x\nVOLUME /data\nEXPOSE $P\n", nil},
		{"end-of-life", "FROM debian:stretch-slim\nFROM python:3.6\nFROM python:3.12\nFROM node:8.1\nFROM node:80\nFROM centos:7\n", []string{"1:6", "2:6", "4:6", "6:6"}},
	} {
		ctx, err := facts.NewContext(context, "")
		if err != nil {
			t.Fatal(err)
		}
		res, err := Run([]byte(tt.dockerfile), Options{Select: []string{tt.name}, Context: ctx})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := advicePlaces(t, tt.name, res)
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: advice at %v, want %v:\n%s", tt.name, got, tt.want, tt.dockerfile)
		}
		if res.Changed() {
			t.Errorf("%s: the file changed", tt.name)
		}
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestIsIPv4(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "1.2.3.4.": true,
		"": false, "example.org": false, "1.2.3.example": false, "s3": false, "a.b4": false,
	} {
		if got := isIPv4(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestParseImages(t *testing.T) {
	got, err := ParseImages([]byte("# list\r\n\nnode:20  node:20@sha256:" + zeros + "\r\npython python:3.12\n"))
	if err != nil || len(got) != 2 || got["python"] != "python:3.12" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"node\n", "a b c\n", "a b\na c\n"} {
		if _, err := ParseImages([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// advicePlaces gives the line and column of each piece of advice, which must
// have words.
func advicePlaces(t *testing.T, name string, res *Result) (places []string) {
	t.Helper()
	for _, c := range res.Advice {
		places = append(places, fmt.Sprintf("%d:%d", c.Pos.Line, c.Pos.Col))
		if c.Title == "" || c.Reason == "" {
			t.Errorf("%s: advice without words", name)
		}
	}
	return places
}
