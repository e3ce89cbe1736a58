//go:build unix

package exectest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The limits of one run of a program.
const (
	runLimit = 5 * time.Second        // for the shell
	jobLimit = 300 * time.Millisecond // for what it leaves behind
)

// box is a folder that programs run in, with a shell and recorders. It is the
// root folder of a sandbox, or (root not empty) a folder of the host.
type box struct {
	root     string            // in front of every path of a World
	bins     map[string]string // dash, bash: where they are
	recorder string            // where the recorder is
	env      []string          // for every program
	path     string            // value of PATH, "" to keep the World's
	alone    bool              // this process is process 1 of a sandbox

	base map[string]entry // what is always there, by path without root
	want map[string]entry // base and the world
}

// entry is a file that a box puts in place.
type entry struct {
	mode  fs.FileMode // type and permissions
	data  []byte      // of a regular file
	link  string      // of a symbolic link
	mtime time.Time   // of a regular file, once made
	keep  bool        // never looked at: a mount, the recorder's files
}

var standardDirs = []string{
	"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/src", "/usr/local/src", "/usr/share",
	"/usr/lib", "/usr/local/lib", "/opt", "/etc", "/etc/apt/sources.list.d", "/etc/profile.d", "/var/lib/apt/lists", "/var/cache",
	"/var/log", "/tmp", "/root", "/home", "/srv", "/mnt", "/dev", "/run", "/.x",
}

func (b *box) host(p string) string { return b.root + p }

// putDir adds a folder and those above it to a set.
func putDir(set map[string]entry, p string) {
	for up := p; up != "/" && up != "."; up = path.Dir(up) {
		if e, ok := set[up]; ok && !e.mode.IsDir() {
			return
		}
	}
	for ; p != "/" && p != "."; p = path.Dir(p) {
		if e, ok := set[p]; ok && e.mode.IsDir() {
			return
		} else if !ok {
			set[p] = entry{mode: fs.ModeDir | 0o755}
		}
	}
}

func put(set map[string]entry, p string, e entry) {
	if _, ok := set[p]; ok || p == "/" {
		return
	}
	for up := path.Dir(p); up != "/" && up != "."; up = path.Dir(up) {
		if e, ok := set[up]; ok && !e.mode.IsDir() {
			return // a program takes a file for a folder
		}
	}
	putDir(set, path.Dir(p))
	set[p] = e
}

// prepare makes the base.
func (b *box) prepare() error {
	if b.base == nil {
		b.base = map[string]entry{}
	}
	for _, d := range standardDirs {
		putDir(b.base, d)
	}
	for _, p := range []string{"/.x/log", "/.x/fail", "/.x/err"} {
		put(b.base, p, entry{mode: 0o600, keep: true})
	}
	b.want = b.base
	_, err := b.sweep()
	return err
}

// setWorld exchanges the world.
func (b *box) setWorld(w World) error {
	want := make(map[string]entry, len(b.base)+len(w.Commands)+len(w.Dirs))
	for p, e := range b.base {
		want[p] = e
	}
	for _, d := range append([]string{w.Dir}, w.Dirs...) {
		putDir(want, d)
	}
	for _, c := range w.Commands {
		if !path.IsAbs(c) {
			c = "/usr/bin/" + c
		}
		put(want, c, entry{mode: fs.ModeSymlink | 0o777, link: b.recorder})
	}
	for _, f := range w.Files {
		put(want, f, entry{mode: 0o644})
	}
	b.want = want
	_, err := b.sweep()
	return err
}

