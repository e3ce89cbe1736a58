package lsp

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/command"

	"github.com/refit-dev/refit/pkg/transform"
)

const sample = `# syntax=docker/dockerfile:1
from debian:12-slim as base
# refit: ignore=maintainer-label -- kept for now
MAINTAINER someone
RUN apt-get update && apt-get install -y --no-install-recommends curl
RUN echo one
RUN   echo two && \
  echo three
ADD app.py /srv/
CMD ["python3","/srv/app.py"]
`

// after runs the engine as the command line does.
func after(t *testing.T, text string, opt transform.Options) string {
	t.Helper()
	res, err := transform.Run([]byte(text), opt)
	if err != nil {
		t.Fatal(err)
	}
	return string(res.After)
}

func TestFormatting(t *testing.T) {
	cfg, err := defaultConfigure("", Settings{})
	if err != nil {
		t.Fatal(err)
	}
	style := cfg.Style
	want := after(t, sample, transform.Options{None: true, Format: &style})
	if want == sample {
		t.Fatal("nothing to format")
	}
	for _, caps := range []map[string]any{modern(), plain()} {
		for _, nl := range []string{"\n", "\r\n"} {
			c := start(t, caps, Options{}, nil)
			text, want := strings.ReplaceAll(sample, "\n", nl), strings.ReplaceAll(want, "\n", nl)
			c.open(uri, text)
			edits := c.format(uri)
			c.serverText(uri) // has it analysed, which takes another way
			if again := c.format(uri); !slices.Equal(again, edits) {
				t.Errorf("analysed %+v, not analysed %+v", again, edits)
			}
			if got := c.edited(uri, edits); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			for _, e := range edits {
				if strings.Contains(e.NewText, "echo") || strings.Contains(e.NewText, "#") {
					t.Errorf("an edit replaces text that does not change: %+v", e)
				}
			}
			c.replace(uri, want)
			if edits := c.format(uri); len(edits) > 0 {
				t.Errorf("formatting again: %+v", edits)
			}
		}
	}
}

func TestRangeFormatting(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, sample)
	params := doc(uri)
	params["range"] = textRange{position{7, 0}, position{8, 0}} // within the second RUN
	var edits []textEdit
	c.call("textDocument/rangeFormatting", params, &edits)
	got := c.edited(uri, edits)
	want := strings.Replace(sample, "RUN   echo two && \\\n  echo three", "RUN echo two \\\n    && echo three", 1)
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestFormattingFollowsSettings(t *testing.T) {
	for _, tt := range []struct {
		settings map[string]any
		want     string
	}{
		{map[string]any{"operators": "trailing", "indent": 2}, "FROM acme/alpine:3\nRUN a && \\\n  b\n"},
		{map[string]any{"tabs": true}, "FROM acme/alpine:3\nRUN a \\\n\t&& b\n"},
	} {
		c := start(t, modern(), Options{}, map[string]any{"initializationOptions": tt.settings})
		c.open(uri, "FROM acme/alpine:3\nRUN a \\\n   && b\n")
		if got := c.edited(uri, c.format(uri)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		c.notify("workspace/didChangeConfiguration", map[string]any{"settings": nil})
	}
}

func TestDiagnosticsOfChanges(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, sample)
	p := c.waitDiagnostics(uri, nil)
	var codes []string
	for _, d := range p.Diagnostics {
		codes = append(codes, d.Code)
		if d.Severity == severityError || d.Source != "refit" || d.CodeDescription == nil || !strings.Contains(d.CodeDescription.Href, d.Code) {
			t.Errorf("%+v", d)
		}
	}
	for _, want := range []string{"merge-run", "apt-clean", "add-to-copy"} {
		if !slices.Contains(codes, want) {
			t.Errorf("no %s among %v", want, codes)
		}
	}
	if slices.Contains(codes, "maintainer-label") {
		t.Error("a pragma is not followed")
	}
	// A change of the text replaces them.
	c.replace(uri, "FROM acme/alpine:3\n")
	if p := c.waitDiagnostics(uri, nil); len(p.Diagnostics) > 0 {
		t.Errorf("%+v", p)
	}
}

func action(acts []codeAction, kind, title string) *codeAction {
	for i := range acts {
		if acts[i].Kind == kind && strings.Contains(acts[i].Title, title) {
			return &acts[i]
		}
	}
	return nil
}

