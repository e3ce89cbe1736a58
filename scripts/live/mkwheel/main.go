// Command mkwheel makes a Python wheel from the files of an unpacked Debian python3-* package, so that `pip install`
// has something to install on a machine that reaches Debian's mirror and not PyPI.
//
//	mkwheel DIST_PACKAGES OUT [REQUIREMENT…]
//
// Debian's packages do not say what they require (that became dependencies of the package), so it is given. DIST_PACKAGES is the folder usr/lib/python3/dist-packages of the unpacked package; the wheel is written to
// OUT/NAME/ beside an index.html, which makes OUT a simple repository
// (https://packaging.python.org/en/latest/specifications/simple-repository-api/).
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: mkwheel DIST_PACKAGES OUT [REQUIREMENT…]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "mkwheel:", err)
		os.Exit(1)
	}
}

func run(dist, out string, requires []string) error {
	metas, err := filepath.Glob(filepath.Join(dist, "*-info"))
	if err != nil {
		return err
	}
	if len(metas) != 1 {
		return fmt.Errorf("%s: %d *.egg-info or *.dist-info folders, want 1", dist, len(metas))
	}
	meta, err := metadata(metas[0], requires)
	if err != nil {
		return err
	}
	name, version := field(meta, "Name"), field(meta, "Version")
	if name == "" || version == "" {
		return fmt.Errorf("%s: no Name or Version", metas[0])
	}
	stem := strings.ReplaceAll(strings.ReplaceAll(name, "-", "_"), ".", "_") + "-" + version
	info := stem + ".dist-info/"

	files := map[string][]byte{info + "METADATA": meta}
	tag := "py3-none-any"
	err = filepath.WalkDir(dist, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dist, path)
		if path == metas[0] && !d.IsDir() {
			return nil
		}
		if d.IsDir() {
			if path == metas[0] || d.Name() == "__pycache__" {
				return filepath.SkipDir
			}
			return nil
		}
		data, err := os.ReadFile(path) // follows links: Debian links some data files elsewhere
		if os.IsNotExist(err) {
			return nil // a link to a file of another package
		}
		if err != nil {
			return err
		}
		if strings.HasSuffix(rel, ".so") {
			tag = "cp311-cp311-linux_x86_64"
		}
		files[filepath.ToSlash(rel)] = data
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range []string{"entry_points.txt", "top_level.txt"} {
		if data, err := os.ReadFile(filepath.Join(metas[0], f)); err == nil {
			files[info+f] = data
		}
	}
	files[info+"WHEEL"] = []byte("Wheel-Version: 1.0\nGenerator: mkwheel\nRoot-Is-Purelib: true\nTag: " + tag + "\n")

	dir := filepath.Join(out, normal(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	wheel := stem + "-" + tag + ".whl"
	if err := os.WriteFile(filepath.Join(dir, wheel), pack(files, info+"RECORD"), 0o644); err != nil {
		return err
	}
	index := fmt.Sprintf("<!DOCTYPE html><title>%s</title><a href=\"%s\">%s</a>\n", name, wheel, wheel)
	return os.WriteFile(filepath.Join(dir, "index.html"), []byte(index), 0o644)
}

// normal is a project name as it stands in a repository's addresses (PEP 503).
func normal(name string) string {
	return strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(name, "-"))
}

// pack returns a zip of the files, in order of name and without times, and their RECORD.
func pack(files map[string][]byte, record string) []byte {
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	var list, buf bytes.Buffer
	for _, n := range names {
		sum := sha256.Sum256(files[n])
		fmt.Fprintf(&list, "%s,sha256=%s,%d\n", n, base64.RawURLEncoding.EncodeToString(sum[:]), len(files[n]))
	}
	fmt.Fprintf(&list, "%s,,\n", record)
	files[record] = list.Bytes()
	z := zip.NewWriter(&buf)
	for _, n := range append(names, record) {
		w, err := z.Create(n)
		if err == nil {
			_, err = w.Write(files[n])
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// metadata reads METADATA or PKG-INFO and adds the requirements.
func metadata(info string, requires []string) ([]byte, error) {
	data, err := os.ReadFile(info) // an egg-info may be a single file
	for _, name := range []string{"METADATA", "PKG-INFO"} {
		if err == nil {
			break
		}
		data, err = os.ReadFile(filepath.Join(info, name))
	}
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(data, []byte("\n\n"))
	for _, r := range requires {
		head = append(head[:len(head):len(head)], "\nRequires-Dist: "+r...)
	}
	return slices.Concat(head, []byte("\n\n"), body), nil
}

// field returns the value of a header.
func field(meta []byte, name string) string {
	for s := bufio.NewScanner(bytes.NewReader(meta)); s.Scan() && s.Text() != ""; {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
