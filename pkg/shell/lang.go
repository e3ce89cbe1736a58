package shell

import (
	"path"
	"strings"
)

// Lang is the language of a script.
type Lang uint8

// The languages. None stands for whatever is not read: cmd, PowerShell,
// Python, fish, an unknown shell.
const (
	None  Lang = iota
	POSIX      // sh: dash, busybox ash, or another shell in POSIX mode
	Bash
)

func (l Lang) String() string { return [...]string{"none", "sh", "bash"}[l] }

// Shell is an effective SHELL: its argument vector, and what it means for the
// script that it is given.
type Shell struct {
	Argv     []string
	Lang     Lang
	ErrExit  bool // -e
	PipeFail bool // -o pipefail
	NoUnset  bool // -u
	Login    bool // -l: profile files are read first
	Other    bool // an option that is none of these, nor -x or -c
}

// DefaultLinux is the shell of images that set none, see
// https://docs.docker.com/reference/dockerfile/#shell.
func DefaultLinux() Shell { return Shell{Argv: []string{"/bin/sh", "-c"}, Lang: POSIX} }

// DefaultWindows is the shell of Windows images that set none.
func DefaultWindows() Shell { return Shell{Argv: []string{"cmd", "/S", "/C"}} }

// Of reads a SHELL instruction's argument vector. A shell that is not known,
// or options that are not, give Lang None.
func Of(argv []string) Shell {
	s := Shell{Argv: argv}
	args := argv
	if len(args) > 0 && path.Base(args[0]) == "env" {
		args = args[1:]
	}
	if len(args) < 2 {
		return s
	}
	lang := None
	switch path.Base(args[0]) {
	case "sh", "dash", "ash":
		lang = POSIX
	case "bash":
		lang = Bash
	default:
		return s
	}
	command := false
	for i := 1; i < len(args); i++ {
		a := args[i]
		if a == "--login" {
			s.Login = true
			continue
		}
		if !strings.HasPrefix(a, "-") || strings.HasPrefix(a, "--") || command && i != len(args)-1 {
			return s
		}
		for _, c := range a[1:] {
			switch c {
			case 'c':
				command = true
			case 'e':
				s.ErrExit = true
			case 'u':
				s.NoUnset = true
			case 'l':
				s.Login = true
			case 'x':
			case 'o':
				i++
				if i >= len(args) {
					return s
				}
				switch args[i] {
				case "pipefail":
					s.PipeFail = true
				case "errexit":
					s.ErrExit = true
				case "nounset":
					s.NoUnset = true
				case "xtrace":
				default:
					s.Other = true
				}
			default:
				s.Other = true
			}
		}
	}
	if command {
		s.Lang = lang
	}
	return s
}

// interpreter gives the language of a here-document body by its first line,
// and whether that line is a shebang.
func interpreter(body string) (Lang, bool) {
	line, _, _ := strings.Cut(body, "\n")
	if !strings.HasPrefix(line, "#!") {
		return None, false
	}
	f := strings.Fields(line[2:])
	if len(f) > 0 && path.Base(f[0]) == "env" {
		f = f[1:]
		if len(f) > 0 && f[0] == "-S" {
			f = f[1:]
		}
	}
	if len(f) == 0 {
		return None, true
	}
	switch path.Base(f[0]) {
	case "sh", "dash", "ash":
		return POSIX, true
	case "bash":
		return Bash, true
	}
	return None, true
}
