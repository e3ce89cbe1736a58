package plan

import (
	"strings"
	"testing"
)

// TestSplit has a stage that is cut in two as declared, and everything that
// may go wrong with it, one fault a case.
func TestSplit(t *testing.T) {
	const before = "FROM go AS app\nARG V=1\nENV A=b\nENV GOFLAGS=x\nWORKDIR /src\nLABEL v=$V\nRUN useradd app\nCOPY . .\nRUN go build\nUSER app\nVOLUME /d\nEXPOSE 80\nCMD x"
	copied := SplitPart{Text: "COPY --from=build /src/x /src/"}
	sets := []string{"CMD", "ENV A", "EXPOSE", "LABEL", "USER", "VOLUME", "WORKDIR"}
	split := func(change ...func(*Split)) []Effect {
		e := Split{From: 0, At: 9, Builder: "build", Image: "debian:12-slim", Workdir: "/go", Left: []string{"GOFLAGS"}, Sets: sets,
			Head: []SplitPart{{Instr: 1, Repeat: true}, {Instr: 2, Repeat: true}, {Instr: 4, Repeat: true}, {Instr: 5}, {Instr: 6}, copied}}
		for _, f := range change {
			f(&e)
		}
		return []Effect{e}
	}
	const after = "FROM go AS build\nARG V=1\nENV A=b\nENV GOFLAGS=x\nWORKDIR /src\nCOPY . .\nRUN go build\n\n" +
		"FROM debian:12-slim AS app\nARG V=1\nENV A=b\nWORKDIR /src\nLABEL v=$V\nRUN useradd app\nCOPY --from=build /src/x /src/\nUSER app\nVOLUME /d\nEXPOSE 80\nCMD x"
	edit := func(old, new string) string {
		if !strings.Contains(after, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(after, old, new, 1)
	}
	head := func(parts ...SplitPart) func(*Split) { return func(e *Split) { e.Head = parts } }
	again := func(i int) SplitPart { return SplitPart{Instr: i, Repeat: true} }
	move := func(i int) SplitPart { return SplitPart{Instr: i} }
	for _, c := range []struct {
		name    string
		effects []Effect
		after   string
		ok      bool
	}{
		{"as declared", split(), after, true},
		{"another build step", split(), edit("RUN go build", "RUN go build -v"), false},
		{"a build step goes", split(), edit("COPY . .\n", ""), false},
		{"build steps change places", split(), edit("COPY . .\nRUN go build", "RUN go build\nCOPY . ."), false},
		{"another copy", split(), edit("/src/x /src/", "/src /src/"), false},
		{"a copy from elsewhere", split(), edit("--from=build", "--from=other"), false},
		{"another image", split(), edit("debian:12-slim", "alpine"), false},
		{"the target's name goes", split(), edit(" AS app", ""), false},
		{"another command", split(), edit("CMD x", "CMD y"), false},
		{"a port goes", split(), edit("EXPOSE 80\n", ""), false},
		{"the user goes", split(), edit("USER app\n", ""), false},
		{"a label goes", split(), edit("LABEL v=$V\n", ""), false},
		{"a label without its variable", split(head(again(2), again(4), move(5), move(6), copied)), edit("app\nARG V=1\n", "app\n"), false},
		{"a RUN without its variables", split(head(again(2), again(4), move(6), again(1), move(5), copied)),
			edit("app\nARG V=1\nENV A=b\nWORKDIR /src\nLABEL v=$V\nRUN useradd app\n", "app\nENV A=b\nWORKDIR /src\nRUN useradd app\nARG V=1\nLABEL v=$V\n"), false},
		{"an ENV that is not left", split(func(e *Split) { e.Left = nil }), after, false},
		{"an ENV that stays", split(head(again(1), again(4), move(5), move(6), copied), func(e *Split) {
			e.Left, e.Sets = []string{"GOFLAGS", "A"}, []string{"CMD", "EXPOSE", "LABEL", "USER", "VOLUME", "WORKDIR"}
		}), edit("app\nARG V=1\nENV A=b", "app\nARG V=1"), true},
		{"another working directory", split(head(again(1), again(2), move(5), move(6), copied)), edit("ENV A=b\nWORKDIR /src\nLABEL", "ENV A=b\nLABEL"), false},
		{"the working directory written out", split(head(again(1), again(2), SplitPart{Text: "WORKDIR /src"}, move(5), move(6), copied), func(e *Split) { e.Sets = []string{"CMD", "ENV A", "EXPOSE", "LABEL", "USER", "VOLUME"} }), after, true},
		{"another list of what it sets", split(func(e *Split) { e.Sets = append(e.Sets, "ZZZ") }), after, false},
		{"a working directory that is not the old one", split(head(again(1), again(2), SplitPart{Text: "WORKDIR /x"}, move(5), move(6), copied)), edit("ENV A=b\nWORKDIR /src\nLABEL", "ENV A=b\nWORKDIR /x\nLABEL"), false},
		{"a label stays in the builder", split(head(again(1), again(2), again(4), move(6), copied)), edit("LABEL v=$V\n", ""), false},
		{"a label in both", split(head(again(1), again(2), again(4), again(5), move(6), copied)), edit("WORKDIR /src\nCOPY", "WORKDIR /src\nLABEL v=$V\nCOPY"), false},
		{"a new RUN", split(head(again(1), again(2), again(4), move(5), move(6), copied, SplitPart{Text: "RUN rm -rf /"})), edit("USER app", "RUN rm -rf /\nUSER app"), false},
		{"a new copy from the context", split(head(again(1), again(2), again(4), move(5), move(6), SplitPart{Text: "COPY x /src/"})), edit("COPY --from=build /src/x /src/", "COPY x /src/"), false},
		{"a new relative working directory", split(head(again(1), again(2), again(4), move(5), move(6), copied, SplitPart{Text: "WORKDIR x"})), edit("USER app", "WORKDIR x\nUSER app"), false},
		{"a builder with the stage's name", split(func(e *Split) { e.Builder = "app" }), edit("AS build", "AS app"), false},
		{"no such instruction", split(head(move(42))), after, false},
		{"with another change", append(split(), Append{8, false, "rm y"}), edit("RUN go build", "RUN go build && rm y"), true},
		{"with another change that is not made", append(split(), Append{8, false, "rm y"}), after, false},
	} {
		got := Compare(build(t, before), build(t, c.after), c.effects)
		if (got.Grade == Declared) != c.ok {
			t.Errorf("%s: %v %v, want ok %v", c.name, got.Grade, got.Differences, c.ok)
		}
	}
	for _, c := range []struct{ name, before, after string }{
		{"not the last stage", "FROM a\nCMD x\nFROM b", "FROM a AS build\nFROM debian:12-slim\nCMD x\nFROM b"},
		{"a platform that is a variable", "FROM --platform=$P a\nCMD x", "FROM --platform=$P a AS build\nFROM --platform=$P debian:12-slim\nCMD x"},
		{"ONBUILD", "FROM a\nONBUILD RUN x", "FROM a AS build\nFROM debian:12-slim\nONBUILD RUN x"},
	} {
		got := Compare(build(t, c.before), build(t, c.after), []Effect{Split{From: 0, At: 1, Builder: "build", Image: "debian:12-slim", Workdir: "/"}})
		if got.Grade != Different {
			t.Errorf("%s: %v", c.name, got.Grade)
		}
	}
}
