package fmtcheck

import "testing"

// TestSame makes sure that the checks see what a broken layout would do.
func TestSame(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"lost operator", "FROM a\nRUN b && c\n", "FROM a\nRUN b c\n"},
		{"other operator", "FROM a\nRUN b && c\n", "FROM a\nRUN b ; c\n"},
		{"blank in a word", "FROM a\nRUN bc\n", "FROM a\nRUN b c\n"},
		{"blank in quotes", "FROM a\nRUN echo 'b  c'\n", "FROM a\nRUN echo 'b c'\n"},
		{"blank in an ENV", "FROM a\nENV B c  d\n", "FROM a\nENV B c d\n"},
		{"quote in a LABEL", "FROM a\nLABEL b=c\n", "FROM a\nLABEL b=\"c\"\n"},
		{"arithmetic", "FROM a\nRUN (( 1 + 2 ))\n", "FROM a\nRUN ( ( 1 + 2 ) )\n"},
		{"lost flag", "FROM a\nCOPY --link b c\n", "FROM a\nCOPY b c\n"},
		{"lost comment", "FROM a\n# b\nRUN c\n", "FROM a\nRUN c\n"},
		{"lost comment inside", "FROM a\nRUN b \\\n# c\n&& d\n", "FROM a\nRUN b \\\n&& d\n"},
		{"comment into the program", "FROM a\nRUN b \\\n# c\n&& d\n", "FROM a\nRUN b # c \\\n&& d\n"},
		{"comment moved", "FROM a\n# b\nRUN c\nRUN d\n", "FROM a\nRUN c\n# b\nRUN d\n"},
		{"split instruction", "FROM a\nRUN b \\\nc\n", "FROM a\nRUN b\nUSER c\n"},
		{"here-document", "FROM a\nRUN <<E\nb  c\nE\n", "FROM a\nRUN <<E\nb 'c'\nE\n"},
		{"file here-document", "FROM a\nCOPY <<E /b\nb  c\nE\n", "FROM a\nCOPY <<E /b\nb c\nE\n"},
		{"form", "FROM a\nCMD [\"b\"]\n", "FROM a\nCMD b\n"},
		{"directive", "# escape=`\nFROM a\n", "# x\n# escape=`\nFROM a\n"},
		{"directive made", "\n# escape=`\nFROM a\n", "# escape=`\nFROM a\n"},
		{"syntax", "# syntax=x\nFROM a\n", "\n# syntax=x\nFROM a\n"},
		{"rest of a command", "FROM a\nRUN if b; then c; fi; d\n", "FROM a\nRUN if b; then c; d; fi;\n"},
	} {
		if Same([]byte(c.before), []byte(c.after), false) == nil {
			t.Errorf("%s: not seen", c.name)
		}
		if err := Same([]byte(c.before), []byte(c.before), true); err != nil {
			t.Errorf("%s: not the same as itself: %v", c.name, err)
		}
	}
	layout := [2]string{"from a as b\nRUN c&&d\n", "FROM a AS b\nRUN c \\\n    && d\n"}
	if err := Same([]byte(layout[0]), []byte(layout[1]), false); err != nil {
		t.Error(err)
	}
	if Same([]byte(layout[0]), []byte(layout[1]), true) == nil {
		t.Error("another shell text is not identical")
	}
}
