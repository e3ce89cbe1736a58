package transform

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/refit-dev/refit/pkg/facts"
)

// changesUser says what a part does to the identity that the next RUN would
// run under, or "". BuildKit looks the user, the primary group and the
// supplementary groups up in /etc/passwd and /etc/group for each RUN, and runc
// takes HOME from there where the environment has none; a shell that is running
// keeps what it started with. Root's groups are no matter: root may do
// everything without them. See
// https://github.com/moby/buildkit/blob/master/executor/oci/user.go.
func (p *Pass) changesUser(m *mergePart) string {
	text := m.Script.Text()
	if !mayChangeUser(text) {
		return ""
	}
	calls := p.Facts.Calls(m.In)
	u := runUser{name: m.State.User.S, known: m.State.User.Known}
	u.name, u.group, _ = strings.Cut(u.name, ":")
	// Without sudo, only root can have changed the account data of a user that the
	// base image decides.
	sudo := slices.ContainsFunc(calls, func(c facts.Call) bool { return c.Sudo })
	u.root = u.known && facts.Root(u.name) || !u.known && !sudo
	u.asks = strings.Contains(text, "whoami") || strings.Contains(text, "id -")
	_, u.home = m.State.HasVariable("HOME")
	for i := range calls {
		if why := u.changed(&calls[i]); why != "" {
			return why
		}
	}
	why := ""
	syntax.Walk(m.Tree, func(n syntax.Node) bool {
		if rd, ok := n.(*syntax.Redirect); ok && writes(rd.Op) && rd.Word != nil {
			at := rd.Word.Pos().Offset()
			why = u.written(text[at:rd.Word.End().Offset()], rd.Op == syntax.AppOut || rd.Op == syntax.AppAll)
		}
		return why == ""
	})
	return why
}

// mayChangeUser reports whether a script has a word of those that changesUser
// looks for.
func mayChangeUser(text string) bool {
	return slices.ContainsFunc([]string{"/etc/passwd", "/etc/group", "user", "group", "gpasswd"}, func(s string) bool { return strings.Contains(text, s) })
}

// writes reports whether a redirection writes to a file.
func writes(op syntax.RedirOperator) bool {
	switch op {
	case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll, syntax.RdrInOut:
		return true
	}
	return false
}

// runUser is the user that a RUN runs as.
type runUser struct {
	name  string // without group; "" if the base image decides
	group string // behind the colon of USER, which then takes the place of all groups of /etc/group
	known bool
	root  bool
	home  bool // the environment has HOME
	asks  bool // the script asks who it runs as: usermod … $(whoami)
}

// is reports whether a word may be the user's name.
func (u runUser) is(f facts.Field) bool {
	if !f.Known && u.root {
		return u.asks // a variable names another user: nobody renumbers root
	}
	return !f.Known || f.Text == u.name || u.root && facts.Root(f.Text) || !u.root && (!u.known || u.numeric())
}

func (u runUser) numeric() bool {
	return u.name != "" && strings.Trim(u.name, "0123456789") == ""
}

// changed says what a command does to the user's account, or "".
func (u runUser) changed(c *facts.Call) string {
	if len(c.Fields) == 0 {
		return ""
	}
	args := c.Fields[1:]
	named := slices.ContainsFunc(args, u.is) || c.Xargs
	account, groups := false, false
	switch c.Name() {
	case "usermod":
		account, groups = usermodChanges(args)
		named = len(args) > 0 && (u.is(args[0]) || u.is(args[len(args)-1])) || c.Xargs
	case "adduser", "addgroup", "deluser", "delgroup", "gpasswd", "groupmems":
		groups = true
	case "groupmod", "groupdel":
		// The group's number, whoever is its member.
		groups, named = true, !u.root
	case "userdel":
		account = true
	}
	switch c.Name() {
	case "useradd", "adduser", "newusers":
		// A user of a number alone gets its name, group and home then.
		if !u.root && u.numeric() {
			return "the one before may add the user that the next RUN runs as, with a home and a group of its own"
		}
	}
	switch {
	case !named:
	case account && !(u.root && u.home):
		return "the one before changes the account that the next RUN runs under: its shell would keep the old number, group and home"
	case groups && !u.root && u.group == "":
		return "the one before changes the groups of the user that the next RUN runs as: its shell would keep the old ones"
	}
	if isReader(c.Name()) {
		return ""
	}
	appends := c.Name() == "tee" && slices.ContainsFunc(args, func(f facts.Field) bool { return f.Text == "-a" || f.Text == "--append" })
	for _, f := range args {
		if why := u.written(f.Text, appends); why != "" {
			return why
		}
	}
	return ""
}

// usermodChanges reports whether options of usermod change more of a user than
// its groups, password and login shell, and whether they change its groups.
func usermodChanges(args []facts.Field) (account, groups bool) {
	for _, f := range args {
		long, isLong := strings.CutPrefix(f.Text, "--")
		short, isShort := strings.CutPrefix(f.Text, "-")
		switch {
		case isLong:
			name, _, _ := strings.Cut(long, "=")
			switch name {
			case "home", "uid", "gid", "login", "move-home":
				account = true
			case "append", "groups", "remove":
				groups = true
			}
		case isShort:
			for _, r := range short {
				account = account || strings.ContainsRune("dugl", r)
				groups = groups || r == 'G'
				if strings.ContainsRune("cdefgGlpRPsuvVwWZ", r) {
					break // the rest is its argument
				}
			}
		}
	}
	return account, groups
}

// isReader tells commands that leave the files alone that they are given.
func isReader(name string) bool {
	switch name {
	case "cat", "grep", "egrep", "fgrep", "test", "[", "cut", "head", "tail",
		"awk", "gawk", "mawk", "wc", "ls", "stat", "diff", "chmod", "chown", "chgrp",
		"getent", "echo", "printf", "touch", "sort":
		return true
	}
	return false
}

// written says what writing to a file does to the user's account, or "". A
// line that is appended to /etc/passwd is behind root's.
func (u runUser) written(file string, appends bool) string {
	for _, name := range []string{"/etc/passwd", "/etc/group"} {
		i := strings.Index(file, name)
		if i < 0 || strings.HasPrefix(file[i+len(name):], "-") || i > 0 && isNameByte(file[i-1]) {
			continue
		}
		if u.root && (u.home || appends || name == "/etc/group") {
			continue
		}
		return "the one before may change its user in " + name + ", which BuildKit reads anew for each RUN"
	}
	return ""
}

// isNameByte reports whether b may end a file name or an expansion: what stands
// in front of /etc/passwd then is another root directory.
func isNameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("/._-})\x00", b) >= 0
}
