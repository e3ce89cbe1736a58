package parse

import (
	"bytes"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Replaced says that the bytes of a span of the text before were replaced by
// Len bytes.
type Replaced struct {
	Span
	Len int
}

// Reparse builds the tree of src, the file's text after some replacements. The
// result is that of Parse(src), and so is the error. replaced ascends and does
// not overlap.
//
// Only the blocks that a replacement touches are parsed. A block is an
// instruction with the comments and blank lines above it. BuildKit's parser
// reads a Dockerfile line by line, and between two blocks it remembers nothing
// but the escape character and that no more directives may come: a block means
// the same in a file that has only these in common. Where a block does not end
// where it ended before, the whole text is parsed.
func (f *File) Reparse(src []byte, replaced []Replaced) (*File, error) {
	if len(replaced) == 0 && bytes.Equal(src, f.Src) {
		return f, nil
	}
	if g := f.reparse(src, replaced); g != nil {
		return g, nil
	}
	return Parse(src)
}

// Update is Reparse for a text of which nothing is known but that it was the
// file's: what stands between their common beginning and their common end was
// replaced.
func (f *File) Update(src []byte) (*File, error) {
	limit := min(len(f.Src), len(src))
	start := 0
	for start < limit && f.Src[start] == src[start] {
		start++
	}
	end := 0
	for end < limit-start && f.Src[len(f.Src)-1-end] == src[len(src)-1-end] {
		end++
	}
	if start == len(src) && len(src) == len(f.Src) {
		return f, nil
	}
	return f.Reparse(src, []Replaced{{Span{start, len(f.Src) - end}, len(src) - end - start}})
}

// block is a range of tiles that ends with an instruction or the file.
type block struct {
	tiles       []Tile
	instruction *Instruction
	before      Span // in the text before
	after       Span // in the text after
	dirty       bool
}

// blocks cuts the tiles into blocks.
func (f *File) blocks() []block {
	out := make([]block, 0, len(f.Instructions)+1)
	from := 0
	for i, t := range f.Tiles {
		if t.Kind == TileInstruction || i == len(f.Tiles)-1 {
			out = append(out, block{tiles: f.Tiles[from : i+1], instruction: t.Instruction, before: Span{f.Tiles[from].Start, t.End}})
			from = i + 1
		}
	}
	return out
}

// touch marks the blocks that replacements touch and places all in the text
// after. A replacement at the border of two blocks belongs to the first.
func touch(blocks []block, replaced []Replaced, size int) {
	k, shift := 0, 0
	for i := range blocks {
		b := &blocks[i]
		b.after.Start = b.before.Start + shift
		for ; k < len(replaced); k++ {
			r := replaced[k]
			if r.Start > b.before.End || r.Start == b.before.End && !r.Empty() {
				break
			}
			b.dirty = true
			if r.End > b.before.End { // goes on in the next block
				break
			}
			shift += r.Len - r.Span.Len()
		}
		b.after.End = b.before.End + shift
	}
	blocks[len(blocks)-1].after.End = size
}

// reparse returns nil where the text has to be parsed as a whole.
func (f *File) reparse(src []byte, replaced []Replaced) *File {
	blocks := f.blocks()
	touch(blocks, replaced, len(src))

	// The text for BuildKit: what it has to remember, and the dirty blocks.
	var mini []byte
	if !blocks[0].dirty {
		if f.Escape != '\\' {
			mini = append(mini, "# escape="+string(rune(f.Escape))+"\n"...)
		}
		mini = append(mini, "FROM scratch\n"...)
	}
	head := len(mini)
	var regions []region
	for i := 0; i < len(blocks); i++ {
		if !blocks[i].dirty {
			continue
		}
		r := region{first: i, at: blocks[i].after.Start, Span: Span{Start: len(mini)}}
		end := blocks[i].after.End
		for i+1 < len(blocks) && (blocks[i+1].dirty || end > r.at && src[end-1] != '\n') {
			i++
			end = blocks[i].after.End
		}
		mini = append(mini, src[r.at:end]...)
		r.last, r.End = i, len(mini)
		regions = append(regions, r)
	}
	if bytes.IndexByte(mini, 0) >= 0 || len(regions) == 0 {
		return nil
	}
	m, err := Parse(mini)
	if err != nil || m.Escape != f.Escape {
		return nil
	}
	g := &File{Src: src, Escape: f.Escape, Directives: f.Directives, lines: lineStarts(src)}
	g.countEndings()
	if blocks[0].dirty {
		g.Directives = m.Directives
	}
	g.AST = &parser.Node{StartLine: -1}
	g.Tiles = make([]Tile, 0, len(f.Tiles)+8)
	g.Instructions = make([]*Instruction, 0, len(f.Instructions)+4)
	tiles := m.Tiles
	for len(tiles) > 0 && tiles[0].Start < head {
		tiles = tiles[1:]
	}
	for i := 0; i < len(blocks); i++ {
		if len(regions) > 0 && regions[0].first == i {
			r := regions[0]
			regions = regions[1:]
			var ok bool
			if tiles, ok = g.take(m, tiles, r, r.last == len(blocks)-1); !ok {
				return nil
			}
			if i == 0 && len(g.Instructions) == 0 {
				return nil // the comments of the next block might be directives now
			}
			i = r.last
			continue
		}
		b := &blocks[i]
		d := b.after.Start - b.before.Start
		lines := 0
		if b.instruction != nil {
			lines = g.lineAt(b.instruction.Start+d) - b.instruction.StartLine
		}
		for _, t := range b.tiles {
			g.add(t, d, lines)
		}
	}
	if len(g.Instructions) == 0 {
		return nil
	}
	g.AST.StartLine = g.Instructions[0].StartLine
	g.AST.EndLine = g.Instructions[len(g.Instructions)-1].EndLine
	return g
}

// region is a run of dirty blocks, [first, last], with its place in the text
// for BuildKit, and where it stands in the text after.
type region struct {
	Span
	first, last int
	at          int
}

// take adds the tiles of a region. ok is false where it does not end with an
// instruction that is finished, as blocks do; at the end of the file it may end
// with anything.
func (f *File) take(m *File, tiles []Tile, r region, atEnd bool) (rest []Tile, ok bool) {
	d := r.at - r.Start
	lines := f.lineAt(r.at) - m.lineAt(r.Start)
	ends := r.Empty() || atEnd
	for len(tiles) > 0 && tiles[0].Start < r.End {
		t := tiles[0]
		if t.End > r.End {
			if t.Kind != TileBlank {
				return nil, false
			}
			// Blank lines of two regions are one tile.
			tiles = slices.Clone(tiles)
			t.End, tiles[0].Start = r.End, r.End
			f.add(t, d, lines)
			return tiles, atEnd
		}
		if t.Kind == TileInstruction && t.End == r.End && !atEnd && t.Instruction.Unfinished() {
			return nil, false
		}
		f.add(t, d, lines)
		tiles = tiles[1:]
		ends = ends || t.End == r.End && t.Kind == TileInstruction
	}
	return tiles, ends
}

// add appends a tile of another text, moved by d bytes and some lines.
func (f *File) add(t Tile, d, lines int) {
	t.Start, t.End = t.Start+d, t.End+d
	if in := t.Instruction; in != nil {
		if index := len(f.Instructions); d != 0 || lines != 0 || in.Index != index {
			t.Instruction = in.moved(d, lines)
			t.Instruction.Index = index
		}
	}
	f.put(t)
}

// put appends a tile. Blank lines behind blank lines are one tile.
func (f *File) put(t Tile) {
	if n := len(f.Tiles); t.Kind == TileBlank && n > 0 && f.Tiles[n-1].Kind == TileBlank {
		f.Tiles[n-1].End = t.End
		return
	}
	if in := t.Instruction; in != nil {
		f.Instructions = append(f.Instructions, in)
		f.AST.Children = append(f.AST.Children, in.Node)
	}
	f.Tiles = append(f.Tiles, t)
}

// lineAt is the 1-based line that starts at an offset.
func (f *File) lineAt(off int) int {
	i, ok := slices.BinarySearch(f.lines, off)
	if !ok {
		return i
	}
	return i + 1
}

// moved returns a copy of an instruction that stands d bytes and some lines
// further down. What does not say where it stands is shared.
func (in *Instruction) moved(d, lines int) *Instruction {
	c := in.clone()
	if c.Child != nil {
		c.Child = c.Child.clone()
		c.Child.Parent = c
	}
	c.shift(d, lines)
	return c
}

// clone copies an instruction with all that says where it stands, its child
// excepted.
func (in *Instruction) clone() *Instruction {
	c, node := *in, *in.Node
	c.Node = &node
	c.Lead, c.Comments = slices.Clone(c.Lead), slices.Clone(c.Comments)
	c.Flags, c.Words, c.Pairs = slices.Clone(c.Flags), slices.Clone(c.Words), slices.Clone(c.Pairs)
	c.Lines, c.Heredocs = slices.Clone(c.Lines), slices.Clone(c.Heredocs)
	c.Logical.segs = slices.Clone(c.Logical.segs)
	return &c
}

// shift moves an instruction d bytes and some lines down.
func (in *Instruction) shift(d, lines int) {
	if d == 0 && lines == 0 {
		return
	}
	move := func(s *Span) { s.Start, s.End = s.Start+d, s.End+d }
	word := func(w *Word) {
		if w.Value != "" || w.Span != (Span{}) { // else it was not found
			move(&w.Span)
		}
	}
	move(&in.Span)
	word(&in.Keyword)
	word(&in.Args)
	for i := range in.Lead {
		move(&in.Lead[i])
	}
	for i := range in.Flags {
		word(&in.Flags[i].Word)
	}
	for i := range in.Words {
		word(&in.Words[i])
	}
	for i := range in.Pairs {
		p := &in.Pairs[i]
		word(&p.Key)
		word(&p.Value)
		move(&p.Span)
	}
	for i := range in.Heredocs {
		h := &in.Heredocs[i]
		word(&h.Opener)
		move(&h.Body)
		move(&h.Terminator)
	}
	for i := range in.Logical.segs {
		in.Logical.segs[i].Src += d
	}
	in.StartLine, in.EndLine = in.StartLine+lines, in.EndLine+lines
	if in.Parent != nil {
		// BuildKit gives the instruction in an ONBUILD no lines; ours has its
		// parent's.
		in.Lines, in.Comments = in.Parent.Lines, in.Parent.Comments
		return
	}
	in.Node.StartLine, in.Node.EndLine = in.Node.StartLine+lines, in.Node.EndLine+lines
	for i := range in.Comments {
		move(&in.Comments[i])
	}
	for i := range in.Lines {
		l := &in.Lines[i]
		move(&l.Span)
		l.TextEnd += d
		if l.ContAt >= 0 {
			l.ContAt += d
		}
	}
	if in.Child != nil {
		in.Child.shift(d, lines)
	}
}
