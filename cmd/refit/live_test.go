package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	_ "image/png"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/refit-dev/refit/pkg/measure"
)

// The live suite builds the example apps with the BuildKit that scripts/live.sh starts.

const appsDir = "../../testdata/apps"

// liveApp is an entry of apps.toml.
type liveApp struct {
	Check  []string `toml:"check"`
	Expect string   `toml:"expect"`
	Source string   `toml:"source"`
	Long   bool     `toml:"long"` // takes minutes, and another app is of its kind: left out with -short
}

// liveResult is what refit measure --json prints.
type liveResult struct {
	Changed    bool
	Equivalent bool
	Changes    []measuredFix
	Report     struct {
		Before, After measure.Side
		Touched       measure.Touched
		Comparison    struct {
			Paths       int
			Differences []struct{ Path, Config, What, Before, After, Class, Reason string }
		}
	}
}

// liveBinary builds refit, or skips.
func liveBinary(t *testing.T) string {
	t.Helper()
	if os.Getenv("REFIT_LIVE_ADDR") == "" {
		t.Skip("needs a BuildKit: run scripts/live.sh")
	}
	bin := filepath.Join(t.TempDir(), "refit")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// refit runs the binary and returns standard output and the exit code.
func refit(t *testing.T, bin string, args ...string) ([]byte, string, int) {
	t.Helper()
	cmd := exec.Command(bin, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return stdout.Bytes(), stderr.String(), cmd.ProcessState.ExitCode()
}

// liveRow is an app's line in the table.
type liveRow struct {
	name         string
	safe, unsafe *liveResult
}

// TestLiveApps builds every app before and after refit fix and refit fix --unsafe: all must build, work, and differ in
// nothing but what the changes declare.
func TestLiveApps(t *testing.T) {
	bin := liveBinary(t)
	data, err := os.ReadFile(filepath.Join(appsDir, "apps.toml"))
	if err != nil {
		t.Fatal(err)
	}
	apps := map[string]liveApp{}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&apps); err != nil {
		t.Fatal(err)
	}
	var rows []liveRow
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		row, ran := liveRow{name: name}, false
		t.Run(name, func(t *testing.T) {
			app := apps[name]
			if app.Long && testing.Short() {
				t.Skip("takes long")
			}
			ran = true
			dir := filepath.Join(appsDir, name)
			var quick []string
			if testing.Short() { // the builds and the comparison, not how fast a rebuild is
				quick = []string{"--no-rebuild"}
			}
			row.safe = liveMeasure(t, bin, dir, app, quick...)
			// The checks start from the layers that were just built.
			liveCheck(t, dir, filepath.Join(dir, "Dockerfile"), app)
			text := liveFix(t, bin, dir, app)
			unsafe := liveFix(t, bin, dir, app, "--unsafe")
			if row.unsafe = row.safe; string(unsafe) != string(text) {
				row.unsafe = liveMeasure(t, bin, dir, app, "--unsafe", "--no-rebuild")
				liveCheckText(t, dir, unsafe, app)
			}
			liveCheckText(t, dir, text, app)
		})
		if ran { // -run may have left it out
			rows = append(rows, row)
		}
	}
	table := liveTable(rows)
	t.Log("\n" + table)
	if os.Getenv("REFIT_LIVE_README") != "" {
		if len(rows) != len(apps) || t.Failed() || testing.Short() {
			t.Fatal("the README's table is written by a whole run without failures only")
		}
		if err := writeTable("../../README.md", table); err != nil {
			t.Error(err)
		}
	}
}

// liveFix runs refit fix and returns the rewritten Dockerfile.
func liveFix(t *testing.T, bin, dir string, app liveApp, mode ...string) []byte {
	t.Helper()
	text, stderr, code := refit(t, bin, append([]string{"fix", "--context", dir, filepath.Join(dir, "Dockerfile")}, mode...)...)
	if code != 0 {
		t.Fatalf("refit fix %v: exit %d\n%s", mode, code, stderr)
	}
	return text
}

// liveMeasure runs refit measure.
func liveMeasure(t *testing.T, bin, dir string, app liveApp, args ...string) *liveResult {
	t.Helper()
	extra := args
	args = append([]string{"measure", filepath.Join(dir, "Dockerfile"), "--json", "--addr", os.Getenv("REFIT_LIVE_ADDR"), "--touch-source", app.Source}, args...)
	out, stderr, code := refit(t, bin, args...)
	if code == exitFailure || len(out) == 0 {
		t.Fatalf("refit %v: exit %d\n%s", args, code, stderr)
	}
	var r liveResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if !r.Equivalent {
		for _, d := range r.Report.Comparison.Differences {
			if d.Class == "unexpected" {
				t.Errorf("%v: unexpected: %s%s %s: %s → %s", extra, d.Path, d.Config, d.What, d.Before, d.After)
			}
		}
	}
	if (code == 0) != r.Equivalent {
		t.Errorf("refit %v: exit %d, equivalent %v", args, code, r.Equivalent)
	}
	for _, c := range r.Changes {
		t.Logf("%v: %s [%s]", extra, c.Title, c.Transform)
	}
	return &r
}

