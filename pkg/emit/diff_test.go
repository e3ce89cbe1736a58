package emit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lines gives n distinct lines.
func lines(n int, prefix string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d\n", prefix, i)
	}
	return b.String()
}

var diffCases = []struct{ name, old, new string }{
	{"one line", "FROM a\nRUN b\n", "FROM a\nRUN c\n"},
	{"insert at start", "FROM a\n", "# x\nFROM a\n"},
	{"insert at end", "FROM a\n", "FROM a\nRUN b\n"},
	{"delete at end", "FROM a\nRUN b\n", "FROM a\n"},
	{"crlf", "FROM a\r\nRUN b\r\nRUN c\r\n", "FROM a\r\nRUN b && c\r\n"},
	{"crlf to lf", "FROM a\r\nRUN b\r\n", "FROM a\nRUN b\n"},
	{"lone cr", "FROM a\rRUN b\nRUN c\n", "FROM a\rRUN b\nRUN d\n"},
	{"no final newline on both", "FROM a\nRUN b", "FROM a\nRUN c"},
	{"no final newline before", "FROM a\nRUN b", "FROM a\nRUN b\n"},
	{"no final newline after", "FROM a\nRUN b\n", "FROM a\nRUN b"},
	{"no final newline in the context", "FROM a\nRUN b\nCMD c", "FROM a\nRUN x\nCMD c"},
	{"empty before", "", "FROM a\nRUN b\n"},
	{"empty after", "FROM a\nRUN b\n", ""},
	{"only a newline", "\n", "\n\n"},
	{"bytes that are not UTF-8", "FROM a\nRUN echo \xff\xfe\n", "FROM a\nRUN echo \xfe\xff\n"},
	{"repeated lines", strings.Repeat("RUN a\n", 9), strings.Repeat("RUN a\n", 5) + "RUN b\n" + strings.Repeat("RUN a\n", 7)},
	{"far apart", lines(40, "RUN a"), strings.NewReplacer("a3\n", "b3\n", "a30\n", "").Replace(lines(40, "RUN a"))},
	{"context that touches", lines(20, "RUN a"), strings.NewReplacer("a3\n", "b3\n", "a10\n", "b\n").Replace(lines(20, "RUN a"))},
	{"lines that look like a diff", "--- a\n+++ b\n@@ -1 +1 @@\n-x\n", "--- a\n+++ c\n@@ -1 +1 @@\n+x\n\\ No newline\n"},
}

// applyWith lets a real tool apply a diff in a fresh folder, and returns what
// the file holds then.
func applyWith(t *testing.T, tool, path, old string, created bool, diff []byte) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if !created {
		if err := os.WriteFile(file, []byte(old), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var cmd *exec.Cmd
	if tool == "git" {
		cmd = exec.Command("git", "apply", "-p1", "--whitespace=nowarn", "-")
		// Without this git would look for a repository around the folder.
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir)
	} else {
		cmd = exec.Command("patch", "-p1", "--binary", "--fuzz=0", "--no-backup-if-mismatch")
	}
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(diff)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s\ndiff:\n%s", tool, err, out, diff)
	}
	got, err := os.ReadFile(file)
	if err != nil && !(os.IsNotExist(err) && tool == "patch") {
		t.Fatal(err)
	}
	return string(got)
}

func tools(t *testing.T) []string {
	var found []string
	for _, tool := range []string{"git", "patch"} {
		if _, err := exec.LookPath(tool); err == nil {
			found = append(found, tool)
		} else {
			t.Logf("%s is not installed: not tested with it", tool)
		}
	}
	if len(found) == 0 {
		t.Skip("neither git nor patch is installed")
	}
	return found
}

func TestUnifiedApplies(t *testing.T) {
	for _, tool := range tools(t) {
		for _, c := range diffCases {
			t.Run(tool+"/"+c.name, func(t *testing.T) {
				diff := Unified("x/Dockerfile", []byte(c.old), []byte(c.new), DiffOptions{})
				if got := applyWith(t, tool, "x/Dockerfile", c.old, false, diff); got != c.new {
					t.Errorf("got %q, want %q\n%s", got, c.new, diff)
				}
			})
		}
		for _, path := range []string{"a b/Docker file", `back\slash"quote`, "tab\there", "ünïcode/Dockerfile"} {
			t.Run(tool+"/"+path, func(t *testing.T) {
				diff := Unified(path, []byte("FROM a\n"), []byte("FROM b\n"), DiffOptions{})
				if got := applyWith(t, tool, path, "FROM a\n", false, diff); got != "FROM b\n" {
					t.Errorf("got %q\n%s", got, diff)
				}
			})
		}
		t.Run(tool+"/new file", func(t *testing.T) {
			diff := Unified("app/.dockerignore", nil, []byte(".git\nnode_modules"), DiffOptions{Created: true})
			if got := applyWith(t, tool, "app/.dockerignore", "", true, diff); got != ".git\nnode_modules" {
				t.Errorf("got %q\n%s", got, diff)
			}
		})
	}
}

