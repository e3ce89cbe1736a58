package main

import "testing"

func TestSame(t *testing.T) {
	const before = "FROM debian:12 AS a\nRUN b && c\nENV D=e\nFROM a\nCOPY --from=a /x /y\nCMD f && g\nONBUILD RUN h && i\n"
	for _, c := range []struct {
		after string
		same  bool
	}{
		{before, true},
		{"FROM debian:12 AS a\nRUN b \\\n && c\nENV D=e\nFROM a\nCOPY --from=a /x /y\nCMD f   && g\nONBUILD RUN h   && i\n", true},
		{"FROM debian:12 AS a\nRUN b ; c\nENV D=e\nFROM a\nCOPY --from=a /x /y\nCMD f && g\nONBUILD RUN h && i\n", false},
		{"FROM debian:12 AS a\nRUN b && c\nENV D=f\nFROM a\nCOPY --from=a /x /y\nCMD f && g\nONBUILD RUN h && i\n", false},
		{"FROM debian:12 AS a\nRUN b && c\nENV D=e\nFROM a\nCOPY --from=a /x /z\nCMD f && g\nONBUILD RUN h && i\n", false},
		{"FROM debian:12 AS a\nRUN b && c\nENV D=e\nFROM a\nCOPY --from=a /x /y\nCMD f || g\nONBUILD RUN h && i\n", false},
		{"FROM debian:12 AS a\nRUN b && c\nENV D=e\nFROM a\nCOPY --from=a /x /y\nCMD f && g\nONBUILD RUN h ; i\n", false},
	} {
		a, err := build([]byte(before))
		if err != nil {
			t.Fatal(err)
		}
		b, err := build([]byte(c.after))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := same(a, b, false); (err == nil) != c.same {
			t.Errorf("same = %v for:\n%s", err, c.after)
		}
	}
}
