//go:build unix

// Recorder stands in for every external command of a script under test. It
// appends what it was called with to a log and exits 0, or 1 when the script's
// test chose this call to fail. A few commands whose effect decides how a
// script goes on are acted out: mkdir and mktemp make folders, uname and its
// like answer, filters copy their input.
//
// The folder in EXECTEST_DIR, by default /.x, holds the log and the list of
// failing calls. A log line has five fields with tabs between them, see
// package exectest: arguments, working directory, umask, exported environment,
// standard input. Strings are quoted as in Go.
package main

import (
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// maxInput bounds how much standard input is read, in bytes.
const maxInput = 1 << 20

func main() {
	dir := os.Getenv("EXECTEST_DIR")
	if dir == "" {
		dir = "/.x"
	}
	input := "closed"
	data, err := io.ReadAll(io.LimitReader(os.Stdin, maxInput))
	if err == nil {
		input = strconv.Quote(string(data))
	}
	// The working directory as the kernel knows it: PWD may lie.
	os.Unsetenv("PWD")
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "gone"
	}
	mask := syscall.Umask(0o22)
	syscall.Umask(mask)
	call := quote(os.Args)
	line := strings.Join([]string{call, strconv.Quote(cwd), strconv.FormatInt(int64(mask), 8), quote(environment()), input}, "\t")

	before, nth, err := appendLine(dir+"/log", call, line)
	if err != nil {
		os.Stderr.WriteString("recorder: " + err.Error() + "\n")
		os.Exit(125)
	}
	if chosen(dir+"/fail", call+"#"+strconv.Itoa(nth)) {
		os.Exit(1)
	}
	act(os.Args, data, before)
}

// quote joins strings so that no two lists give the same text.
func quote(list []string) string {
	var b []byte
	for i, s := range list {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendQuote(b, s)
	}
	return string(b)
}

// environment is the exported environment, sorted, without what the shells
// keep for themselves.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return name == "PWD" || name == "OLDPWD" || name == "SHLVL" || name == "_" || name == "EXECTEST_DIR"
	})
	slices.Sort(env)
	return env
}

// appendLine adds a line to the log. It returns the number of lines before it
// and how many of these, plus this one, record the same arguments.
func appendLine(log, call, line string) (before, nth int, err error) {
	f, err := os.OpenFile(log, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return 0, 0, err
	}
	old, err := io.ReadAll(f)
	if err != nil {
		return 0, 0, err
	}
	nth = 1
	for l := range strings.Lines(string(old)) {
		before++
		if strings.HasPrefix(l, call+"\t") {
			nth++
		}
	}
	_, err = f.WriteString(line + "\n")
	return before, nth, err
}

// chosen reports whether a file has a line.
func chosen(file, line string) bool {
	data, err := os.ReadFile(file)
	return err == nil && slices.Contains(strings.Split(string(data), "\n"), line)
}

// answers are the outputs of commands that scripts branch on.
var answers = map[string]string{
	"uname": "Linux", "uname -m": "x86_64", "uname -s": "Linux", "arch": "x86_64", "nproc": "2",
	"dpkg --print-architecture": "amd64", "apk --print-arch": "x86_64", "id -u": "0", "whoami": "root", "getconf _NPROCESSORS_ONLN": "2",
}

// filters copy their standard input when they have any.
var filters = map[string]bool{
	"cat": true, "tee": true, "sed": true, "sort": true, "tr": true, "grep": true, "egrep": true, "awk": true, "cut": true,
	"head": true, "tail": true, "uniq": true,
}

// act does what the command does for the shell around it.
func act(argv []string, input []byte, before int) {
	name := path.Base(argv[0])
	switch {
	case name == "mkdir":
		for i := 1; i < len(argv); i++ {
			switch a := argv[i]; {
			case a == "-m" || a == "--mode":
				i++
			case strings.HasPrefix(a, "-"):
			default:
				os.MkdirAll(a, 0o777)
			}
		}
	case name == "mktemp":
		made := "/tmp/tmp." + strconv.Itoa(before)
		if slices.ContainsFunc(argv[1:], func(a string) bool {
			return a == "--directory" || strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "d")
		}) {
			os.MkdirAll(made, 0o700)
		} else if f, err := os.Create(made); err == nil {
			f.Close()
		}
		os.Stdout.WriteString(made + "\n")
	case (name == "basename" || name == "dirname") && len(argv) > 1:
		out := path.Dir(argv[1])
		if name == "basename" {
			out = path.Base(argv[1])
		}
		os.Stdout.WriteString(out + "\n")
	case filters[name]:
		os.Stdout.Write(input)
	default:
		if out, ok := answers[strings.Join(append([]string{name}, argv[1:]...), " ")]; ok {
			os.Stdout.WriteString(out + "\n")
		}
	}
}