// TestUnifiedLarge has 100,000 lines that differ in every way that makes a
// comparison slow.
func TestUnifiedLarge(t *testing.T) {
	const n = 100_000
	every := strings.Builder{}
	for i := range n {
		fmt.Fprintf(&every, "RUN a%d\n", i+i%10/9)
	}
	cases := []struct{ name, old, new string }{
		{"one change", lines(n, "RUN a"), strings.Replace(lines(n, "RUN a"), "a50000\n", "b\n", 1)},
		{"every tenth line", lines(n, "RUN a"), every.String()},
		{"nothing in common", lines(n, "RUN a"), lines(n, "RUN b")},
		{"no unique line", strings.Repeat("RUN a\nRUN b\n", n/2), strings.Repeat("RUN b\nRUN c\nRUN a\n", n/3)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			diff := Unified("Dockerfile", []byte(c.old), []byte(c.new), DiffOptions{})
			for _, tool := range tools(t) {
				if got := applyWith(t, tool, "Dockerfile", c.old, false, diff); got != c.new {
					t.Errorf("%s: the result differs", tool)
				}
			}
		})
	}
}

// patched applies hunks the simple way.
func patched(old, new [][]byte, hunks []Hunk) string {
	var out bytes.Buffer
	at := 0
	for _, h := range hunks {
		for ; at < h.OldStart; at++ {
			out.Write(old[at])
		}
		for _, l := range new[h.NewStart:h.NewEnd] {
			out.Write(l)
		}
		at = h.OldEnd
	}
	for ; at < len(old); at++ {
		out.Write(old[at])
	}
	return out.String()
}

func TestDiffLinesRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() string {
		var b strings.Builder
		for range rnd.IntN(30) {
			fmt.Fprintf(&b, "%c\n", 'a'+rune(rnd.IntN(6)))
		}
		return b.String()
	}
	for range 3000 {
		old, new := random(), random()
		a, b := Lines([]byte(old)), Lines([]byte(new))
		hunks := DiffLines([]byte(old), []byte(new))
		if got := patched(a, b, hunks); got != new {
			t.Fatalf("old %q new %q hunks %v: got %q", old, new, hunks, got)
		}
		for i := 1; i < len(hunks); i++ {
			if hunks[i].OldStart <= hunks[i-1].OldEnd {
				t.Fatalf("old %q new %q: hunks %v touch", old, new, hunks)
			}
		}
	}
}

func TestUnifiedText(t *testing.T) {
	old := "FROM a\n\nRUN x\nRUN y\n\nCMD z\n"
	new := "FROM a\n\nRUN x && y\n\nCMD z\n"
	const want = `--- a/Dockerfile
+++ b/Dockerfile
@@ -1,6 +1,5 @@
 FROM a
 
-RUN x
-RUN y
+RUN x && y
 
 CMD z
`
	if got := string(Unified("Dockerfile", []byte(old), []byte(new), DiffOptions{})); got != want {
		t.Errorf("got:\n%s", got)
	}
	color := string(Unified("Dockerfile", []byte(old), []byte(new), DiffOptions{Color: true}))
	plain := strings.NewReplacer(ansiBold, "", ansiCyan, "", ansiRed, "", ansiGreen, "", ansiReset, "").Replace(color)
	if plain != want || !strings.Contains(color, ansiRed+"-RUN x"+ansiReset) {
		t.Errorf("in colour: %q", color)
	}
	if d := Unified("Dockerfile", []byte(old), []byte(old), DiffOptions{}); d != nil {
		t.Errorf("equal texts: %q", d)
	}
}

func FuzzUnified(f *testing.F) {
	for _, c := range diffCases {
		f.Add([]byte(c.old), []byte(c.new))
	}
	f.Fuzz(func(t *testing.T, old, new []byte) {
		if got := patched(Lines(old), Lines(new), DiffLines(old, new)); got != string(new) {
			t.Fatalf("got %q, want %q", got, new)
		}
		Unified("Dockerfile", old, new, DiffOptions{})
	})
}

func BenchmarkDiffLinesLarge(b *testing.B) {
	old := []byte(lines(100_000, "RUN a"))
	new := []byte(lines(100_000, "RUN b"))
	b.ReportAllocs()
	for b.Loop() {
		DiffLines(old, new)
	}
}
