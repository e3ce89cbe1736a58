package emit

// Style holds the options of the layout. The zero value is not useful, see
// [DefaultStyle].
type Style struct {
	// Indent is the indent of continuation lines in columns, at least 1.
	Indent int
	// Tabs indents with one tab for each level. Indent is then the number of
	// columns that a tab counts for.
	Tabs bool
	// Width is the number of columns that a line should fit into. 0 means no
	// limit.
	Width int
	// Operators says where && || and | stand when a line breaks there:
	// "leading" (on the new line) or "trailing" (on the line before).
	Operators string
	// Newline is "lf", "crlf", or "" for the file's own line ending. Bodies
	// of here-documents keep theirs.
	Newline string
	// HeredocBody also indents the bodies of RUN here-documents whose
	// interpreter is a POSIX shell.
	HeredocBody bool
	// CacheNeutral leaves out whatever changes the text that BuildKit hands
	// to a shell, so that no layer is rebuilt.
	CacheNeutral bool
}

// DefaultStyle is the style without any configuration.
func DefaultStyle() Style {
	return Style{Indent: 4, Width: 100, Operators: "leading"}
}
