package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
)

// javaOutputs returns what javac and jar write; what Maven and Gradle make is
// found from the command, see javaArtefact.
func javaOutputs(s *splitter, c *buildCall) []string {
	switch c.call.Name() {
	case "javac":
		if f, ok := c.arg("-d"); ok {
			if dir := c.resolve(f); dir != "" {
				return []string{dir + "/"}
			}
		}
	case "jar":
		if f, ok := c.arg("-f", "--file"); ok {
			if p := c.resolve(f); p != "" {
				return []string{p}
			}
		}
		// jar cfe x.jar …
		if f := c.call.Fields[1:]; len(f) > 1 && strings.Contains(f[0].Text, "c") && strings.Contains(f[0].Text, "f") && !strings.HasPrefix(f[0].Text, "--") {
			if p := c.resolve(f[1]); p != "" && strings.Index(f[0].Text, "f") > strings.Index(f[0].Text, "c") && !strings.HasPrefix(strings.TrimPrefix(f[0].Text, "-"), "cm") {
				return []string{p}
			}
		}
	}
	return nil
}

// outputDir returns the folder below which Maven or Gradle put a path, or "".
func (s *splitter) outputDir(p string) string {
	for _, b := range s.builds {
		name, root := b.call.Name(), b.cwd
		dir := map[string]string{"mvn": "target", "mvnw": "target", "gradle": "build", "gradlew": "build"}[name]
		if f, ok := b.arg("-f", "--file", "-p", "--project-dir"); ok && dir != "" {
			if root = b.resolve(f); strings.HasSuffix(root, ".xml") {
				root = path.Dir(root)
			}
		}
		if dir == "" || root == "" || !facts.Within(p, root) || p == root {
			continue
		}
		parts := strings.Split(strings.TrimPrefix(p, strings.TrimSuffix(root, "/")+"/"), "/")
		if i := slices.Index(parts[:len(parts)-1], dir); i >= 0 {
			return path.Join(root, path.Join(parts[:i+1]...))
		}
	}
	return ""
}

// selfContained are signs of a jar that holds its libraries: in its name, in
// the arguments of the build, in the build's own files.
var selfContained = []string{"jar-with-dependencies", "-all.jar", "-fat.jar", "-uber.jar", "-shaded.jar", "shadowJar", "bootJar", "spring-boot-maven-plugin", "spring-boot:repackage", "maven-shade-plugin",
	"org.springframework.boot", "com.github.johnrengelman.shadow", "com.gradleup.shadow", "io.ktor.plugin", "buildFatJar"}

func (s *splitter) selfContained(p string) bool {
	texts := []string{p}
	for _, b := range s.builds {
		for _, f := range b.call.Fields[1:] {
			texts = append(texts, f.Text)
		}
		if t := s.tree(s.at); t != nil && b.cwd != "" {
			for _, n := range []string{"pom.xml", "build.gradle", "build.gradle.kts"} {
				data, ok := t.Read(path.Join(b.cwd, n))
				texts = append(texts, string(data))
				if ok && n == "pom.xml" && !strings.Contains(string(data), "<dependency>") && !strings.Contains(string(data), "<parent>") {
					return true // it has no libraries
				}
			}
		}
	}
	return slices.ContainsFunc(texts, func(t string) bool {
		return slices.ContainsFunc(selfContained, func(m string) bool { return strings.Contains(t, m) })
	})
}

// javaArtefact ships the jar or the classes that the container starts.
func (s *splitter) javaArtefact() string {
	argv := s.entry.argv
	first := argv[0].Text
	if path.Base(first) != "java" {
		// gradle installDist: a start script and the libraries in one folder.
		if p := resolveIn(s.cwd, first); strings.Contains(first, "/") && p != "" {
			dir := path.Dir(path.Dir(p))
			if path.Base(path.Dir(p)) == "bin" && path.Base(path.Dir(dir)) == "install" && s.outputDir(p) != "" {
				s.ship = append(s.ship, shipped{dir, dir, false})
				return ""
			}
		}
		return "the container starts " + first + ", not java"
	}
	if first != "java" && !strings.HasPrefix(first, "/opt/java/openjdk/") {
		return "the container starts " + first
	}
	for i, f := range argv[1:] {
		word := f.Text
		next := ""
		if i+2 < len(argv) && argv[i+2].Known {
			next = argv[i+2].Text
		}
		switch {
		case word == "-jar":
			p := resolveIn(s.cwd, next)
			if next == "" || p == "" || strings.ContainsAny(next, "*?") {
				return "it is not known which jar the container starts"
			}
			return s.jar(p, next)
		case word == "-cp" || word == "-classpath" || word == "--class-path" || word == "-p" || word == "--module-path":
			if next == "" {
				return "the class path is not known"
			}
			for _, entry := range strings.Split(next, ":") {
				p := resolveIn(s.cwd, strings.TrimSuffix(strings.TrimSuffix(entry, "*"), "/"))
				switch {
				case p == "":
					return "the class path is not known"
				case slices.Contains(s.outs, p):
					s.add(shipped{p, p, true})
				case slices.Contains(s.outs, p+"/"), s.outputDir(p) != "":
					s.add(shipped{p, p, false})
				default:
					return entry + " of the class path is not known to be what " + s.eco.makes + " makes"
				}
			}
			return ""
		case word == "-m" || word == "--module":
			return "the container starts a module"
		case !strings.HasPrefix(word, "-") && f.Known:
			return "the container starts the class " + word + " without a class path"
		}
	}
	return "it is not known which jar the container starts"
}

// jar ships one jar, or the folder with it and its libraries.
func (s *splitter) jar(p, name string) string {
	switch {
	case slices.Contains(s.outs, p):
		// Copied out of the build's folder, or made of classes: alone.
		s.ship = append(s.ship, shipped{p, p, true})
	case s.outputDir(p) == "":
		return "the container starts " + name + ", and it is not known to be what " + s.eco.makes + " makes"
	case s.selfContained(p):
		s.ship = append(s.ship, shipped{p, p, true})
	default:
		dir := path.Dir(p)
		s.ship = append(s.ship, shipped{dir, dir, false})
		s.notes = append(s.notes, "all of "+dir+" is kept, since the jar may use libraries beside it")
	}
	return ""
}