// liveCheckText is liveCheck for a Dockerfile that is in no file.
func liveCheckText(t *testing.T, dir string, text []byte, app liveApp) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	liveCheck(t, dir, file, app)
}

// liveCheck runs the app's check in the image that a Dockerfile builds: as one more step at its end, which starts from
// the layers in the cache.
func liveCheck(t *testing.T, dir, dockerfile string, app liveApp) {
	t.Helper()
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	run, err := json.Marshal(app.Check)
	if err != nil {
		t.Fatal(err)
	}
	// The time keeps the step itself out of the cache.
	text = fmt.Appendf(text, "\nENV REFIT_LIVE_CHECK=%d\nRUN %s\n", time.Now().UnixNano(), run)
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("buildctl", "--addr", os.Getenv("REFIT_LIVE_ADDR"), "build", "--frontend", "dockerfile.v0", "--progress", "rawjson",
		"--local", "context="+dir, "--local", "dockerfile="+filepath.Dir(file)).CombinedOutput()
	var printed strings.Builder
	for _, line := range bytes.Split(out, []byte("\n")) {
		var status struct{ Logs []struct{ Data []byte } }
		if json.Unmarshal(line, &status) == nil {
			for _, l := range status.Logs {
				printed.Write(l.Data)
			}
		}
	}
	if err != nil {
		t.Fatalf("%s with the check: %v\n%s\n%s", dockerfile, err, lastLines(printed.String(), 15), lastLines(string(out), 12))
	}
	if !slices.Contains(strings.Split(printed.String(), "\n"), app.Expect) {
		t.Errorf("%s: the check printed no line %q:\n%s", dockerfile, app.Expect, lastLines(printed.String(), 10))
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// liveTable writes the savings as a Markdown table.
func liveTable(rows []liveRow) string {
	var b strings.Builder
	b.WriteString("| app | image | `fix` | `fix --unsafe` | layers | rebuild after an edit | steps run again |\n|---|--:|--:|--:|--:|--:|--:|\n")
	var before, safe, unsafe int64
	var savedSafe, savedUnsafe, faster []float64
	share := func(was, is int64) float64 { return float64(was-is) / float64(was) * 100 }
	for _, r := range rows {
		if r.safe == nil || r.unsafe == nil {
			fmt.Fprintf(&b, "| %s | failed | | | | | |\n", r.name)
			continue
		}
		a, s, u := r.safe.Report.Before, r.safe.Report.After, r.unsafe.Report.After
		if !r.safe.Changed { // nothing was built
			a, s = r.unsafe.Report.Before, r.unsafe.Report.Before
		}
		if !r.unsafe.Changed {
			u = s
		}
		if a.Size == 0 {
			fmt.Fprintf(&b, "| %s | unchanged | | | | | |\n", r.name)
			continue
		}
		rebuild, again := "", ""
		if a.Source != nil && s.Source != nil {
			rebuild = measure.Seconds(a.Source.Time) + " → " + measure.Seconds(s.Source.Time)
			again = fmt.Sprintf("%d → %d", a.Source.Again, s.Source.Again)
			faster = append(faster, (a.Source.Time - s.Source.Time).Seconds())
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d → %d | %s | %s |\n", r.name, measure.Bytes(a.Size), saved(a.Size, s.Size), saved(a.Size, u.Size), len(a.Layers), len(s.Layers), rebuild, again)
		before, safe, unsafe = before+a.Size, safe+s.Size, unsafe+u.Size
		savedSafe, savedUnsafe = append(savedSafe, share(a.Size, s.Size)), append(savedUnsafe, share(a.Size, u.Size))
	}
	if before > 0 {
		fmt.Fprintf(&b, "| **all** | %s | %s | %s | | | |\n", measure.Bytes(before), saved(before, safe), saved(before, unsafe))
		fmt.Fprintf(&b, "| **median** | | −%.0f %% | −%.0f %% | | %.1f s less | |\n", median(savedSafe), median(savedUnsafe), median(faster))
	}
	return b.String()
}

func saved(was, is int64) string {
	sign, percent := "−", math.Round(float64(was-is)/float64(was)*100)
	if percent < 0 {
		sign = "+"
	}
	return fmt.Sprintf("%s (%s%.0f %%)", measure.Bytes(is), sign, math.Abs(percent))
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// The marks between which the README holds the table.
const (
	tableBegin = "<!-- live:begin -->\n"
	tableEnd   = "<!-- live:end -->\n"
)

func writeTable(readme, table string) error {
	data, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(data), tableBegin)
	_, end, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table: %q and %q", readme, tableBegin, tableEnd)
	}
	return os.WriteFile(readme, []byte(head+tableBegin+table+tableEnd+end), 0o644)
}

// TestLiveVerify: refit verify --build tells the same from another, by the exit code.
func TestLiveVerify(t *testing.T) {
	bin := liveBinary(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"A":    "FROM debian:12-slim\nRUN true || touch /a\nRUN touch /b\nCOPY f1 f2 /dst/\nENV X=1\n",
		"same": "FROM debian:12-slim\nRUN { true || touch /a; } && touch /b\nCOPY f1 f2 /dst/\nENV X=1\n",
		"bad":  "FROM debian:12-slim\nRUN true || { touch /a; touch /b; }\nCOPY --chmod=600 f1 /dst/\n",
		"fail": "FROM debian:12-slim\nRUN false\n",
		"f1":   "1", "f2": "2",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		a, b string
		code int
		want []string
	}{
		{"A", "same", 0, []string{"the images are equivalent"}},
		{"A", "bad", 1, []string{"/b: missing", "/dst/f2: missing", "/dst/f1: mode 0644 → 0600", `config Env X: missing (was "1")`, "the images are NOT equivalent"}},
		{"A", "fail", 1, []string{"fail: the Dockerfile after does not build, the one before does"}},
		{"fail", "A", 2, []string{"building the Dockerfile before"}},
	} {
		out, stderr, code := refit(t, bin, "verify", "--build", "--addr", os.Getenv("REFIT_LIVE_ADDR"), filepath.Join(dir, tt.a), filepath.Join(dir, tt.b))
		if code != tt.code {
			t.Errorf("%s %s: exit %d, want %d", tt.a, tt.b, code, tt.code)
		}
		for _, w := range tt.want {
			if !strings.Contains(string(out)+stderr, w) {
				t.Errorf("%s %s: no %q in\n%s%s", tt.a, tt.b, w, out, stderr)
			}
		}
	}
}

// TestLiveInterrupt: Ctrl-C stops the builds, and nothing is left behind. So does a reader that goes away.
func TestLiveInterrupt(t *testing.T) {
	bin := liveBinary(t)
	app := t.TempDir()
	if err := os.WriteFile(filepath.Join(app, "Dockerfile"), []byte("FROM debian:12-slim\nRUN sleep 100\nRUN sleep 101\nMAINTAINER me\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"interrupt", "closed pipe"} {
		t.Run(how, func(t *testing.T) {
			tmp := t.TempDir()
			cmd := exec.Command(bin, "measure", app, "--addr", os.Getenv("REFIT_LIVE_ADDR"))
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			seen, buf := "", make([]byte, 1024)
			for !strings.Contains(seen, "cold") {
				n, err := stderr.Read(buf)
				if err != nil {
					t.Fatalf("%v after %q", err, seen)
				}
				seen += string(buf[:n])
			}
			if how == "interrupt" {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			} else {
				stderr.Close()
				// The next step that begins is written nowhere; a signal stands in for waiting until then.
				if err := cmd.Process.Signal(syscall.SIGPIPE); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitInterrupted && (how == "interrupt" || code != -1) { // -1: the message met the closed pipe
				t.Errorf("exit %d, want %d", code, exitInterrupted)
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			out, err := exec.Command("pgrep", "-f", "buildctl.*"+tmp).Output()
			if err == nil {
				t.Errorf("a build still runs: %s", out)
			}
		})
	}
}

// TestLivePage renders the HTML report in a browser.
func TestLivePage(t *testing.T) {
	bin := liveBinary(t)
	page := filepath.Join(t.TempDir(), "report.html")
	_, stderr, code := refit(t, bin, "measure", filepath.Join(appsDir, "labels"), "--html", page, "--addr", os.Getenv("REFIT_LIVE_ADDR"))
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	if keep := os.Getenv("REFIT_LIVE_KEEP"); keep != "" {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(keep, "report.html"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
			break
		}
	}
	if browser == "" {
		t.Skip("needs Chromium")
	}
	shot := filepath.Join(t.TempDir(), "page.png")
	cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,1600", "--screenshot="+shot, "file://"+page)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	// Layer bars have strong colours, text and background are nearly grey: a page without bars was not laid out.
	coloured := 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 2 {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x += 2 {
			r, g, b, _ := img.At(x, y).RGBA()
			if max(r, g, b)-min(r, g, b) > 0x4000 {
				coloured++
			}
		}
	}
	if coloured < 500 {
		t.Errorf("%d coloured pixels in the picture: no layer bars", coloured)
	}
	dom, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "file://"+page).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The images are equivalent.", `id="figures"`, `id="changes"`, `id="diff"`, "image size"} {
		if !strings.Contains(string(dom), want) {
			t.Errorf("the page shows no %q", want)
		}
	}
}