func TestActions(t *testing.T) {
	for name, caps := range map[string]map[string]any{"modern": modern(), "plain": plain()} {
		t.Run(name, func(t *testing.T) {
			c := start(t, caps, Options{}, nil)
			c.open(uri, sample)
			acts := c.actions(uri, 6, 6, kindQuickFix)
			merge := action(acts, kindQuickFix, "Merge")
			if merge == nil {
				t.Fatalf("no merge among %+v", acts)
			}
			if name == "modern" {
				if merge.Edit != nil {
					t.Error("the edit is computed before it is asked for")
				}
				*merge = c.resolve(*merge)
			}
			if merge.Edit == nil || !merge.IsPreferred || len(merge.Diagnostics) != 1 || merge.Diagnostics[0].Code != "merge-run" {
				t.Fatalf("%+v", merge)
			}
			c.apply(merge.Edit)
			got := string(c.texts[uri])
			if strings.Count(got, "RUN ") != 1 || !strings.Contains(got, "ADD app.py") || !strings.Contains(got, "from debian") {
				t.Errorf("got %s", got)
			}
			for _, cmd := range []string{"apt-get update", "curl", "echo one", "echo two", "echo three"} {
				if !strings.Contains(got, cmd) {
					t.Errorf("%s got lost: %s", cmd, got)
				}
			}
		})
	}
}

func TestFixAll(t *testing.T) {
	want := after(t, sample, transform.Options{})
	for name, caps := range map[string]map[string]any{"modern": modern(), "plain": plain()} {
		t.Run(name, func(t *testing.T) {
			c := start(t, caps, Options{}, nil)
			c.open(uri, sample)
			acts := c.actions(uri, 0, 0, "source.fixAll")
			if len(acts) != 1 || acts[0].Kind != kindFixAll {
				t.Fatalf("%+v", acts)
			}
			act := acts[0]
			if act.Edit == nil {
				act = c.resolve(act)
			}
			c.apply(act.Edit)
			if got := string(c.texts[uri]); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := c.serverText(uri); got != want {
				t.Errorf("the server has %s", got)
			}
			if acts := c.actions(uri, 0, 0, "source.fixAll"); len(acts) > 0 {
				t.Errorf("still: %+v", acts)
			}
		})
	}
}

func TestActionKinds(t *testing.T) {
	for _, tt := range []struct {
		kind string
		only []string
		want bool
	}{
		{kindQuickFix, nil, true},
		{kindQuickFix, []string{""}, true},
		{kindFixAll, []string{"source"}, true},
		{kindFixAll, []string{"source.fixAll"}, true},
		{kindFixAll, []string{"source.fixAll.refit"}, true},
		{kindFixAll, []string{"source.fixAll.refit.more"}, false},
		{kindFixAll, []string{"source.fix"}, false},
		{kindRewrite, []string{"quickfix", "refactor"}, true},
		{kindQuickFix, []string{"refactor"}, false},
	} {
		if got := wanted(tt.kind, tt.only); got != tt.want {
			t.Errorf("%s for %v: %v", tt.kind, tt.only, got)
		}
	}
}

func TestResolveOfAnOldVersion(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, sample)
	act := action(c.actions(uri, 6, 6), kindQuickFix, "Merge")
	c.change(uri, 0, 0, "# x\n")
	if err := c.try("codeAction/resolve", act, new(any)); codeOf(err) != codeContentModified {
		t.Errorf("got %v", err)
	}
}

func TestUnsafeChangesAreRewrites(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	text := "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \".\"]\n"
	c.open(uri, text)
	acts := c.actions(uri, 0, 5)
	act := action(acts, kindRewrite, "(unsafe)")
	if act == nil {
		t.Fatalf("no unsafe rewrite: %+v", acts)
	}
	if act.IsPreferred {
		t.Error("an unsafe change is preferred")
	}
	c.apply(c.resolve(*act).Edit)
	if string(c.texts[uri]) == text {
		t.Error("it changes nothing")
	}
	if acts := c.actions(uri, 0, 5, kindQuickFix); action(acts, kindRewrite, "") != nil {
		t.Errorf("%+v", acts)
	}
}

func TestIgnore(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, sample)
	act := action(c.actions(uri, 8, 8), kindQuickFix, "Ignore add-to-copy at line 9")
	if act == nil {
		t.Fatal("no such action")
	}
	c.apply(act.Edit)
	if got := string(c.texts[uri]); !strings.Contains(got, "\n# refit: ignore=add-to-copy\nADD app.py") {
		t.Errorf("got %s", got)
	}
	p := c.waitDiagnostics(uri, nil)
	if strings.Contains(describe(p.Diagnostics), "add-to-copy") {
		t.Errorf("still reported: %s", describe(p.Diagnostics))
	}
	// A second name joins the first, before its reason.
	var res any
	c.call("workspace/executeCommand", map[string]any{"command": "refit.ignore", "arguments": []any{map[string]any{"uri": uri, "name": "key-value", "line": 3}}}, &res)
	c.waitText(uri, func(s string) bool {
		return strings.Contains(s, "# refit: ignore=maintainer-label,key-value -- kept for now\n")
	})
}

func (c *client) waitText(uri string, ok func(string) bool) {
	c.t.Helper()
	c.waitDiagnostics(uri, func(publishDiagnosticsParams) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return ok(string(c.texts[uri]))
	})
}

