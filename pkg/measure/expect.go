package measure

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/refit-dev/refit/pkg/parse"
	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/shell"
	"github.com/refit-dev/refit/pkg/transform"
)

// Expect derives from accepted changes what they may do to the image, from the plan differences that they declare:
// files that an added rm deletes, labels that an added LABEL sets, the command that an unsafe change rewrites, packages
// that are no longer recommended, the smaller image of another base. Safe changes may do nothing else.
func Expect(changes []transform.Change) Expectation {
	var want Expectation
	for i := range changes {
		c := &changes[i]
		for _, e := range c.Effects {
			want.add(c, e)
		}
	}
	slices.Sort(want.Config)
	want.Config = slices.Compact(want.Config)
	return want
}

func (x *Expectation) add(c *transform.Change, e plan.Effect) {
	unsafe := c.Safety != transform.Safe
	switch e := e.(type) {
	case plan.Append:
		x.Paths = append(x.Paths, removed(e.Text)...)
	case plan.Command:
		if unsafe && (strings.Contains(e.Text, "no-install-recommends") || strings.Contains(e.Text, "install_weak_deps")) {
			x.Packages = true
		}
	case plan.Insert:
		x.inserted(e.Text, unsafe)
	case plan.Split:
		x.split(e)
	case plan.Replace:
		if strings.EqualFold(firstWord(c.Before), "MAINTAINER") {
			x.Config = append(x.Config, "author")
		}
		var set Expectation
		set.inserted(e.Text, unsafe)
		old := labels(c.Before)
		for _, name := range set.Config {
			// Writing a label in another way does not change it.
			if key, ok := strings.CutPrefix(name, "Label "); !ok || old[key] != labels(e.Text)[key] {
				x.Config = append(x.Config, name)
			}
		}
		x.Subset = x.Subset || set.Subset
		x.Owners = append(x.Owners, set.Owners...)
	}
}

// split declares a final stage on another image: it may lack whatever nobody copies, but not what is copied, and of the
// config only what the stage does not set itself may come from the other image.
func (x *Expectation) split(e plan.Split) {
	x.Subset, x.Packages, x.Base = true, true, true
	for _, s := range e.Sets {
		if name, ok := strings.CutPrefix(s, "ENV "); ok {
			x.Sets = append(x.Sets, "Env "+name)
		} else {
			x.Sets = append(x.Sets, configFields[s])
		}
	}
	for _, part := range e.Head {
		res, err := parser.Parse(strings.NewReader(part.Text))
		if part.Text == "" || err != nil {
			continue
		}
		for _, n := range res.AST.Children {
			in, err := parse.Typed(n)
			c, ok := in.(*instructions.CopyCommand)
			if err != nil || !ok {
				continue
			}
			for _, src := range c.SourcePaths {
				to := c.DestPath
				if strings.HasSuffix(to, "/") {
					to = path.Join(to, path.Base(src))
				}
				to = strings.TrimPrefix(to, "/")
				if to != strings.TrimPrefix(src, "/") {
					x.Paths = append(x.Paths, to)
				} else {
					x.Kept = append(x.Kept, to)
				}
			}
		}
	}
}

// configFields are the names of the config's fields, see Difference.Config, by the instructions that set them.
var configFields = map[string]string{"CMD": "Cmd", "ENTRYPOINT": "Entrypoint", "EXPOSE": "ExposedPorts", "HEALTHCHECK": "Healthcheck", "LABEL": "Label", "MAINTAINER": "author",
	"SHELL": "Shell", "STOPSIGNAL": "StopSignal", "USER": "User", "VOLUME": "Volumes", "WORKDIR": "WorkingDir"}

// labels returns the labels that the LABEL instructions of a text set.
func labels(text string) map[string]string {
	out := map[string]string{}
	res, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return out
	}
	for _, n := range res.AST.Children {
		if in, err := parse.Typed(n); err == nil {
			if l, ok := in.(*instructions.LabelCommand); ok {
				for _, kv := range l.Labels {
					out[kv.Key] = unquoted(kv.Value)
				}
			}
		}
	}
	return out
}

// unquoted takes off the quotes that stand around a value.
func unquoted(v string) string {
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

// inserted declares what instructions put into the config; unsafe ones may also change the command and the base.
func (x *Expectation) inserted(text string, unsafe bool) {
	res, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return
	}
	for _, n := range res.AST.Children {
		switch name := strings.ToUpper(n.Value); name {
		case "LABEL":
			for key := range labels(n.Original) {
				x.Config = append(x.Config, "Label "+key)
			}
		case "COPY", "ADD":
			if unsafe && strings.Contains(strings.Join(n.Flags, " "), "--chown=") {
				x.Owners = append(x.Owners, madeFolders(n)...)
			}
		case "MAINTAINER":
			x.Config = append(x.Config, "author")
		case "CMD", "ENTRYPOINT":
			if unsafe {
				x.Config = append(x.Config, map[string]string{"CMD": "Cmd", "ENTRYPOINT": "Entrypoint"}[name])
			}
		case "WORKDIR":
			if unsafe {
				x.Config = append(x.Config, "WorkingDir")
			}
		case "FROM":
			if unsafe {
				x.Subset = true
			}
		}
	}
}

// madeFolders returns patterns of the folders that a COPY makes on the way to its destination.
func madeFolders(n *parser.Node) []string {
	dest := ""
	for w := n.Next; w != nil; w = w.Next {
		dest = w.Value
	}
	var out []string
	for dir := path.Dir(path.Clean(dest)); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if abs, ok := strings.CutPrefix(dir, "/"); ok {
			out = append(out, abs)
		} else {
			out = append(out, "**/"+dir)
		}
	}
	return out
}

func firstWord(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return f[0]
	}
	return ""
}

// removed returns patterns of the files that the rm commands of a script name. A relative name counts in any folder,
// since the script's working folder is not known here.
func removed(script string) []string {
	f, err := shell.ParseText(script, shell.POSIX)
	if err != nil {
		return nil
	}
	var out []string
	for _, call := range shell.Commands(f) {
		if shell.Name(call) != "rm" {
			continue
		}
		for _, w := range call.Args[1:] {
			name, ok := shell.Literal(w)
			if !ok && len(w.Parts) == 1 { // a pattern
				if lit, isLit := w.Parts[0].(*syntax.Lit); isLit && !strings.HasPrefix(lit.Value, "~") {
					name, ok = lit.Value, true
				}
			}
			if !ok || name == "" || strings.HasPrefix(name, "-") {
				continue
			}
			if abs, ok := strings.CutPrefix(name, "/"); ok {
				name = abs
			} else {
				name = "**/" + strings.TrimPrefix(name, "./")
			}
			out = append(out, name, strings.TrimSuffix(name, "/")+"/**")
		}
	}
	return out
}
