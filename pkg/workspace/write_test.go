//go:build unix

package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the helper process of the tests that need one.
func TestMain(m *testing.M) {
	switch os.Getenv("WORKSPACE_HELPER") {
	case "replace": // FILE CONTENT BACKUPDIR
		if err := replace(os.Args[1], []byte(os.Args[2]), os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "flip": // FILE: between two long contents until killed
		for i := 0; ; i++ {
			if err := replace(os.Args[1], long(i%2), ""); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if i == 1 {
				fmt.Println("running")
			}
		}
	}
	os.Exit(m.Run())
}

func replace(path string, content []byte, backupDir string) error {
	s, err := Load(path)
	if err != nil {
		return err
	}
	return s.Replace(content, backupDir)
}

func long(i int) []byte { return bytes.Repeat([]byte{'a' + byte(i), '\n'}, 300_000+i) }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// holds checks a file's content, and that its folder holds nothing else but
// the names given.
func holds(t *testing.T, path, want string, others ...string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds %.40q, want %.40q", path, got, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1+len(others) {
		t.Errorf("left in the folder: %v", entries)
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left in %s: %v %v", dir, entries, err)
	}
}

func TestReplaceKeepsMode(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o644, 0o664, 0o755, 0o666 | os.ModeSetgid} {
		path := filepath.Join(t.TempDir(), "Dockerfile")
		write(t, path, "old")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Stat(path)
		if err := replace(path, []byte("new"), ""); err != nil {
			t.Fatal(err)
		}
		holds(t, path, "new")
		after, _ := os.Stat(path)
		if after.Mode() != mode {
			t.Errorf("mode %v became %v", mode, after.Mode())
		}
		if os.SameFile(before, after) {
			t.Error("the file was not replaced by a new one")
		}
	}
}

func TestReplaceKeepsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file of another owner")
	}
	path := filepath.Join(t.TempDir(), "Dockerfile")
	write(t, path, "old")
	if err := os.Chown(path, 1234, 2345); err != nil {
		t.Fatal(err)
	}
	if err := replace(path, []byte("new"), ""); err != nil {
		t.Fatal(err)
	}
	st, _ := os.Stat(path)
	if sys := st.Sys().(*syscall.Stat_t); sys.Uid != 1234 || sys.Gid != 2345 {
		t.Errorf("owner %d:%d", sys.Uid, sys.Gid)
	}
	holds(t, path, "new")
}

func TestReplaceEqual(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dockerfile")
	write(t, path, "same")
	before, _ := os.Stat(path)
	if err := replace(path, []byte("same"), ""); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(path)
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("equal content was written")
	}
}

func TestReplaceThroughSymlinks(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real", "Dockerfile")
	write(t, real, "old")
	link := filepath.Join(dir, "a")
	if err := os.Symlink("b", link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("real", "Dockerfile"), filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	if err := replace(link, []byte("new"), ""); err != nil {
		t.Fatal(err)
	}
	holds(t, real, "new")
	if st, _ := os.Lstat(link); st.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link became a file")
	}
}

func TestReplaceHardLinks(t *testing.T) {
	dir, backup := t.TempDir(), t.TempDir()
	path, other := filepath.Join(dir, "Dockerfile"), filepath.Join(dir, "other")
	write(t, path, "old and longer")
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	if err := replace(path, []byte("new"), ""); err == nil {
		t.Error("without a place for the backup nothing may be written")
	}
	holds(t, other, "old and longer", "Dockerfile")
	if err := replace(path, []byte("new"), backup); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new", "other")
	holds(t, other, "new", "Dockerfile")
	a, _ := os.Stat(path)
	b, _ := os.Stat(other)
	if !os.SameFile(a, b) {
		t.Error("the link was cut")
	}
	empty(t, backup)
}

func TestReplaceReadOnlyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dockerfile")
	write(t, path, "old")
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	err := replace(path, []byte("new"), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("error %v", err)
	}
	holds(t, path, "old")
}

func TestReplaceNotRegular(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "a directory") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Load(os.DevNull); err == nil || !strings.Contains(err.Error(), "a device") {
		t.Errorf("a device: %v", err)
	}
	pipe := filepath.Join(dir, "Dockerfile")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip(err)
	}
	go os.WriteFile(pipe, []byte("FROM a\n"), 0)
	s, err := Load(pipe)
	if err != nil || string(s.Data) != "FROM a\n" {
		t.Fatalf("a pipe: %v", err)
	}
	if err := s.Replace([]byte("new"), ""); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

func TestReplaceChangedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dockerfile")
	write(t, path, "old")
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "edited")
	if err := s.Replace([]byte("new"), ""); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v", err)
	}
	holds(t, path, "edited")
	// Someone else wrote the very same.
	write(t, path, "new")
	if err := s.Replace([]byte("new"), ""); err != nil {
		t.Errorf("error %v", err)
	}
	os.Remove(path)
	if err := s.Replace([]byte("new"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// asNobody runs the helper as a user without rights.
func asNobody(t *testing.T, args ...string) (string, error) {
	t.Helper()
	exe := os.Args[0]
	cmd := exec.Command(exe, args...)
	if os.Geteuid() == 0 {
		// The test binary lies in a folder that only root may enter.
		data, err := os.ReadFile(exe)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		open(t, dir)
		cmd.Path = filepath.Join(dir, "helper")
		if err := os.WriteFile(cmd.Path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	cmd.Env = append(os.Environ(), "WORKSPACE_HELPER=replace")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// open lets everybody into a test's folder.
func open(t *testing.T, dir string) {
	t.Helper()
	for d := dir; d != filepath.Dir(os.TempDir()) && d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplaceInReadOnlyFolder(t *testing.T) {
	dir, backup := t.TempDir(), t.TempDir()
	open(t, dir)
	open(t, backup)
	path := filepath.Join(dir, "Dockerfile")
	write(t, path, "old")
	os.Chmod(path, 0o666)
	os.Chmod(dir, 0o555)
	defer os.Chmod(dir, 0o755)
	os.Chmod(backup, 0o777)
	if out, err := asNobody(t, path, "new", backup); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	holds(t, path, "new")
	empty(t, backup)
	// A file that may not be written either.
	os.Chmod(path, 0o644)
	if os.Geteuid() == 0 {
		out, err := asNobody(t, path, "newer", backup)
		if err == nil || !strings.Contains(out, "permission denied") {
			t.Errorf("%v: %s", err, out)
		}
		holds(t, path, "new")
		empty(t, backup)
	}
}

func TestReplaceOnFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	defer exec.Command("umount", dir).Run()
	path := filepath.Join(dir, "Dockerfile")
	write(t, path, "old")
	big := bytes.Repeat([]byte("x"), 200<<10)
	err := replace(path, big, t.TempDir())
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	holds(t, path, "old")
	// In place, too: the old content comes back.
	other := filepath.Join(dir, "link")
	if err := os.Link(path, other); err != nil {
		t.Fatal(err)
	}
	backup := t.TempDir()
	if err := replace(path, big, backup); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	holds(t, path, "old", "link")
	empty(t, backup)
	if err := Create(filepath.Join(dir, "new"), big); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	holds(t, path, "old", "link")
}

func TestReplaceOnMountPoint(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a bind mount")
	}
	dir, backup := t.TempDir(), t.TempDir()
	real, path := filepath.Join(dir, "real"), filepath.Join(dir, "Dockerfile")
	write(t, real, "old")
	write(t, path, "")
	if out, err := exec.Command("mount", "--bind", real, path).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	defer exec.Command("umount", path).Run()
	if err := replace(path, []byte("new"), backup); err != nil {
		t.Fatal(err)
	}
	holds(t, real, "new", "Dockerfile")
	holds(t, path, "new", "real")
	empty(t, backup)
}

func TestReplaceKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dockerfile")
	write(t, path, "")
	for i := range 10 {
		cmd := exec.Command(os.Args[0], path)
		cmd.Env = append(os.Environ(), "WORKSPACE_HELPER=flip")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal("the helper failed")
		}
		time.Sleep(time.Duration(i*1700) * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, long(0)) && !bytes.Equal(got, long(1)) {
			t.Fatalf("a mix of %d bytes", len(got))
		}
	}
}

func TestReplaceByEight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dockerfile")
	for range 5 {
		write(t, path, "old")
		var cmds []*exec.Cmd
		for range 8 {
			cmd := exec.Command(os.Args[0], path, strings.Repeat("new\n", 1000), "")
			cmd.Env = append(os.Environ(), "WORKSPACE_HELPER=replace")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds = append(cmds, cmd)
		}
		done := 0
		for _, cmd := range cmds {
			// One that loses the race may say that the file changed.
			if cmd.Wait() == nil {
				done++
			}
		}
		if done == 0 {
			t.Error("no writer succeeded")
		}
		holds(t, path, strings.Repeat("new\n", 1000))
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".dockerignore")
	if err := Create(path, []byte("a\n")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "a\n")
	if err := Create(path, []byte("b\n")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	holds(t, path, "a\n")
	if err := Create(filepath.Join(dir, "no", "x"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