func TestIgnoreKeepsCRLFAndIndent(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, "FROM alpine\r\n  ADD a /b/\r\n")
	act := action(c.actions(uri, 1, 1), kindQuickFix, "Ignore add-to-copy")
	if act == nil {
		t.Fatal("no such action")
	}
	c.apply(act.Edit)
	if got, want := string(c.texts[uri]), "FROM alpine\r\n  # refit: ignore=add-to-copy\r\n  ADD a /b/\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCommands(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, sample)
	run := func(cmd string, arg map[string]any, res any) error {
		return c.try("workspace/executeCommand", map[string]any{"command": cmd, "arguments": []any{arg}}, res)
	}
	var text string
	if err := run("refit.explain", map[string]any{"name": "DL3059"}, &text); err != nil || !strings.Contains(text, "# merge-run\n") {
		t.Errorf("%v: %s", err, text)
	}
	var p previewResult
	if err := run("refit.preview", map[string]any{"uri": uri}, &p); err != nil {
		t.Fatal(err)
	}
	if want := after(t, sample, transform.Options{}); p.Text != want || len(p.Changes) == 0 || p.StepsAfter >= p.StepsBefore {
		t.Errorf("%+v", p)
	}
	var null any
	if err := run("refit.fixAll", map[string]any{"uri": uri}, &null); err != nil {
		t.Fatal(err)
	}
	c.waitText(uri, func(s string) bool { return s == p.Text })
	for _, bad := range []struct {
		cmd string
		arg map[string]any
	}{
		{"refit.nonsense", nil},
		{"refit.explain", map[string]any{"name": "nonsense"}},
		{"refit.ignore", map[string]any{"uri": uri, "name": "nonsense"}},
		{"refit.ignore", map[string]any{"uri": uri, "name": "merge-run", "line": 999}},
		{"refit.fixAll", map[string]any{"uri": "file:///nowhere"}},
	} {
		if err := run(bad.cmd, bad.arg, &null); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func TestHover(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, sample+"RUN --mount=type=cache,target=/x curl -fsSL x | tar -xz -C /y\n")
	for _, tt := range []struct {
		at   string // the cursor is at its first character
		want []string
	}{
		{"RUN apt-get", []string{"**RUN**", "cache key", "merge-run", "shell `/bin/sh -c`", "#run"}},
		{"--no-install", []string{"recommend", "merge-run"}},
		{"-y --no", []string{"no terminal"}},
		{"--mount", []string{"**RUN --mount**", "#run---mount"}},
		{"-fsSL", []string{"HTTP error", "redirects"}},
		{"-C /y", []string{"folder"}},
		{"ADD app", []string{"**ADD**", "add-to-copy"}},
		{"from debian", []string{"**FROM**"}},
	} {
		var h *hover
		c.call("textDocument/hover", positionParams{textDocumentIdentifier{uri}, newText(c.texts[uri], c.server.enc).position(strings.Index(string(c.texts[uri]), tt.at))}, &h)
		if h == nil {
			t.Errorf("%s: nothing", tt.at)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(h.Contents.Value, w) {
				t.Errorf("%s: no %q in %s", tt.at, w, h.Contents.Value)
			}
		}
	}
	var h *hover
	c.call("textDocument/hover", positionParams{textDocumentIdentifier{uri}, position{0, 3}}, &h)
	if h != nil {
		t.Errorf("on a comment: %+v", h)
	}
}

