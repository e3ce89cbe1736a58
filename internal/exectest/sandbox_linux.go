package exectest

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// startWorker starts this program again in new namespaces: it sees its own
// files, processes and network only, and is root there whoever it is outside.
func startWorker(dir string) (*worker, error) {
	root, err := os.MkdirTemp(dir, "root")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), workerEnv+"="+root)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoSandbox, err)
	}
	w := &worker{cmd: cmd, in: in, enc: gob.NewEncoder(in), dec: gob.NewDecoder(out)}
	var h hello
	err = w.dec.Decode(&h)
	if err == nil && h.Err != "" {
		err = errors.New(h.Err)
	}
	if err != nil {
		in.Close()
		cmd.Wait()
		return nil, fmt.Errorf("%w (%w)", ErrNoSandbox, err)
	}
	return w, nil
}

// enterSandbox makes an empty folder the root folder of this process, with the
// shells, their libraries, the recorder from the folder above and /dev/null.
func enterSandbox(root string) (*box, error) {
	b := &box{bins: map[string]string{}, recorder: "/.x/recorder", alone: true, base: map[string]entry{}}
	load := func(from, to string, mode os.FileMode) error {
		data, err := os.ReadFile(from)
		if err == nil {
			put(b.base, to, entry{mode: mode, data: data})
		}
		return err
	}
	if err := load(filepath.Join(filepath.Dir(root), "recorder"), b.recorder, 0o755); err != nil {
		return nil, err
	}
	for name, bin := range findShells() {
		libs, err := libraries(bin)
		if err != nil {
			return nil, err
		}
		for _, lib := range libs {
			if err := load(lib, lib, 0o755); err != nil {
				return nil, err
			}
		}
		b.bins[name] = "/.x/" + name
		if err := load(bin, b.bins[name], 0o755); err != nil {
			return nil, err
		}
	}
	put(b.base, "/dev/null", entry{mode: 0o666, keep: true})
	put(b.base, "/proc", entry{mode: os.ModeDir | 0o755, keep: true})
	put(b.base, "/dev/fd", entry{mode: os.ModeSymlink | 0o777, link: "/proc/self/fd"})

	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("private mounts: %w", err)
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
		return nil, fmt.Errorf("tmpfs: %w", err)
	}
	syscall.Umask(0o22)
	b.root = root
	if err := b.prepare(); err != nil {
		return nil, err
	}
	if err := syscall.Mount("/dev/null", root+"/dev/null", "", syscall.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("/dev/null: %w", err)
	}
	// Process substitution needs /proc; where it is not allowed, such programs
	// fail before and after a change.
	_ = syscall.Mount("proc", root+"/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, "")
	if err := syscall.Chroot(root); err != nil {
		return nil, fmt.Errorf("chroot: %w", err)
	}
	b.root = ""
	return b, os.Chdir("/")
}
