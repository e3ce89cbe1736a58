package transform

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/refit-dev/refit/internal/absfs"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

// TestOrderKeepsFiles holds every change of the order transforms in the golden
// cases against an evaluation of both Dockerfiles: the same files in the same
// places from the same sources with the same owners, and every install sees
// what it saw before.
func TestOrderKeepsFiles(t *testing.T) {
	changed := 0
	for _, dir := range []string{"deps-first", "packages-first", "volatile-last"} {
		files, err := filepath.Glob("../../testdata/fix/" + dir + "/*.txtar")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var before, after []byte
			context := fstest.MapFS{}
			for _, f := range ar.Files {
				switch {
				case f.Name == "Dockerfile":
					before = f.Data
				case f.Name == "want":
					after = f.Data
				case strings.HasPrefix(f.Name, "context/"):
					context[strings.TrimPrefix(f.Name, "context/")] = &fstest.MapFile{Data: f.Data}
				}
			}
			if after == nil {
				continue
			}
			changed++
			if strings.HasPrefix(filepath.Base(path), "cargo-") {
				after = withoutStandIn(after)
			}
			if len(context) == 0 {
				context = absfs.Synthetic(before)
			}
			if err := absfs.Compare(before, after, context); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if changed < 50 {
		t.Errorf("only %d changes were checked", changed)
	}
}

// withoutStandIn removes the build with a stand-in for the sources of a crate,
// and the touch of the real ones: what is left must be the build from before.
func withoutStandIn(src []byte) []byte {
	standIn := regexp.MustCompile(`(?m)^RUN .*mkdir -p src && .*cargo build.*\n`)
	touch := regexp.MustCompile(`touch [^&\n]*? (\\\n +)?&& `)
	return touch.ReplaceAll(standIn.ReplaceAll(src, nil), nil)
}

// TestCopyOrigin holds the mapping of package facts against the evaluation:
// for every file that ends up in the image, Tree.Origin names its source.
func TestCopyOrigin(t *testing.T) {
	context := fstest.MapFS{}
	for _, n := range []string{"a.txt", "b.txt", "c.d/x.txt", "src/main.go", "src/lib/x.go", "web/package.json", "web/src/i.js", "skip/me.txt", "keep/me.txt"} {
		context[n] = &fstest.MapFile{Data: []byte(n)}
	}
	context[".dockerignore"] = &fstest.MapFile{Data: []byte("skip\n**/i.js\n")}
	checked := 0
	for _, df := range []string{
		"COPY . /app", "COPY . .", "WORKDIR /w\nCOPY . .", "WORKDIR /w\nCOPY src/ web ./", "COPY a.txt /d/", "COPY a.txt /name", "COPY a.txt b.txt /d/",
		"COPY *.txt /d/", "COPY s*c /s", "COPY src/*.go /g/", "COPY ./web/ /srv/web", "ADD web /srv", "COPY --parents src/lib /p/", "COPY --parents web/./src/ /p", "COPY --parents */*.txt /p/",
		"COPY --exclude=lib src /e", "COPY --exclude=**/*.txt . /e", "COPY a.txt /tmp", "COPY src /one\nCOPY web /one", "COPY . /app\nCOPY a.txt /app/b.txt", "COPY . /\nCOPY src /src",
		"WORKDIR /x\nWORKDIR y\nCOPY a.txt z", "ENV D=/env\nCOPY src $D/", "COPY [\"a.txt\", \"/json dir/\"]", "COPY c.d /c",
	} {
		src := []byte("FROM debian:12\n" + df + "\nRUN true\n")
		stages, err := absfs.Eval(src, context)
		if err != nil {
			t.Errorf("%s: %v", df, err)
			continue
		}
		f, err := parse.Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		fs := facts.New(f, facts.Options{})
		ctx, err := facts.NewContext(context, "")
		if err != nil {
			t.Fatal(err)
		}
		tree := fs.NewCopyIndex(fs.Stages[0], ctx).Tree(fs.Stages[0], len(f.Instructions))
		for p, e := range stages[0].Files {
			want, ok := strings.CutPrefix(e.From, "context:")
			if !ok {
				continue
			}
			checked++
			if got, _, has := tree.Origin(p); has != facts.Yes || got != want {
				t.Errorf("%s: %s comes from %s, Origin says %q (%d)", df, p, want, got, has)
			}
		}
		for _, p := range []string{"/app/skip/me.txt", "/d/c.txt", "/s/none.go", "/e/lib/x.go", "/other", "/app/web/src/i.js", "/p/a.txt"} {
			if _, ok := stages[0].Files[p]; ok {
				continue
			}
			checked++
			if from, _, has := tree.Origin(p); has == facts.Yes {
				t.Errorf("%s: nothing is at %s, Origin says %s", df, p, from)
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d paths were checked", checked)
	}
}
