package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
	"github.com/refit-dev/refit/pkg/plan"
)

var _ = register(&copyChownTransform)

var copyChownTransform = Transform{
	Name:   "copy-chown",
	Group:  "layers",
	Codes:  []string{},
	Safety: Safe,
	Run:    copyChown,
	Doc: text(`Set the owner of copied files in the COPY.

## What
´RUN chown u:g /x´ right behind ´COPY x /x´ becomes ´COPY --chown=u:g x /x´. For a directory, ´chown -R u:g /app´ behind ´COPY . /app´ becomes ´COPY --chown=u:g . /app´, and the RUN keeps ´chown u:g /app´ for the directory itself.

## Why
chown in a RUN stores every file a second time, in a layer of its own.

## Example
~~~dockerfile before
FROM node:20
COPY app.js /app/app.js
RUN chown node:node /app/app.js
~~~
~~~dockerfile after
FROM node:20
COPY --chown=node:node app.js /app/app.js
~~~

## Instead
Nothing changes where the user is created behind the COPY, and where an instruction before the COPY has put files into the directory. To switch it off: ´# refit: ignore=copy-chown´.

## Safety
Unsafe: a directory that exists in the base image may hold other files. Safe for a single file that the build context shows, with a numeric owner or root.

## References
- https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
`),
}

func copyChown(p *Pass) {
	for _, r := range p.Programs() {
		targets := p.copiesBefore(r.In)
		if len(targets) == 0 || len(mounts(r.In)) > 0 {
			continue
		}
		calls := p.Facts.Calls(r.In)
		for i := range calls {
			c := &calls[i]
			if c.Nested || c.Name() != "chown" || !firstCommand(calls, i) {
				continue
			}
			if p.chownCall(r, c, targets) {
				break // one at a time: the next round finds the others
			}
		}
	}
}

// chownCall proposes a change for one chown.
func (p *Pass) chownCall(r *Program, c *facts.Call, targets []copyTarget) bool {
	recursive, first := false, 1
	for first < len(c.Fields) && strings.HasPrefix(c.Fields[first].Text, "-") {
		if t := c.Fields[first].Text; t != "-R" && t != "--recursive" {
			return false
		}
		recursive = true
		first++
	}
	if first+1 >= len(c.Fields) {
		return false
	}
	owner := c.Fields[first]
	at := r.Span(c.Expr)
	if r.State.User.Known && !facts.Root(r.State.User.S) {
		return false
	}
	if !owner.Known || strings.ContainsAny(owner.Text, ".\x00") || strings.HasPrefix(owner.Text, ":") || strings.HasSuffix(owner.Text, ":") {
		p.Skip(at, "the owner is not known")
		return false
	}
	if !strings.Contains(owner.Text, ":") {
		// COPY --chown=u gives the files u's group as well, chown does not.
		p.Skip(at, "chown leaves the group as it is")
		return false
	}
	change := Change{
		Title: "set the owner in the COPY", At: at, Safety: Unsafe,
		Reason: "chown in a RUN stores the files a second time",
	}
	if ts, ok := p.operandTargets(c, first+1, targets, r.State); ok {
		for _, t := range ts {
			if t.in.Flag("chown") != nil || !p.ownerKnown(t.in, owner.Text) {
				p.Skip(at, "%s is not known to exist at the COPY", owner.Text)
				return false
			}
		}
		made := ""
		for _, t := range ts {
			if !p.folderThere(t.in, path.Dir(t.path)) {
				made = path.Dir(t.path)
			}
		}
		switch {
		case made != "":
			change.Reason += "; COPY gives the folders that it makes to the same owner: check that " + made + " is there or may be theirs"
		case p.Options.Context != nil && numericOwner(owner.Text):
			change.Safety = Safe
		default:
			change.Reason += "; check that the source is a file"
		}
		p.setFlag(r, c, ts, "--chown="+owner.Text, change)
		return true
	}
	if !recursive || len(c.Fields) != first+2 || len(targets) != 1 {
		return false
	}
	// A directory: everything in it must come from the one COPY.
	t, dir := targets[0], p.Facts.ResolveField(r.State, c.Fields[first+1].Text)
	switch {
	case !c.Fields[first+1].Known || !dir.Certain() || t.file || dir.S != t.path || dir.S == "/":
		return false
	case t.in.Flag("chown") != nil || !p.ownerKnown(t.in, owner.Text):
		p.Skip(at, "%s is not known to exist at the COPY", owner.Text)
		return false
	}
	if in := p.fillsBefore(t.in, dir.S); in != nil {
		p.Skip(at, "%s may put other files into the directory", p.line(in))
		return false
	}
	change.Reason += "; check that the base image has nothing in " + dir.S
	if parent := path.Dir(dir.S); !p.folderThere(t.in, parent) {
		change.Reason += ", and that " + parent + " is there or may be theirs: COPY gives the folders that it makes to the same owner"
	}
	flag := "--chown=" + owner.Text
	edits, effects, err := r.EditCommand(c.Expr, Op{At: c.Fields[1].Word, Delete: true})
	if err != nil {
		p.Skip(at, "%v", err)
		return false
	}
	text := t.in.Name + " " + flag
	for _, fl := range t.in.Flags {
		text += " " + fl.Text(p.File.Src)
	}
	change.Edits = append(edits, emit.Edit{Span: parse.Span{Start: t.in.Keyword.End, End: t.in.Keyword.End}, New: " " + flag})
	change.Effects = append(effects, plan.Replace{Instr: t.in.Index, Text: text + " " + t.in.Args.Value})
	p.Report(change)
	return true
}

