package emit

import (
	"bytes"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// Hunk is a run of lines that differ: the lines [OldStart, OldEnd) of the old
// text become the lines [NewStart, NewEnd) of the new one. Lines are 0-based.
type Hunk struct {
	OldStart, OldEnd int
	NewStart, NewEnd int
}

// Lines splits a text into lines, each with its line ending; the last may have
// none. An empty text has no lines.
func Lines(text []byte) [][]byte {
	lines := make([][]byte, 0, bytes.Count(text, []byte("\n"))+1)
	for len(text) > 0 {
		n := bytes.IndexByte(text, '\n') + 1
		if n == 0 {
			n = len(text)
		}
		lines = append(lines, text[:n])
		text = text[n:]
	}
	return lines
}

// DiffLines compares two texts line by line and returns the differing runs in
// order, with at least one equal line between two of them. Line endings count.
func DiffLines(old, new []byte) []Hunk {
	return diffLines(Lines(old), Lines(new))
}

func diffLines(old, new [][]byte) []Hunk {
	ids := map[string]int32{}
	intern := func(lines [][]byte) []int32 {
		out := make([]int32, len(lines))
		for i, l := range lines {
			id, ok := ids[string(l)]
			if !ok {
				id = int32(len(ids))
				ids[string(l)] = id
			}
			out[i] = id
		}
		return out
	}
	d := differ{a: intern(old), b: intern(new)}
	d.diff(0, len(d.a), 0, len(d.b))
	d.slide(old)
	return d.hunks
}

// differ compares two sequences of line numbers. Comparing all lines with
// Myers' algorithm is quadratic where texts have little in common, so lines
// that occur once on each side are matched first (as in patience diff), and
// only the small gaps between them are left to lcs, gopls' own differ.
type differ struct {
	a, b  []int32
	hunks []Hunk
}

// maxGap is the largest product of line counts that Myers' algorithm is given;
// beyond it, a gap without a unique common line counts as replaced.
const maxGap = 4 << 20

func (d *differ) diff(a0, a1, b0, b1 int) {
	for a0 < a1 && b0 < b1 && d.a[a0] == d.b[b0] {
		a0, b0 = a0+1, b0+1
	}
	for a0 < a1 && b0 < b1 && d.a[a1-1] == d.b[b1-1] {
		a1, b1 = a1-1, b1-1
	}
	if a0 == a1 || b0 == b1 {
		d.add(a0, a1, b0, b1)
		return
	}
	anchors := d.anchors(a0, a1, b0, b1)
	if len(anchors) == 0 {
		if (a1-a0)*(b1-b0) > maxGap {
			d.add(a0, a1, b0, b1)
			return
		}
		d.myers(a0, a1, b0, b1)
		return
	}
	for _, m := range anchors {
		if m.a < a0 || m.b < b0 {
			continue // inside the equal lines behind the anchor before
		}
		d.diff(a0, m.a, b0, m.b)
		a0, b0 = m.a+1, m.b+1
		for a0 < a1 && b0 < b1 && d.a[a0] == d.b[b0] {
			a0, b0 = a0+1, b0+1
		}
	}
	d.diff(a0, a1, b0, b1)
}

// add records a run, joined with the one before where no line stands between.
func (d *differ) add(a0, a1, b0, b1 int) {
	if a0 == a1 && b0 == b1 {
		return
	}
	if n := len(d.hunks); n > 0 && d.hunks[n-1].OldEnd == a0 && d.hunks[n-1].NewEnd == b0 {
		d.hunks[n-1].OldEnd, d.hunks[n-1].NewEnd = a1, b1
		return
	}
	d.hunks = append(d.hunks, Hunk{a0, a1, b0, b1})
}

type match struct{ a, b int }

// anchors returns the longest rising sequence of lines that occur exactly once
// in each range.
func (d *differ) anchors(a0, a1, b0, b1 int) []match {
	type seen struct{ inA, inB, a, b int }
	count := make(map[int32]*seen, a1-a0)
	for i := a0; i < a1; i++ {
		s := count[d.a[i]]
		if s == nil {
			s = &seen{}
			count[d.a[i]] = s
		}
		s.inA, s.a = s.inA+1, i
	}
	for i := b0; i < b1; i++ {
		if s := count[d.b[i]]; s != nil {
			s.inB, s.b = s.inB+1, i
		}
	}
	var unique []match // in the order of a
	for i := a0; i < a1; i++ {
		if s := count[d.a[i]]; s.inA == 1 && s.inB == 1 {
			unique = append(unique, match{s.a, s.b})
		}
	}
	return rising(unique)
}

// rising returns the longest subsequence whose b rises, by patience sorting.
func rising(ms []match) []match {
	var piles []int // index of each pile's top in ms
	prev := make([]int, len(ms))
	for i, m := range ms {
		lo, hi := 0, len(piles)
		for lo < hi {
			if mid := (lo + hi) / 2; ms[piles[mid]].b < m.b {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		prev[i] = -1
		if lo > 0 {
			prev[i] = piles[lo-1]
		}
		if lo == len(piles) {
			piles = append(piles, i)
		} else {
			piles[lo] = i
		}
	}
	if len(piles) == 0 {
		return nil
	}
	out := make([]match, len(piles))
	for i, at := len(piles)-1, piles[len(piles)-1]; i >= 0; i, at = i-1, prev[at] {
		out[i] = ms[at]
	}
	return out
}

// myers compares a gap.
func (d *differ) myers(a0, a1, b0, b1 int) {
	for _, h := range lcs.DiffRunes(d.a[a0:a1], d.b[b0:b1]) {
		d.add(a0+h.Start, a0+h.End, b0+h.ReplStart, b0+h.ReplEnd)
	}
}

// slide moves runs of pure insertions and deletions, which can often stand at
// several places, down as far as they go, and then up to a place where they
// begin behind a blank line or at an instruction, whichever comes first.
func (d *differ) slide(old [][]byte) {
	for i := range d.hunks {
		h := &d.hunks[i]
		limit := len(d.a)
		if i+1 < len(d.hunks) {
			limit = d.hunks[i+1].OldStart - 1
		}
		floor := 0
		if i > 0 {
			floor = d.hunks[i-1].OldEnd + 1
		}
		var seq []int32
		var lo, hi *int
		switch {
		case h.OldStart == h.OldEnd:
			seq, lo, hi = d.b, &h.NewStart, &h.NewEnd
		case h.NewStart == h.NewEnd:
			seq, lo, hi = d.a, &h.OldStart, &h.OldEnd
		default:
			continue
		}
		move := func(by int) {
			h.OldStart, h.OldEnd, h.NewStart, h.NewEnd = h.OldStart+by, h.OldEnd+by, h.NewStart+by, h.NewEnd+by
		}
		for h.OldEnd < limit && *hi < len(seq) && seq[*lo] == seq[*hi] {
			move(1)
		}
		best, at := 0, 0
		score := d.boundary(old, h.OldStart)
		for h.OldStart-1 >= floor && *lo > 0 && seq[*lo-1] == seq[*hi-1] {
			move(-1)
			at--
			if s := d.boundary(old, h.OldStart); s > score {
				best, score = at, s
			}
		}
		move(best - at)
	}
}

// boundary rates a place between two lines of the old text: behind a blank
// line is best, behind a line that ends an instruction is good.
func (d *differ) boundary(old [][]byte, at int) int {
	if at == 0 {
		return 2
	}
	l := bytes.TrimRight(old[at-1], " \t\r\n")
	switch {
	case len(l) == 0:
		return 2
	case l[len(l)-1] != '\\':
		return 1
	}
	return 0
}
