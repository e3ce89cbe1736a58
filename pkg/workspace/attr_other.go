//go:build unix && !linux

package workspace

func hasAttributes(string) bool { return false }
