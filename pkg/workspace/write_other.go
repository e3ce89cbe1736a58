//go:build !unix

package workspace

import "os"

func isFull(error) bool { return false }

func cannotRename(string, os.FileInfo) error { return nil }

func chown(*os.File, os.FileInfo) error { return nil }
