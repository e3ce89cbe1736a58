package facts

import (
	"encoding/xml"
	"path"
	"strings"
)

var (
	ecoMaven = Ecosystem{
		Name: "maven", Project: "pom.xml", Optional: []string{".mvn"},
		Guess: []string{"pom.xml"}, Writes: []string{"target"}, inspect: inspectMaven,
	}
	ecoGradle = Ecosystem{
		Name:     "gradle",
		Optional: []string{"build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradle.properties", "gradle.lockfile", "gradle", "buildSrc"},
		Writes:   []string{".gradle", "build"}, inspect: inspectGradle,
	}
)

// pom is what matters of a pom.xml, see https://maven.apache.org/pom.html.
type pom struct {
	Parent struct {
		RelativePath *string `xml:"relativePath"`
		GroupID      string  `xml:"groupId"`
	} `xml:"parent"`
	Modules  []string `xml:"modules>module"`
	Profiles []struct {
		Modules []string `xml:"modules>module"`
	} `xml:"profiles>profile"`
	Dependencies []struct {
		SystemPath string `xml:"systemPath"`
	} `xml:"dependencies>dependency"`
	Repositories []struct {
		URL string `xml:"url"`
	} `xml:"repositories>repository"`
}

// inspectMaven follows modules and parents.
func inspectMaven(t *Tree, in *DepsInstall, n *Needs) {
	if in.Wrapper != "" {
		n.file(path.Join(in.Dir, in.Wrapper))
	}
	seen := map[string]bool{}
	var visit func(p string)
	visit = func(p string) {
		if seen[p] {
			return
		}
		seen[p] = true
		data, ok := t.Read(p)
		if !ok {
			n.stop("%s is not among the copied files of the build context", t.rel(p))
			return
		}
		n.file(p)
		n.Writes = append(n.Writes, path.Join(path.Dir(p), "target"))
		var m pom
		if err := xml.Unmarshal(data, &m); err != nil {
			n.stop("%s is not understood: %v", t.rel(p), err)
			return
		}
		if m.Parent.GroupID != "" {
			rel := "../pom.xml"
			if m.Parent.RelativePath != nil {
				rel = strings.TrimSpace(*m.Parent.RelativePath)
			}
			if rel != "" {
				up := join(path.Dir(p), rel)
				if t.IsDir(up) {
					up = path.Join(up, "pom.xml")
				}
				if t.Exists(up) {
					visit(up)
				} else if m.Parent.RelativePath != nil {
					n.doubt("%s names the parent %s, which was not found", t.rel(p), rel)
				}
			}
		}
		for _, d := range m.Dependencies {
			if d.SystemPath != "" {
				n.stop("%s takes a library from %s", t.rel(p), d.SystemPath)
			}
		}
		for _, r := range m.Repositories {
			if strings.HasPrefix(r.URL, "file:") || strings.Contains(r.URL, "${") {
				n.stop("%s has the repository %s", t.rel(p), r.URL)
			}
		}
		modules := m.Modules
		for _, pr := range m.Profiles {
			modules = append(modules, pr.Modules...)
		}
		if len(modules) > 0 {
			n.doubt("%s has modules that may depend on each other", t.rel(p))
		}
		for _, sub := range modules {
			q := join(path.Dir(p), sub)
			if !strings.HasSuffix(q, ".xml") {
				q = path.Join(q, "pom.xml")
			}
			visit(q)
		}
	}
	if len(in.Files) > 0 {
		for _, f := range in.Files {
			visit(f)
		}
		return
	}
	visit(path.Join(in.Dir, "pom.xml"))
}

// inspectGradle accepts builds whose scripts name no other files. They are
// programs: this is never certain.
func inspectGradle(t *Tree, in *DepsInstall, n *Needs) {
	if in.Wrapper != "" {
		n.file(path.Join(in.Dir, in.Wrapper))
	}
	n.doubt("Gradle's build scripts are programs, which may read other files")
	found := false
	for _, f := range []string{"build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"} {
		p := path.Join(in.Dir, f)
		data, ok := t.Read(p)
		if !ok {
			continue
		}
		found = found || strings.HasPrefix(f, "build")
		text := string(data)
		for _, w := range []string{"include ", "include(", "includeBuild", "apply from", "apply(from", "fileTree", "flatDir"} {
			if strings.Contains(text, w) {
				n.stop("%s has parts in other files (%s)", t.rel(p), strings.Trim(w, "( "))
				return
			}
		}
	}
	if !found {
		n.stop("no build.gradle is among the copied files of the build context")
	}
}
