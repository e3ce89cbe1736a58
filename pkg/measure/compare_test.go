package measure

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// file is an entry of a layer that a test makes.
type file struct {
	name, body, link string
	mode             int64 // 0: 0644, folders 0755
	uid, gid         int
	kind             byte // 0: by name and link: folder with a slash at its end, symlink with a link, else a file
	xattr            map[string]string
	time             int64
}

func layerTar(t *testing.T, files []file) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Uid: f.uid, Gid: f.gid, Size: int64(len(f.body)), Typeflag: f.kind, Linkname: f.link,
			ModTime: time.Unix(f.time, 0), Format: tar.FormatPAX}
		switch {
		case f.kind != 0:
		case strings.HasSuffix(f.name, "/"):
			h.Typeflag = tar.TypeDir
		case f.link != "":
			h.Typeflag = tar.TypeSymlink
		default:
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if h.Typeflag == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		for k, v := range f.xattr {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords["SCHILY.xattr."+k] = v
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// layout writes an OCI layout with the layers, each compressed in another way, and returns its folder.
func layout(t *testing.T, cfg ContainerConfig, layers ...[]file) string {
	t.Helper()
	dir := t.TempDir()
	put := func(data []byte) string {
		sum := sha256.Sum256(data)
		name := hex.EncodeToString(sum[:])
		p := filepath.Join(dir, "blobs", "sha256", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return "sha256:" + name
	}
	config := Config{Architecture: "amd64", OS: "linux", Config: cfg}
	man := manifest{}
	for i, files := range layers {
		plain := layerTar(t, files)
		var z bytes.Buffer
		switch i % 3 {
		case 0:
			w := gzip.NewWriter(&z)
			_, _ = w.Write(plain)
			w.Close()
		case 1:
			w, err := zstd.NewWriter(&z)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(plain)
			w.Close()
		default:
			z.Write(plain)
		}
		man.Layers = append(man.Layers, descriptor{Digest: put(z.Bytes())})
	}
	js := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	man.Config.Digest = put(js(config))
	index := manifest{Manifests: []descriptor{{Digest: put(js(man))}}}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), js(index), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, path string) *Image {
	t.Helper()
	m, err := new(Reader).Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// got lists the differences as "class: text", without reasons.
func got(t *testing.T, a, b string, want Expectation) []string {
	t.Helper()
	c, err := Compare(read(t, a), read(t, b), want)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range c.Differences {
		if (d.Reason == "") != (d.Class == Unexpected) {
			t.Errorf("%v has reason %q", d, d.Reason)
		}
		d.Reason = ""
		out = append(out, d.Class.String()+": "+d.String())
	}
	return out
}

func wantDiff(t *testing.T, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

var base = []file{
	{name: "etc/"}, {name: "etc/passwd", body: "root:x:0:0\n"},
	{name: "usr/"}, {name: "usr/bin/"}, {name: "usr/bin/tool", body: "tool", mode: 0o755},
	{name: "bin", link: "usr/bin"},
	{name: "app/", uid: 10, gid: 10}, {name: "app/main.js", body: "one\ntwo\n", uid: 10, gid: 10},
	{name: "app/cur", link: "main.js"},
}

func TestSameImage(t *testing.T) {
	// The same files in other layers, at other times, in another order.
	split := [][]file{base[:4], append([]file{{name: "app/"}, {name: "app/old", body: "x"}}, base[4:6]...), append([]file{{name: "app/.wh.old"}}, base[6:]...)}
	for i := range split[2] {
		split[2][i].time = 1700000000
	}
	wantDiff(t, got(t, layout(t, ContainerConfig{}, base), layout(t, ContainerConfig{}, split...), Expectation{}))
}

// The faults that a wrong rewrite would plant in an image.
func TestFaults(t *testing.T) {
	change := func(name string, f func(*file)) []file {
		out := append([]file(nil), base...)
		for i := range out {
			if out[i].name == name {
				f(&out[i])
				return out
			}
		}
		t.Fatalf("no %s", name)
		return nil
	}
	for _, tt := range []struct {
		name  string
		files []file
		want  string
	}{
		{"mode", change("usr/bin/tool", func(f *file) { f.mode = 0o644 }), "/usr/bin/tool: mode 0755 → 0644"},
		{"setuid", change("usr/bin/tool", func(f *file) { f.mode = 0o4755 }), "/usr/bin/tool: mode 0755 → 4755"},
		{"owner", change("app/main.js", func(f *file) { f.uid = 0 }), "/app/main.js: owner 10:10 → 0:10"},
		{"folder's owner", change("app/", func(f *file) { f.uid, f.gid = 0, 0 }), "/app: owner 10:10 → 0:0"},
		{"folder's mode", change("app/", func(f *file) { f.mode = 0o700 }), "/app: mode 0755 → 0700"},
		{"content", change("app/main.js", func(f *file) { f.body = "one\nTWO\n" }), `/app/main.js: content line 2 "two" → "TWO"`},
		{"binary", change("usr/bin/tool", func(f *file) { f.body = "to\x00l" }), "/usr/bin/tool: content 4 bytes → 4 bytes"},
		{"link", change("app/cur", func(f *file) { f.link = "/app/main.js" }), "/app/cur: link main.js → /app/main.js"},
		{"type", change("app/cur", func(f *file) { f.link, f.body = "", "one\ntwo\n" }), "/app/cur: type link to main.js → file of 8 bytes"},
		{"xattr", change("usr/bin/tool", func(f *file) { f.xattr = map[string]string{"security.capability": "\x01"} }), "/usr/bin/tool: xattrs {} → {security.capability=01}"},
		{"lost file", base[:len(base)-1], "/app/cur: missing (was link to main.js)"},
		{"new file", append(append([]file(nil), base...), file{name: "app/new", body: "1"}), "/app/new: added (now file of 1 bytes)"},
		{"device", append(append([]file(nil), base...), file{name: "dev/null", kind: tar.TypeChar}), "/dev: added (now folder)\nunexpected: /dev/null: added (now character device)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantDiff(t, got(t, layout(t, ContainerConfig{}, base), layout(t, ContainerConfig{}, tt.files), Expectation{}), "unexpected: "+tt.want)
		})
	}
}

func TestConfigFaults(t *testing.T) {
	full := ContainerConfig{
		User: "app", Env: []string{"PATH=/bin", "A=1"}, Cmd: []string{"sh"}, Entrypoint: []string{"run"}, WorkingDir: "/app",
		Labels: map[string]string{"v": "1"}, ExposedPorts: map[string]struct{}{"80/tcp": {}}, Volumes: map[string]struct{}{"/data": {}},
		Healthcheck: &Healthcheck{Test: []string{"CMD", "x"}}, StopSignal: "SIGINT", Shell: []string{"/bin/bash", "-c"}, OnBuild: []string{"RUN x"},
	}
	a := layout(t, full, base)
	reordered := full
	reordered.Env = []string{"A=0", "A=1", "PATH=/bin"}
	wantDiff(t, got(t, a, layout(t, reordered, base), Expectation{}))
	for _, tt := range []struct {
		change func(*ContainerConfig)
		want   string
	}{
		{func(c *ContainerConfig) { c.User = "" }, "config User: missing (was app)"},
		{func(c *ContainerConfig) { c.Env = c.Env[:1] }, `config Env A: missing (was "1")`},
		{func(c *ContainerConfig) { c.Env = []string{"PATH=/bin", "A=2"} }, `config Env A: value "1" → "2"`},
		{func(c *ContainerConfig) { c.Cmd = nil }, `config Cmd: missing (was ["sh"])`},
		{func(c *ContainerConfig) { c.Entrypoint = []string{"/bin/sh", "-c", "run"} }, `config Entrypoint: value ["run"] → ["/bin/sh" "-c" "run"]`},
		{func(c *ContainerConfig) { c.WorkingDir = "/" }, "config WorkingDir: value /app → /"},
		{func(c *ContainerConfig) { c.Labels = map[string]string{"v": "1", "w": ""} }, `config Label w: added (now "")`},
		{func(c *ContainerConfig) { c.ExposedPorts = nil }, `config ExposedPorts 80/tcp: missing (was "")`},
		{func(c *ContainerConfig) { c.Volumes = nil }, `config Volumes /data: missing (was "")`},
		{func(c *ContainerConfig) { c.Healthcheck = nil }, `config Healthcheck: missing (was ["CMD" "x"] interval=0s timeout=0s start-period=0s start-interval=0s retries=0)`},
		{func(c *ContainerConfig) { c.StopSignal = "" }, "config StopSignal: missing (was SIGINT)"},
		{func(c *ContainerConfig) { c.Shell = nil }, `config Shell: missing (was ["/bin/bash" "-c"])`},
		{func(c *ContainerConfig) { c.OnBuild = nil }, `config OnBuild: missing (was ["RUN x"])`},
	} {
		c := full
		tt.change(&c)
		wantDiff(t, got(t, a, layout(t, c, base), Expectation{}), "unexpected: "+tt.want)
	}
	c := full
	c.Labels = map[string]string{"v": "2", "w": "x"}
	c.Cmd = nil
	wantDiff(t, got(t, a, layout(t, c, base), Expectation{Config: []string{"Label w", "Cmd"}}),
		`declared: config Cmd: missing (was ["sh"])`, `unexpected: config Label v: value "1" → "2"`, `declared: config Label w: added (now "x")`)
}

func TestNoiseAndCaches(t *testing.T) {
	with := func(extra ...file) string {
		return layout(t, ContainerConfig{}, append(append([]file(nil), base...), extra...))
	}
	a := with(
		file{name: "var/lib/apt/lists/"}, file{name: "var/lib/apt/lists/deb_Packages", body: "lists"},
		file{name: "var/log/dpkg.log", body: "at one"}, file{name: "var/log/app/"},
		file{name: "root/.cache/pip/http/a", body: "wheel"}, file{name: "root/.npm/_cacache/x", body: "x"},
		file{name: "tmp/", mode: 0o1777}, file{name: "tmp/src.tar.gz", body: "archive"},
		file{name: "etc/machine-id", body: "1"}, file{name: "app/__pycache__/m.pyc", body: "1"},
		file{name: "etc/shadow", body: "root:*:19000:0:99999\nu:!:19000:0\n"},
		file{name: "var/lib/dpkg/status", body: "Package: b\nVersion: 1\n\nPackage: a\nVersion: 1\n"},
	)
	b := with(
		file{name: "var/lib/apt/lists/"}, file{name: "var/log/dpkg.log", body: "at two"}, file{name: "root/"}, file{name: "tmp/", mode: 0o755},
		file{name: "etc/machine-id", body: "2", mode: 0o600}, file{name: "app/__pycache__/m.pyc", body: "2"},
		file{name: "etc/shadow", body: "root:*:19001:0:99999\nu:!:19001:0\n"},
		file{name: "var/lib/dpkg/status", body: "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n\n"},
	)
	wantDiff(t, got(t, a, b, Expectation{}),
		"benign: /app/__pycache__/m.pyc: content 1 bytes → 1 bytes",
		"unexpected: /etc/machine-id: mode 0644 → 0600",
		"benign: /etc/machine-id: content 1 bytes → 1 bytes",
		"declared: /root/.cache: missing (was folder)",
		"declared: /root/.cache/pip: missing (was folder)",
		"declared: /root/.cache/pip/http: missing (was folder)",
		"declared: /root/.cache/pip/http/a: missing (was file of 5 bytes)",
		"declared: /root/.npm: missing (was folder)",
		"declared: /root/.npm/_cacache: missing (was folder)",
		"declared: /root/.npm/_cacache/x: missing (was file of 1 bytes)",
		"unexpected: /tmp: mode 1777 → 0755",
		"declared: /tmp/src.tar.gz: missing (was file of 7 bytes)",
		"declared: /var/lib/apt/lists/deb_Packages: missing (was file of 5 bytes)",
		"unexpected: /var/log/app: missing (was folder)",
		"benign: /var/log/dpkg.log: content 6 bytes → 6 bytes",
	)
	// A password that changed is not the day of a change.
	c := with(file{name: "etc/shadow", body: "root:*:19000:0:99999\n"})
	d := with(file{name: "etc/shadow", body: "root:secret:19001:0:99999\n"})
	wantDiff(t, got(t, c, d, Expectation{}), `unexpected: /etc/shadow: content line 1 "root:*:19000:0:99999" → "root:secret:19001:0:99999"`)
}

func TestCacheFolderWithOtherFiles(t *testing.T) {
	a := layout(t, ContainerConfig{}, []file{{name: "root/.cache/pip/a", body: "a"}, {name: "root/.cache/mine/settings", body: "b"}})
	b := layout(t, ContainerConfig{}, []file{{name: "root/"}})
	wantDiff(t, got(t, a, b, Expectation{}),
		"unexpected: /root/.cache: missing (was folder)",
		"unexpected: /root/.cache/mine: missing (was folder)",
		"unexpected: /root/.cache/mine/settings: missing (was file of 1 bytes)",
		"declared: /root/.cache/pip: missing (was folder)",
		"declared: /root/.cache/pip/a: missing (was file of 1 bytes)")
}

func TestPackagesGone(t *testing.T) {
	status := func(names ...string) string {
		s := ""
		for _, n := range names {
			s += "Package: " + n + "\nStatus: install ok installed\n\n"
		}
		return s
	}
	all := []file{
		{name: "var/lib/dpkg/status", body: status("main", "extra")},
		{name: "var/lib/dpkg/info/main.list", body: "/.\n/usr\n/usr/share\n/usr/share/main\n/bin/main\n"},
		{name: "var/lib/dpkg/info/extra.list", body: "/.\n/usr\n/usr/share/extra\n/lib/extra.so\n"},
		{name: "usr/share/main", body: "m"}, {name: "usr/bin/main", body: "m"}, {name: "usr/share/extra", body: "e"}, {name: "usr/lib/extra.so", body: "e"},
		{name: "etc/group", body: "root\nextra\nz\n"}, {name: "etc/extra.conf", body: "c"}, {name: "opt/app/data", body: "d"},
	}
	kept := func(change func([]file) []file) string {
		out := []file{{name: "var/lib/dpkg/status", body: status("main")}, all[1], all[3], all[4], {name: "etc/group", body: "root\nz\n"}, all[9], {name: "usr/lib/"}}
		return layout(t, ContainerConfig{}, change(out))
	}
	same := func(f []file) []file { return f }
	a := layout(t, ContainerConfig{}, all)
	list := got(t, a, kept(same), Expectation{Packages: true})
	if len(list) != 6 {
		t.Errorf("%d differences, want 6: %q", len(list), list)
	}
	for _, d := range list {
		if !strings.HasPrefix(d, "declared: ") {
			t.Errorf("got %s, want it declared", d)
		}
	}
	for _, d := range got(t, a, kept(same), Expectation{}) {
		if !strings.HasPrefix(d, "unexpected: ") {
			t.Errorf("without the declaration: got %s, want it unexpected", d)
		}
	}
	// What the packages that are gone do not explain.
	for i, change := range []func([]file) []file{
		func(f []file) []file { f[2].body = "changed"; return f },
		func(f []file) []file { return append(f[:3:3], f[4:]...) },                  // /usr/bin/main of a package that stayed
		func(f []file) []file { f[4].body = "root\nZ\n"; return f },                 // a line that changed
		func(f []file) []file { return append(f[:5:5], f[6]) },                      // /opt/app/data
		func(f []file) []file { return append(f, file{name: "etc/new", body: ""}) }, // something new
	} {
		bad := 0
		for _, d := range got(t, a, kept(change), Expectation{Packages: true}) {
			if strings.HasPrefix(d, "unexpected: ") {
				bad++
			}
		}
		if bad == 0 {
			t.Errorf("change %d is not noticed", i)
		}
	}
}

func TestLayers(t *testing.T) {
	m := read(t, layout(t, ContainerConfig{},
		[]file{{name: "a/x", body: "12345"}, {name: "a/y", body: "1"}, {name: "l", link: "a"}, {name: "b/deep/f", body: "1"}, {name: "c", body: "file"}},
		[]file{{name: "a/.wh.x"}, {name: "a/z", body: "zz"}, {name: "l/through", body: "link"}, {name: "b/.wh..wh..opq"}, {name: "b/g", body: "g"}, {name: "c/"}, {name: "c/d", body: "d"}},
		[]file{{name: "./h", kind: tar.TypeLink, link: "./a/y"}},
	))
	var names []string
	for name, n := range m.Files() {
		if n.Type == tar.TypeReg {
			names = append(names, fmt.Sprintf("%s=%d", name, n.Size))
		}
	}
	want := map[string]bool{"a/y=1": true, "a/z=2": true, "a/through=4": true, "b/g=1": true, "c/d=1": true, "h=1": true}
	for _, n := range names {
		if !want[n] {
			t.Errorf("unexpected %s", n)
		}
		delete(want, n)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if m.Size() != 5+1+1+4+2+4+1+1 {
		t.Errorf("size %d", m.Size())
	}
	for i, l := range m.Layers {
		if l.Compressed == 0 || l.Uncompressed <= l.Content || l.DiffID == "" {
			t.Errorf("layer %d: %+v", i, l)
		}
	}
	data, err := m.Contents([]string{"h", "a/through", "a/x", "nothing"})
	if err != nil || string(data["h"]) != "1" || string(data["a/through"]) != "link" || len(data) != 2 {
		t.Errorf("contents %q, %v", data, err)
	}
}

func TestReadErrors(t *testing.T) {
	dir := layout(t, ContainerConfig{}, base)
	blobs, _ := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	for _, b := range blobs {
		data, err := os.ReadFile(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(b, data[:len(data)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := new(Reader).Read(dir); err == nil {
			t.Errorf("%s is cut in half, and no error", filepath.Base(b))
		}
		if err := os.WriteFile(b, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := new(Reader).Read(filepath.Join(dir, "index.json")); err == nil {
		t.Error("a JSON file is no image")
	}
	if _, err := new(Reader).Read(filepath.Join(dir, "absent")); err == nil {
		t.Error("no error for a file that does not exist")
	}
	loop := layout(t, ContainerConfig{}, []file{{name: "x", link: "y"}, {name: "y", link: "x"}, {name: "x/f", body: "1"}})
	if _, err := new(Reader).Read(loop); err == nil {
		t.Error("no error for a loop of links")
	}
}

// The archives that docker image save writes: an OCI layout in a tar, and manifest.json with layers by path.
func TestArchives(t *testing.T) {
	dir := layout(t, ContainerConfig{Cmd: []string{"x"}}, base)
	var oci []file
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		data, err := os.ReadFile(p)
		oci = append(oci, file{name: filepath.ToSlash(rel), body: string(data)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	config, _ := json.Marshal(Config{Architecture: "amd64", OS: "linux", Config: ContainerConfig{Cmd: []string{"x"}}})
	old := []file{
		{name: "manifest.json", body: `[{"Config":"abc.json","RepoTags":["x:1"],"Layers":["one/layer.tar"]}]`},
		{name: "abc.json", body: string(config)},
		{name: "one/layer.tar", link: "../two/layer.tar"},
		{name: "two/layer.tar", body: string(layerTar(t, base))},
	}
	for name, files := range map[string][]file{"oci": oci, "old": old} {
		p := filepath.Join(t.TempDir(), name+".tar")
		if err := os.WriteFile(p, layerTar(t, files), 0o644); err != nil {
			t.Fatal(err)
		}
		wantDiff(t, got(t, dir, p, Expectation{}))
		if m := read(t, p); m.Compressed() == 0 || m.Compressed() >= m.Layers[0].Uncompressed {
			t.Errorf("%s: compressed %d", name, m.Compressed())
		}
	}
}
