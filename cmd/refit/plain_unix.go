//go:build plain && unix

package main

import (
	"os"
	"syscall"
)

// replaceProcess runs another program in place of this one.
func replaceProcess(path string) error {
	return syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ())
}