// everywhere are folders that an image with a shell has.
var everywhere = []string{"/", "/bin", "/etc", "/home", "/lib", "/opt", "/root", "/sbin", "/srv", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local",
	"/usr/local/bin", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log", "/var/tmp"}

// folderThere reports whether a folder is known to exist at an instruction: WORKDIR made it, or every image has it.
func (p *Pass) folderThere(in *parse.Instruction, dir string) bool {
	wd := p.Facts.At(in).Workdir
	return slices.Contains(everywhere, dir) || wd.Certain() && (wd.S == dir || strings.HasPrefix(wd.S, dir+"/"))
}

func numericOwner(s string) bool { return strings.Trim(s, "0123456789:") == "" }

// ownerKnown reports whether user and group resolve at a COPY: numbers, root,
// names that an earlier RUN of the stage creates, or that the base has.
func (p *Pass) ownerKnown(in *parse.Instruction, owner string) bool {
	for _, name := range strings.Split(owner, ":") {
		if numericOwner(name) || name == "root" {
			continue
		}
		st := p.Facts.At(in)
		repo, _, _ := facts.SplitReference(st.Stage.Base().S)
		if facts.BaseUser(repo, name) {
			continue
		}
		if !p.createsUser(st.Stage, in, name) {
			return false
		}
	}
	return true
}

// createsUser reports whether a RUN before an instruction creates a user or
// group of that name.
func (p *Pass) createsUser(s *facts.Stage, before *parse.Instruction, name string) bool {
	made := once(p, createdUsers{}, func() map[string][]*parse.Instruction {
		made := map[string][]*parse.Instruction{}
		for _, c := range p.calls("useradd", "adduser", "groupadd", "addgroup") {
			for _, f := range c.call.Fields[1:] {
				made[f.Text] = append(made[f.Text], c.in)
			}
		}
		return made
	})
	return slices.ContainsFunc(made[name], func(in *parse.Instruction) bool {
		return in.Index < before.Index && s.Descends(p.Facts.At(in).Stage)
	})
}

// createdUsers is a key of once.
type createdUsers struct{}

// namesFolder reports whether a RUN may name a folder: its last part stands
// somewhere but in the names of users and groups.
func (p *Pass) namesFolder(in *parse.Instruction, dir string) bool {
	base := path.Base(dir)
	if !strings.Contains(in.Args.Value, base) {
		return false
	}
	rest := strings.Count(in.Args.Value, base)
	for _, c := range p.Facts.Calls(in) {
		switch c.Name() {
		case "useradd", "adduser", "groupadd", "addgroup", "usermod":
			for i, f := range c.Fields[1:] {
				home := i > 0 && (c.Fields[i].Text == "-d" || c.Fields[i].Text == "--home" || c.Fields[i].Text == "-h" || c.Fields[i].Text == "--home-dir")
				if f.Known && f.Text == base && !home && path.Dir(dir) != "/home" {
					rest--
				}
			}
		}
	}
	return rest > 0
}

// fillsBefore finds an instruction before a COPY in its stage or the parents
// that may have put something into the directory.
func (p *Pass) fillsBefore(in *parse.Instruction, dir string) *parse.Instruction {
	for s := p.Facts.At(in).Stage; s != nil; s = s.Parent {
		for _, o := range s.Instructions {
			if o.Index >= in.Index {
				continue
			}
			switch o.Name {
			case "COPY", "ADD":
				if len(o.Words) == 0 {
					return o
				}
				dest := p.Facts.Expand(o.Words[len(o.Words)-1].Value, o)
				full := p.Facts.At(o).Resolve(dest.S)
				if !dest.Known || !full.Known || facts.Below(full.S, dir) || facts.Below(dir, full.S) && full.S != "/" {
					return o
				}
			case "RUN":
				st := p.Facts.At(o)
				if !st.Workdir.Known || facts.Below(st.Workdir.S, dir) || p.namesFolder(o, dir) {
					return o
				}
			}
		}
	}
	return nil
}
