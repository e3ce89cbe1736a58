package buildfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/refit-dev/refit/pkg/workspace"
)

// composeBuild is the build section of a service, see
// https://docs.docker.com/reference/compose-file/build/.
type composeBuild struct {
	Context    string    `yaml:"context"`
	Dockerfile string    `yaml:"dockerfile"`
	Inline     string    `yaml:"dockerfile_inline"`
	Target     string    `yaml:"target"`
	Args       yaml.Node `yaml:"args"`
}

// UnmarshalYAML reads the short form, too: build: ./folder.
func (b *composeBuild) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&b.Context)
	}
	type plain composeBuild
	return n.Decode((*plain)(b))
}

// composeEntries reads the services of a Compose file.
func composeEntries(data []byte, lookup func(string) (string, bool)) ([]workspace.BuildEntry, error) {
	var file struct {
		Services map[string]struct {
			Build *composeBuild `yaml:"build"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	var out []workspace.BuildEntry
	for _, name := range slices.Sorted(maps.Keys(file.Services)) {
		b := file.Services[name].Build
		if b == nil {
			continue
		}
		e := workspace.BuildEntry{Name: name, Inline: b.Inline != ""}
		for _, f := range []struct{ from, to *string }{{&b.Context, &e.Context}, {&b.Dockerfile, &e.Dockerfile}, {&b.Target, &e.Target}} {
			v, ok := interpolate(*f.from, lookup)
			if !ok {
				return nil, fmt.Errorf("service %s: %q needs a variable that is not set", name, *f.from)
			}
			*f.to = v
		}
		e.Args = composeArgs(&b.Args, lookup)
		out = append(out, e)
	}
	return out, nil
}

// composeArgs reads the arguments with a value, as a map or a list.
func composeArgs(n *yaml.Node, lookup func(string) (string, bool)) map[string]string {
	raw := map[string]*string{}
	if n.Kind == yaml.SequenceNode {
		var list []string
		if n.Decode(&list) == nil {
			for _, a := range list {
				if k, v, ok := strings.Cut(a, "="); ok {
					raw[k] = &v
				}
			}
		}
	} else if n.Kind != 0 {
		_ = n.Decode(&raw) // an odd value is an unknown one
	}
	args := map[string]string{}
	for k, v := range raw {
		if v == nil {
			continue // from the environment of the build
		}
		if s, ok := interpolate(*v, lookup); ok {
			args[k] = s
		}
	}
	return args
}

// interpolate replaces $NAME, ${NAME}, ${NAME:-default}, ${NAME-default} and
// $$, see https://docs.docker.com/reference/compose-file/interpolation/. ok is
// false where a variable is not set.
func interpolate(s string, lookup func(string) (string, bool)) (out string, ok bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i+1 == len(s) {
			b.WriteString(s)
			return b.String(), true
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		switch {
		case s[0] == '$':
			b.WriteByte('$')
			s = s[1:]
		case s[0] == '{':
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return "", false
			}
			name, rest := s[1:end], ""
			if n := strings.IndexAny(name, ":-?+"); n >= 0 {
				name, rest = name[:n], name[n:]
			}
			v, set := lookup(name)
			switch {
			case strings.HasPrefix(rest, ":-") && v == "":
				v = rest[2:]
			case strings.HasPrefix(rest, "-") && !set:
				v = rest[1:]
			case strings.HasPrefix(rest, ":-"), strings.HasPrefix(rest, "-"):
			case !set || rest != "":
				return "", false
			}
			b.WriteString(v)
			s = s[end+1:]
		default:
			n := strings.IndexFunc(s, func(r rune) bool {
				return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
			})
			if n < 0 {
				n = len(s)
			}
			v, set := lookup(s[:n])
			if !set {
				return "", false
			}
			b.WriteString(v)
			s = s[n:]
		}
	}
}
