package absfs

import (
	"strings"
	"testing"
	"testing/fstest"
)

func tree(names ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, n := range names {
		m[n] = &fstest.MapFile{Data: []byte(n)}
	}
	return m
}

// TestEval checks destinations against what BuildKit documents,
// https://docs.docker.com/reference/dockerfile/#copy.
func TestEval(t *testing.T) {
	ctx := tree("a.txt", "b.txt", "src/main.go", "src/lib/x.go", "docs/y.md")
	for _, tt := range []struct{ dockerfile, path, from, owner string }{
		{"COPY a.txt /dir/", "/dir/a.txt", "context:a.txt", "root"},
		{"COPY a.txt /name", "/name", "context:a.txt", "root"},
		{"COPY a.txt /tmp", "/tmp/a.txt", "context:a.txt", "root"},
		{"WORKDIR /w\nCOPY a.txt .", "/w/a.txt", "context:a.txt", "root"},
		{"WORKDIR /w\nWORKDIR x\nCOPY a.txt b", "/w/x/b", "context:a.txt", "root"},
		{"COPY src /app", "/app/lib/x.go", "context:src/lib/x.go", "root"},
		{"COPY . /app", "/app/src/lib/x.go", "context:src/lib/x.go", "root"},
		{"COPY --chown=5:6 src /app", "/app/lib", "dir", "5:6"},
		{"WORKDIR /app\nCOPY --chown=5:6 src .", "/app", "dir", "root"},
		{"COPY *.txt /d/", "/d/b.txt", "context:b.txt", "root"},
		{"COPY --parents src/lib/x.go /p/", "/p/src/lib/x.go", "context:src/lib/x.go", "root"},
		{"COPY --parents src/./lib/x.go /p/", "/p/lib/x.go", "context:src/lib/x.go", "root"},
		{"COPY --exclude=lib src /app", "/app/main.go", "context:src/main.go", "root"},
	} {
		stages, err := Eval([]byte("FROM debian:12\n"+tt.dockerfile+"\n"), ctx)
		if err != nil {
			t.Errorf("%s: %v", tt.dockerfile, err)
			continue
		}
		if got := stages[0].Files[tt.path]; got.From != tt.from || got.Owner != tt.owner {
			t.Errorf("%s: %s is %v, want %s of %s", tt.dockerfile, tt.path, got, tt.from, tt.owner)
		}
	}
}

// TestCompareFinds makes sure that the comparison can fail.
func TestCompareFinds(t *testing.T) {
	ctx := tree("package.json", "package-lock.json", "src/a.js", "node_modules/x.js")
	before := "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
	for _, after := range []string{
		"FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n", // node_modules
		"FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCOPY package-lock.json ./package.json\n",
		"FROM node:20\nWORKDIR /app\nCOPY . /app/x\nRUN npm ci\n",
		"FROM node:20\nWORKDIR /app\nCOPY --chown=1 . .\nRUN npm ci\n",
		"FROM node:20\nWORKDIR /app\nCOPY . .\nUSER node\nRUN npm ci\n",
		"FROM node:20\nWORKDIR /app\nCOPY . .\n",
	} {
		if err := Compare([]byte(before), []byte(after), ctx); err == nil {
			t.Errorf("no difference found:\n%s", after)
		}
	}
	delete(ctx, "node_modules/x.js")
	late := "FROM node:20\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCOPY . .\n"
	if err := Compare([]byte(before), []byte(late), ctx); err == nil || !strings.Contains(err.Error(), "saw /app/package-lock.json") {
		t.Errorf("a manifest that comes too late: %v", err)
	}
	if err := Compare([]byte(before), []byte("FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\n"), ctx); err != nil {
		t.Error(err)
	}
}
