package parse

import "testing"

func TestTypedCheckComment(t *testing.T) {
	f, err := Parse([]byte("FROM a\n\n# check=skip=x\nRUN b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Typed(f.Instructions[1].Node); err != nil {
		t.Error(err)
	}
}