// sweep brings the folder back to what is wanted and returns what was new or
// written to: path, mode and content.
func (b *box) sweep() ([]string, error) {
	var found []string
	seen := map[string]bool{}
	err := filepath.WalkDir(b.host("/"), func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		p := strings.TrimPrefix(full, b.root)
		if p == "/" || p == "" {
			return nil
		}
		e, wanted := b.want[p]
		if wanted && e.keep {
			seen[p] = true
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if wanted && e.mode.Type() == d.Type() {
			seen[p] = true
			if !d.Type().IsRegular() {
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.ModTime().Equal(e.mtime) && info.Size() == int64(len(e.data)) {
				return nil
			}
			if !e.mtime.IsZero() {
				found = append(found, describe(p, full, d))
			}
			return b.make(p)
		}
		found = append(found, describe(p, full, d))
		if d.IsDir() {
			// Note what is in it, then remove it as a whole.
			err := filepath.WalkDir(full, func(sub string, d fs.DirEntry, err error) error {
				if err == nil && sub != full {
					found = append(found, describe(strings.TrimPrefix(sub, b.root), sub, d))
				}
				return err
			})
			if err != nil {
				return err
			}
			if err := os.RemoveAll(full); err != nil {
				return err
			}
			return fs.SkipDir
		}
		return os.Remove(full)
	})
	if err != nil {
		return nil, err
	}
	// Folders first.
	var missing []string
	for p := range b.want {
		if !seen[p] {
			missing = append(missing, p)
		}
	}
	slices.Sort(missing)
	for _, p := range missing {
		if err := b.make(p); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return found, nil
}

// describe is a line about a file that a program made or wrote to.
func describe(p, full string, d fs.DirEntry) string {
	info, err := d.Info()
	if err != nil {
		return p + " " + err.Error()
	}
	line := p + " " + info.Mode().String()
	if info.Mode().IsRegular() {
		data, err := os.ReadFile(full)
		if err != nil {
			return line + " " + err.Error()
		}
		line += " " + strconv.Quote(string(data))
	}
	return line
}

// make puts a wanted entry in place.
func (b *box) make(p string) error {
	e := b.want[p]
	full := b.host(p)
	switch e.mode.Type() {
	case fs.ModeDir:
		return os.MkdirAll(full, e.mode.Perm())
	case fs.ModeSymlink:
		return os.Symlink(e.link, full)
	}
	if err := os.WriteFile(full, e.data, e.mode.Perm()); err != nil {
		return err
	}
	if e.keep {
		return nil
	}
	info, err := os.Lstat(full)
	if err != nil {
		return err
	}
	e.mtime = info.ModTime()
	b.want[p] = e
	if _, ok := b.base[p]; ok {
		b.base[p] = e
	}
	return nil
}

// run is what a sequence of programs did.
type run struct {
	calls   []string // the recorder's lines
	ok      bool
	timeout bool
	files   []string
	stderr  string
}

// keys names the calls: their arguments and how many times these were seen.
func (r *run) keys() []string {
	count := map[string]int{}
	var out []string
	for _, l := range r.calls {
		call, _, _ := strings.Cut(l, "\t")
		count[call]++
		out = append(out, call+"#"+strconv.Itoa(count[call]))
	}
	return out
}

// exec runs programs one after the other, each in a shell of its own, until
// one fails. The calls in fail fail.
func (b *box) exec(sh Shell, w World, programs, fail []string) (r run, err error) {
	if err := os.WriteFile(b.host("/.x/fail"), []byte(strings.Join(fail, "\n")), 0o600); err != nil {
		return r, err
	}
	if err := os.Truncate(b.host("/.x/log"), 0); err != nil {
		return r, err
	}
	env := append(slices.Clone(w.Env), b.env...)
	if b.path != "" {
		env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
		env = append(env, "PATH="+b.path)
	}
	r.ok = true
	for _, p := range programs {
		ok, timeout, err := b.shell(sh, b.host(w.Dir), env, p)
		if err != nil {
			return r, err
		}
		r.timeout = r.timeout || timeout
		if !ok {
			r.ok = false
			break
		}
	}
	log, err := os.ReadFile(b.host("/.x/log"))
	if err != nil {
		return r, err
	}
	r.calls = slices.Collect(strings.Lines(string(log)))
	for i, l := range r.calls {
		r.calls[i] = strings.TrimSuffix(l, "\n")
	}
	stderr, err := os.ReadFile(b.host("/.x/err"))
	if err != nil {
		return r, err
	}
	r.stderr = string(stderr)
	r.files, err = b.sweep()
	return r, err
}

// shell runs one program and waits for what it leaves behind.
func (b *box) shell(sh Shell, dir string, env []string, program string) (ok, timeout bool, err error) {
	null, err := os.OpenFile(b.host("/dev/null"), os.O_RDWR, 0)
	if b.root != "" {
		null, err = os.OpenFile("/dev/null", os.O_RDWR, 0)
	}
	if err != nil {
		return false, false, err
	}
	defer null.Close()
	stderr, err := os.OpenFile(b.host("/.x/err"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return false, false, err
	}
	defer stderr.Close()
	argv := append(slices.Clone(sh.Argv), program)
	pid, err := syscall.ForkExec(b.bins[sh.Bin], argv, &syscall.ProcAttr{
		Dir: dir, Env: env,
		Files: []uintptr{null.Fd(), null.Fd(), stderr.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return false, false, fmt.Errorf("%s: %w", sh.Bin, err)
	}
	timer := time.AfterFunc(runLimit, func() { b.kill(pid) })
	var status syscall.WaitStatus
	for {
		_, err = syscall.Wait4(pid, &status, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	timeout = !timer.Stop()
	if err != nil {
		return false, timeout, err
	}
	b.reap(pid)
	return status.Exited() && status.ExitStatus() == 0, timeout, nil
}

// kill ends a shell and everything that it started.
func (b *box) kill(pid int) {
	if b.alone {
		syscall.Kill(-1, syscall.SIGKILL)
		return
	}
	syscall.Kill(-pid, syscall.SIGKILL)
}

// reap waits for the processes that a shell left behind, and ends them when
// they take too long.
func (b *box) reap(pid int) {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if b.alone {
			_, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if errors.Is(err, syscall.ECHILD) {
				return
			}
		} else if syscall.Kill(-pid, 0) != nil {
			return
		}
		if time.Since(start) > jobLimit {
			b.kill(pid)
			if !b.alone {
				return
			}
		}
	}
}
