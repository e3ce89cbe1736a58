//go:build unix

package exectest

import (
	"fmt"
	"slices"
	"strings"
)

const (
	maxSets  = 300 // sets of failing calls tried for a case under one shell
	maxDepth = 3   // calls in a set
)

// check runs a case under each of its shells.
func (b *box) check(c *Case) Verdict {
	v := Verdict{Name: c.Name, Kind: c.Kind}
	if c.Kind == Other {
		v.Skipped = append(v.Skipped, c.Note)
		return v
	}
	if why := c.Unsteady(); why != "" {
		v.Skipped = append(v.Skipped, "it uses "+why)
		return v
	}
	if err := b.setWorld(c.World); err != nil {
		v.Err = err.Error()
		return v
	}
	for _, sh := range c.Shells {
		if b.bins[sh.Bin] == "" {
			v.Skipped = append(v.Skipped, "there is no "+sh.Bin)
			continue
		}
		if err := b.explore(c, sh, &v); err != nil {
			v.Err = err.Error()
			return v
		}
		if v.Diff != "" {
			return v
		}
	}
	return v
}

// explore compares the programs with no call failing, then with each call
// failing that they make, then with those failing too that a failure leads to.
func (b *box) explore(c *Case, sh Shell, v *Verdict) error {
	var added []string
	if c.Added != "" {
		r, err := b.exec(sh, c.World, []string{c.Added}, nil)
		if err != nil {
			return err
		}
		added = r.calls
	}
	type set struct {
		fail  []string
		known map[string]bool // calls made without the last failure
	}
	queue := []set{{}}
	for n := 0; n < len(queue); n++ {
		s := queue[n]
		before, after, why, err := b.pair(c, sh, s.fail, added)
		if err != nil {
			return err
		}
		if n == 0 {
			switch {
			case strings.Contains(strings.ToLower(before.stderr), "syntax error"):
				v.Skipped = append(v.Skipped, sh.Bin+" refuses it")
				return nil
			case before.timeout:
				v.Skipped = append(v.Skipped, "it does not end")
				return nil
			}
			v.Calls += len(before.calls)
			if before.ok {
				v.Complete++
			} else if v.Stops == "" {
				v.Stops = strings.TrimSpace(before.stderr)
			}
		}
		v.Runs++
		if before.timeout {
			continue
		}
		// What runs side by side may differ by chance: a real difference stays.
		for try := 0; why != "" && try < 5; try++ {
			if before, after, why, err = b.pair(c, sh, s.fail, added); err != nil {
				return err
			}
			if why == "" {
				v.Flaky++
			}
		}
		if why != "" {
			v.Diff = report(c, sh, s.fail, why, before, after)
			return nil
		}
		known := map[string]bool{}
		for _, k := range before.keys() {
			known[k] = true
		}
		if len(s.fail) == maxDepth {
			continue
		}
		for _, k := range before.keys() {
			if s.known[k] || slices.Contains(s.fail, k) {
				continue
			}
			if len(queue) == maxSets {
				v.Cut = true
				break
			}
			queue = append(queue, set{append(slices.Clone(s.fail), k), known})
		}
	}
	return nil
}

// pair runs the programs before and after and says how they differ.
func (b *box) pair(c *Case, sh Shell, fail, added []string) (before, after run, why string, err error) {
	if before, err = b.exec(sh, c.World, c.Before, fail); err != nil {
		return before, after, "", err
	}
	if after, err = b.exec(sh, c.World, []string{c.After}, fail); err != nil {
		return before, after, "", err
	}
	return before, after, differ(c, &before, &after, fail, added), nil
}

// argv is the argument part of a recorder's line.
func argv(line string) string {
	call, _, _ := strings.Cut(line, "\t")
	return call
}

