//go:build unix

package exectest

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// workerEnv names, for a process that works in a sandbox, the folder with the
// recorder. Whoever starts sandboxes calls Worker first.
const workerEnv = "EXECTEST_WORKER"

// Pool checks cases in sandboxes side by side.
type Pool struct {
	dir     string
	workers []*worker
	plain   *box
}

type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
}

// buildRecorder compiles the recorder into a folder, as a static program.
func buildRecorder(dir string) (string, error) {
	bin := filepath.Join(dir, "recorder")
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", bin, "github.com/refit-dev/refit/internal/exectest/recorder")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the recorder does not build: %w\n%s", err, out)
	}
	return bin, nil
}

// NewPool starts n sandboxes. The error is ErrNoSandbox, wrapped, where there
// can be none.
func NewPool(n int) (*Pool, error) {
	dir, err := os.MkdirTemp("", "exectest")
	if err != nil {
		return nil, err
	}
	p := &Pool{dir: dir}
	if _, err := buildRecorder(dir); err != nil {
		p.Close()
		return nil, err
	}
	for range n {
		w, err := startWorker(dir)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.workers = append(p.workers, w)
	}
	return p, nil
}

// NewPlainPool checks cases one by one in a folder of the host, without a
// sandbox: only for programs that are known to touch nothing outside their
// working directory.
func NewPlainPool() (*Pool, error) {
	dir, err := os.MkdirTemp("", "exectest")
	if err != nil {
		return nil, err
	}
	p := &Pool{dir: dir}
	// Programs record their working directory: no symbolic links in it.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		p.Close()
		return nil, err
	}
	recorder, err := buildRecorder(dir)
	if err != nil {
		p.Close()
		return nil, err
	}
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		p.Close()
		return nil, err
	}
	syscall.Umask(0o22)
	b := &box{root: root, bins: findShells(), recorder: recorder, path: root + "/usr/bin", env: []string{"EXECTEST_DIR=" + root + "/.x"}}
	if err := b.prepare(); err != nil {
		p.Close()
		return nil, err
	}
	p.plain = b
	return p, nil
}

// findShells looks for dash and bash on the host.
func findShells() map[string]string {
	bins := map[string]string{}
	for _, name := range []string{"dash", "bash"} {
		if bin, err := exec.LookPath(name); err == nil {
			bins[name] = bin
		}
	}
	return bins
}

// Sandboxed reports whether programs are locked up.
func (p *Pool) Sandboxed() bool { return p.plain == nil }

// Check runs cases and returns a verdict for each, in order.
func (p *Pool) Check(cases []Case) []Verdict {
	out := make([]Verdict, len(cases))
	if p.plain != nil {
		for i := range cases {
			out[i] = p.plain.check(&cases[i])
		}
		return out
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for _, w := range p.workers {
		wg.Go(func() {
			for i := range next {
				out[i] = w.check(&cases[i])
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

func (w *worker) check(c *Case) Verdict {
	v := Verdict{Name: c.Name, Kind: c.Kind}
	if err := w.enc.Encode(c); err != nil {
		v.Err = "the sandbox is gone: " + err.Error()
		return v
	}
	var got Verdict
	if err := w.dec.Decode(&got); err != nil {
		v.Err = "the sandbox is gone: " + err.Error()
		return v
	}
	return got
}

// Close ends the sandboxes.
func (p *Pool) Close() {
	for _, w := range p.workers {
		w.in.Close()
		w.cmd.Wait()
	}
	os.RemoveAll(p.dir)
}

// hello is what a worker says when it starts.
type hello struct{ Err string }

// Worker does a sandbox's work if this process was started for it, and never
// returns then. Call it first in main and TestMain.
func Worker() {
	dir := os.Getenv(workerEnv)
	if dir == "" {
		return
	}
	enc, dec := gob.NewEncoder(os.Stdout), gob.NewDecoder(os.Stdin)
	b, err := enterSandbox(dir)
	if err != nil {
		enc.Encode(hello{Err: err.Error()})
		os.Exit(1)
	}
	enc.Encode(hello{})
	for {
		var c Case
		if err := dec.Decode(&c); err != nil {
			os.Exit(0)
		}
		v := b.check(&c)
		if err := enc.Encode(v); err != nil {
			os.Exit(1)
		}
	}
}

// libraries lists the files that a program needs, by ldd.
func libraries(bin string) ([]string, error) {
	out, err := exec.Command("ldd", bin).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w", bin, err)
	}
	var libs []string
	for line := range strings.Lines(string(out)) {
		for _, f := range strings.Fields(line) {
			if strings.HasPrefix(f, "/") {
				libs = append(libs, f)
			}
		}
	}
	return libs, nil
}