func TestDocumentLinks(t *testing.T) {
	c := start(t, modern(), Options{}, nil)
	c.open(uri, "# syntax=docker/dockerfile:1\n# check=skip=StageNameCasing,JSONArgsRecommended\nARG V=3\nFROM python:$V-slim AS base\nFROM ghcr.io/a/b:1\n# hadolint ignore=DL3059, SC2086\n# refit: ignore=merge-run -- why\nRUN a\nFROM base\nFROM scratch\n")
	var links []documentLink
	c.call("textDocument/documentLink", doc(uri), &links)
	got := map[string]string{}
	for _, l := range links {
		x := newText(c.texts[uri], c.server.enc)
		got[string(x.src[x.offset(l.Range.Start):x.offset(l.Range.End)])] = l.Target
	}
	want := map[string]string{
		"docker/dockerfile:1": "https://hub.docker.com/r/docker/dockerfile",
		"StageNameCasing":     "https://docs.docker.com/reference/build-checks/stage-name-casing/",
		"JSONArgsRecommended": "https://docs.docker.com/reference/build-checks/json-args-recommended/",
		"python:$V-slim":      "https://hub.docker.com/_/python",
		"ghcr.io/a/b:1":       "https://ghcr.io/a/b",
		"DL3059":              "https://github.com/hadolint/hadolint/wiki/DL3059",
		"SC2086":              "https://www.shellcheck.net/wiki/SC2086",
		"merge-run":           docsURL("merge-run"),
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: got %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

func TestContextSetting(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"package.json": "{\"name\": \"x\"}", "package-lock.json": "{\"lockfileVersion\": 3, \"packages\": {}}", "index.js": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, modern(), Options{}, map[string]any{
		"workspaceFolders":      []any{map[string]any{"uri": pathURI(dir), "name": "x"}},
		"initializationOptions": map[string]any{"context": "."},
	})
	file := pathURI(filepath.Join(dir, "Dockerfile"))
	c.open(file, "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \".\"]\n")
	p := c.waitDiagnostics(file, nil)
	if !strings.Contains(describe(p.Diagnostics), "2 deps-first") {
		t.Errorf("deps-first is not safe with a context: %s", describe(p.Diagnostics))
	}
}

func TestContextSettingThatDoesNotExist(t *testing.T) {
	c := start(t, modern(), Options{}, map[string]any{"initializationOptions": map[string]any{"context": "/nonexistent/folder"}})
	c.open(uri, "FROM acme/alpine:3\n")
	p := c.waitDiagnostics(uri, nil)
	if got := describe(p.Diagnostics); !strings.Contains(got, "the build context (refit.context): open /nonexistent/folder: no such file") {
		t.Errorf("got %s", got)
	}
}

func TestCompanions(t *testing.T) {
	dir := t.TempDir()
	s := newServer(Options{})
	s.client.Workspace.WorkspaceEdit.DocumentChanges = true
	s.client.Workspace.WorkspaceEdit.ResourceOperations = []string{"create"}
	snap := snapshot{uri: uri, path: filepath.Join(dir, "Dockerfile"), version: 3, text: newText([]byte("FROM a\n"), utf16Units)}
	add := []transform.Companion{{Path: ".dockerignore", Content: []byte(".git\nnode_modules\n")}}
	we, err := s.workspaceEdit(snap, &Config{}, nil, add)
	if err != nil || len(we.DocumentChanges) != 2 {
		t.Fatalf("%v %+v", err, we)
	}
	if cr, ok := we.DocumentChanges[0].(createFile); !ok || cr.URI != pathURI(filepath.Join(dir, ".dockerignore")) {
		t.Errorf("%+v", we.DocumentChanges[0])
	}
	if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(".git\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	we, err = s.workspaceEdit(snap, &Config{}, nil, add)
	if err != nil || len(we.DocumentChanges) != 1 {
		t.Fatalf("%v %+v", err, we)
	}
	want := textEdit{textRange{position{1, 0}, position{1, 0}}, "node_modules\n"}
	if de := we.DocumentChanges[0].(textDocumentEdit); len(de.Edits) != 1 || de.Edits[0] != want || de.TextDocument.Version != nil {
		t.Errorf("%+v", de)
	}
	add[0].Path = "../outside"
	if _, err := s.workspaceEdit(snap, &Config{}, nil, add); err == nil {
		t.Error("a file outside the context is written")
	}
	s.client.Workspace.WorkspaceEdit.DocumentChanges = false
	if _, err := s.workspaceEdit(snap, &Config{}, nil, add); err == nil {
		t.Error("a client that cannot create files gets half of a change")
	}
}

// TestDocsURL holds the links of diagnostics against the page that they name.
func TestDocsURL(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("../../docs/rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range transform.All() {
		if want := "https://github.com/refit-dev/refit/blob/main/docs/rules.md#" + tr.Name; docsURL(tr.Name) != want {
			t.Errorf("got %s, want %s", docsURL(tr.Name), want)
		}
		if !strings.Contains(string(page), "\n## "+tr.Name+"\n") {
			t.Errorf("docs/rules.md has no heading %s", tr.Name)
		}
	}
}

// TestReferenceAnchors holds the anchors of the hover tables against BuildKit's
// own reference, which is part of its module.
func TestReferenceAnchors(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "frontend", "dockerfile", "docs", "reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, line := range strings.Split(string(ref), "\n") {
		if h := strings.TrimLeft(line, "#"); len(h) < len(line) && strings.HasPrefix(h, " ") {
			keep := func(r rune) rune {
				if r == ' ' {
					return '-'
				}
				if r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
					return r
				}
				return -1
			}
			anchors["#"+strings.Map(keep, strings.ToLower(strings.TrimSpace(h)))] = true
		}
	}
	for _, table := range []map[string]referenceDoc{instructionDocs, flagDocs} {
		for name, d := range table {
			if !anchors[d.anchor] {
				t.Errorf("%s: the reference has no %s", name, d.anchor)
			}
		}
	}
	for name := range command.Commands {
		if _, ok := instructionDocs[strings.ToUpper(name)]; !ok {
			t.Errorf("nothing about %s", name)
		}
	}
}