// failsBehind reports whether a call behind a line fails: one that a trap makes
// at the end of a program that had succeeded.
func failsBehind(calls []string, line string, fail []string) bool {
	r := run{calls: calls}
	behind := false
	for i, k := range r.keys() {
		if behind && slices.Contains(fail, k) {
			return true
		}
		behind = behind || calls[i] == line
	}
	return false
}

// commandName is the first word of a recorder's line. What follows may depend
// on what the program did before.
func commandName(line string) string {
	name, _, _ := strings.Cut(argv(line), `" "`)
	return strings.Trim(name, `"`)
}

// sameNames reports whether two lists call the same commands, in any order.
func sameNames(a, b []string) bool {
	names := func(lines []string) (out []string) {
		for _, l := range lines {
			out = append(out, commandName(l))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(names(a), names(b))
}

// without removes from a list, for each line of another, the first that is
// equal and stands behind the one removed before, and reports whether it found
// all. In sorted lists that is the difference of the multisets.
func without(list, minus []string) (out []string, all bool) {
	for _, l := range list {
		if len(minus) > 0 && minus[0] == l {
			minus = minus[1:]
			continue
		}
		out = append(out, l)
	}
	return out, len(minus) == 0
}

// differ says how two runs differ in what counts, or "".
func differ(c *Case, before, after *run, fail, added []string) string {
	want, got := slices.Clone(before.calls), slices.Clone(after.calls)
	if c.Unordered {
		slices.Sort(want)
		slices.Sort(got)
	}
	switch {
	case c.Kind == Append:
		extra, all := without(got, want)
		atEnd := c.Ends || c.Unordered || slices.Equal(extra, got[len(got)-len(extra):])
		ran := sameNames(extra, added) && atEnd
		switch {
		case !all || len(extra) > 0 && !ran:
			return "other commands run"
		case before.ok && !ran && !c.Ends:
			return "the added commands did not run"
		case !before.ok && len(extra) > 0 && !failsBehind(after.calls, extra[len(extra)-1], fail):
			return "the added commands ran after a failure"
		}
		got = want
	case c.Kind == Behind:
		extra, all := without(got, want)
		for _, l := range extra {
			if !slices.ContainsFunc(added, func(a string) bool { return commandName(a) == commandName(l) }) {
				all = false
			}
		}
		if !all {
			return "other commands run"
		}
		got = want
	}
	switch {
	case before.ok != after.ok:
		return fmt.Sprintf("success was %v and is %v", before.ok, after.ok)
	case !slices.Equal(want, got):
		return "other commands run"
	case !c.Jobs && !slices.Equal(before.files, after.files):
		return "other files are left"
	case after.timeout:
		return "the program does not end"
	}
	return ""
}

// report describes a difference in full.
func report(c *Case, sh Shell, fail []string, why string, before, after run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s under %s", c.Name, why, sh)
	if len(fail) > 0 {
		fmt.Fprintf(&b, " when these fail: %s", strings.Join(fail, ", "))
	}
	for i, p := range c.Before {
		fmt.Fprintf(&b, "\n  before %d: %s", i+1, strings.ReplaceAll(p, "\n", "\n    "))
	}
	fmt.Fprintf(&b, "\n  after: %s", strings.ReplaceAll(c.After, "\n", "\n    "))
	list := func(name string, want, got []string) {
		if slices.Equal(want, got) {
			return
		}
		for i, side := range [][]string{want, got} {
			fmt.Fprintf(&b, "\n  %s %s:", name, [...]string{"before", "after"}[i])
			for j, l := range side {
				mark := " "
				if j >= len(want) || j >= len(got) || want[j] != got[j] {
					mark = "!"
				}
				fmt.Fprintf(&b, "\n  %s %s", mark, l)
			}
		}
	}
	list("commands", before.calls, after.calls)
	list("files", before.files, after.files)
	if before.stderr != after.stderr {
		fmt.Fprintf(&b, "\n  messages before: %q\n  messages after: %q", before.stderr, after.stderr)
	}
	return b.String()
}
