package measure

import (
	"slices"
	"testing"

	"github.com/refit-dev/refit/pkg/plan"
	"github.com/refit-dev/refit/pkg/transform"
)

func TestExpect(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change transform.Change
		config []string
		paths  []string
		pkgs   bool
		subset bool
	}{
		{"merge", transform.Change{Safety: transform.Safe, Effects: []plan.Effect{plan.Merge{Instrs: []int{1, 2}}}}, nil, nil, false, false},
		{"rm", transform.Change{Safety: transform.Safe, Effects: []plan.Effect{plan.Append{Text: `rm -rf "/tmp/a b" x.tgz /opt/*.tar $DIR`}}}, nil,
			[]string{"tmp/a b", "tmp/a b/**", "**/x.tgz", "**/x.tgz/**", "opt/*.tar", "opt/*.tar/**"}, false, false},
		{"safe command", transform.Change{Safety: transform.Safe, Effects: []plan.Effect{plan.Command{Text: "apt-get install --no-install-recommends x"}}}, nil, nil, false, false},
		{"no recommends", transform.Change{Safety: transform.Unsafe, Effects: []plan.Effect{plan.Command{Text: "apt-get install --no-install-recommends x"}}}, nil, nil, true, false},
		{"maintainer", transform.Change{Safety: transform.Safe, Before: "MAINTAINER a", Effects: []plan.Effect{plan.Replace{Text: `LABEL x.authors="a"`}}}, []string{"Label x.authors", "author"}, nil, false, false},
		{"label again", transform.Change{Safety: transform.Safe, Before: "LABEL a b c", Effects: []plan.Effect{plan.Replace{Text: `LABEL a="b c"`}}}, nil, nil, false, false},
		{"label updated", transform.Change{Safety: transform.Safe, Before: "LABEL a=1 b=2", Effects: []plan.Effect{plan.Replace{Text: "LABEL a=1 b=3"}}}, []string{"Label b"}, nil, false, false},
		{"label added", transform.Change{Safety: transform.Safe, Effects: []plan.Effect{plan.Insert{Text: "LABEL a=1 b=2"}}}, []string{"Label a", "Label b"}, nil, false, false},
		{"env", transform.Change{Safety: transform.Safe, Before: "ENV a b", Effects: []plan.Effect{plan.Replace{Text: "ENV a=c"}}}, nil, nil, false, false},
		{"safe cmd", transform.Change{Safety: transform.Safe, Before: "CMD a", Effects: []plan.Effect{plan.Replace{Text: `CMD ["a"]`}}}, nil, nil, false, false},
		{"exec form", transform.Change{Safety: transform.Unsafe, Before: "CMD a", Effects: []plan.Effect{plan.Replace{Text: `CMD ["a"]`}}}, []string{"Cmd"}, nil, false, false},
		{"base", transform.Change{Safety: transform.Unsafe, Before: "FROM python", Effects: []plan.Effect{plan.Replace{Text: "FROM python:slim"}}}, nil, nil, false, true},
		{"safe owner", transform.Change{Safety: transform.Safe, Effects: []plan.Effect{plan.Replace{Text: "COPY --chown=1:2 a /b/c"}}}, nil, nil, false, false},
	} {
		got := Expect([]transform.Change{tt.change})
		if !slices.Equal(got.Config, tt.config) || !slices.Equal(got.Paths, tt.paths) || got.Packages != tt.pkgs || got.Subset != tt.subset {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// COPY --chown gives the folders that it makes to the owner, too.
func TestExpectOwners(t *testing.T) {
	got := Expect([]transform.Change{{Safety: transform.Unsafe, Effects: []plan.Effect{
		plan.Replace{Text: "COPY --chown=1:2 a.sh /srv/x/bin/a.sh"}, plan.Replace{Text: "COPY --chown=1:2 a dir/b"}, plan.Replace{Text: "COPY c /d/e"},
	}}})
	if want := []string{"srv/x/bin", "srv/x", "srv", "**/dir"}; !slices.Equal(got.Owners, want) {
		t.Errorf("got %q, want %q", got.Owners, want)
	}
	a := layout(t, ContainerConfig{}, []file{{name: "srv/"}, {name: "srv/x/"}, {name: "srv/x/f", body: "1"}, {name: "opt/"}})
	b := layout(t, ContainerConfig{}, []file{{name: "srv/"}, {name: "srv/x/", uid: 1, gid: 2}, {name: "srv/x/f", body: "1"}, {name: "opt/", uid: 1, gid: 2}})
	c, err := Compare(read(t, a), read(t, b), got)
	if err != nil || len(c.Of(Declared)) != 1 || len(c.Of(Unexpected)) != 1 || c.Of(Unexpected)[0].Path != "/opt" {
		t.Errorf("%v %v", c, err)
	}
}

// A stage that is split may lose what nobody copies, and keeps what is copied and what it sets itself.
func TestExpectSplit(t *testing.T) {
	got := Expect([]transform.Change{{Safety: transform.Unsafe, Effects: []plan.Effect{plan.Split{
		Head: []plan.SplitPart{{Instr: 1}, {Text: "WORKDIR /go/src/app"}, {Text: "COPY --from=build /go/src/app/x /go/src/app/y /go/src/app/"}, {Text: "COPY --from=build /go/bin/z /usr/local/bin/"}, {Text: "COPY --from=build /data /data"}},
		Sets: []string{"CMD", "ENV PORT", "USER"},
	}}}})
	if want := []string{"go/src/app/x", "go/src/app/y", "data"}; !slices.Equal(got.Kept, want) {
		t.Errorf("kept %q, want %q", got.Kept, want)
	}
	before := ContainerConfig{Cmd: []string{"x"}, User: "app", WorkingDir: "/go/src/app", Entrypoint: []string{"e"}, Env: []string{"PORT=1", "GOPATH=/go", "PATH=/go/bin"}}
	after := ContainerConfig{Cmd: []string{"y"}, User: "app", WorkingDir: "/go/src/app", Env: []string{"PORT=2", "PATH=/bin"}}
	a := layout(t, before, []file{{name: "go/", mode: 0o1777}, {name: "go/src/", mode: 0o1777}, {name: "go/src/app/"}, {name: "go/src/app/x", body: "1"}, {name: "go/src/app/y", body: "1"}, {name: "go/src/app/main.go", body: "1"},
		{name: "go/bin/"}, {name: "go/bin/z", body: "1"}, {name: "data/"}, {name: "data/f", body: "1"}, {name: "opt/", mode: 0o700}})
	b := layout(t, after, []file{{name: "go/"}, {name: "go/src/"}, {name: "go/src/app/"}, {name: "go/src/app/x", body: "2"}, {name: "usr/"}, {name: "usr/local/"}, {name: "usr/local/bin/"}, {name: "usr/local/bin/z", body: "1"}, {name: "data/"}, {name: "opt/"}})
	c, err := Compare(read(t, a), read(t, b), got)
	if err != nil {
		t.Fatal(err)
	}
	var unexpected []string
	for _, d := range c.Of(Unexpected) {
		if d.Path != "/usr" && d.Path != "/usr/local" && d.Path != "/usr/local/bin" { // any real image has them
			unexpected = append(unexpected, d.Path+d.Config+" "+d.What)
		}
	}
	if want := []string{"/data/f missing", "/go/src/app/x content", "/go/src/app/y missing", "/opt mode", "Env PORT value", "Cmd value"}; !slices.Equal(unexpected, want) {
		t.Errorf("unexpected %q, want %q", unexpected, want)
	}
}
