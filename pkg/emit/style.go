package emit

// Style holds the options of the layout; see DefaultStyle.
type Style struct {
	Indent       int    // blanks per level in continuation lines
	Width        int    // the column that lines should not pass
	Operators    string // "leading" or "trailing": where && and || stand at a line break
	Newline      string // "" keeps the file's own line ending; "lf", "crlf"
	HeredocBody  bool   // lay out the bodies of RUN here-documents too
	CacheNeutral bool   // only edits that keep every RUN's shell text
}

// DefaultStyle is the style without configuration.
func DefaultStyle() Style { return Style{Indent: 4, Width: 100, Operators: "leading"} }
