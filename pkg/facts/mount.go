package facts

import (
	"strings"

	"github.com/tonistiigi/go-csvvalue"
)

// MountFields splits the value of a --mount flag into its key, value pairs as
// BuildKit does: CSV fields, keys in lower case, "" for a key without value.
// A value that is no CSV gives nil. See
// https://docs.docker.com/reference/dockerfile/#run---mount.
func MountFields(arg string) [][2]string {
	fields, err := csvvalue.Fields(arg, nil)
	if err != nil {
		return nil
	}
	out := make([][2]string, 0, len(fields))
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		out = append(out, [2]string{strings.ToLower(k), v})
	}
	return out
}

// Mount is a RUN --mount flag, as far as it is spelt out.
type Mount struct {
	Type   string // bind by default
	Target string
	From   string
	Source string // a path in From or the build context, "" for all of it
}

// ParseMount reads a --mount flag's value.
func ParseMount(arg string) Mount {
	m := Mount{Type: "bind"}
	for _, kv := range MountFields(arg) {
		switch kv[0] {
		case "type":
			m.Type = strings.ToLower(kv[1])
		case "target", "dst", "destination":
			m.Target = kv[1]
		case "from":
			m.From = kv[1]
		case "source", "src":
			m.Source = kv[1]
		}
	}
	return m
}
