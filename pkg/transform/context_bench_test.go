package transform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/transform"
)

// contextFiles is the size of the build contexts that BenchmarkContext looks
// at.
const contextFiles = 200_000

// BenchmarkContext rewrites small Dockerfiles with build contexts of 200,000
// files in sight, in several shapes: all in one folder, a monorepo with many
// packages, a deep tree. The trees are made once, in a temporary folder, with
// links that lead out of them and in circles.
//
//	go test -run '^$' -bench Context -benchtime 3x -benchmem ./pkg/transform
func BenchmarkContext(b *testing.B) {
	ignore := "**/node_modules\n**/*.log\n.git\ndocs/**\n!docs/keep.md\n" + strings.Repeat("**/tmp-*\nbuild/x\n", 20)
	for _, shape := range []struct {
		name string
		make func(b *testing.B, dir string)
		src  string
	}{
		{"flat", func(b *testing.B, dir string) {
			for i := range contextFiles {
				put(b, dir, fmt.Sprintf("f%06d.txt", i), "")
			}
			put(b, dir, "package.json", `{"name": "a", "dependencies": {"b": "1"}}`)
			put(b, dir, "package-lock.json", `{"lockfileVersion": 3, "packages": {}}`)
		}, "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"a.js\"]\n"},
		{"workspaces", func(b *testing.B, dir string) {
			for p := range 2000 {
				for i := range contextFiles / 2000 {
					put(b, dir, fmt.Sprintf("packages/p%04d/src/f%03d.js", p, i), "")
				}
				put(b, dir, fmt.Sprintf("packages/p%04d/package.json", p), fmt.Sprintf(`{"name": "p%d", "version": "1.0.0"}`, p))
			}
			put(b, dir, "package.json", `{"name": "a", "workspaces": ["packages/*"]}`)
			put(b, dir, "package-lock.json", `{"lockfileVersion": 3, "packages": {}}`)
		}, "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nCMD [\"node\", \"a.js\"]\n"},
		{"deep", func(b *testing.B, dir string) {
			for i := range contextFiles {
				put(b, dir, fmt.Sprintf("src/%02d/%02d/%02d/f%d.py", i%40, i/40%40, i/1600%40, i), "")
			}
			put(b, dir, "requirements.txt", "flask\n-r src/00/00/more.txt\n")
			put(b, dir, "src/00/00/more.txt", "django\n")
		}, "FROM python:3.12\nWORKDIR /app\nCOPY . /app/\nRUN pip install -r requirements.txt\nCMD [\"python\", \"src/main.py\"]\n"},
		{"dotnet", func(b *testing.B, dir string) {
			var sln strings.Builder
			for p := range 400 {
				for i := range contextFiles / 400 {
					put(b, dir, fmt.Sprintf("src/P%03d/F%03d.cs", p, i), "")
				}
				put(b, dir, fmt.Sprintf("src/P%03d/P%03d.csproj", p, p), `<Project Sdk="Microsoft.NET.Sdk"></Project>`)
				fmt.Fprintf(&sln, "Project(\"{X}\") = \"P%03d\", \"src\\P%03d\\P%03d.csproj\", \"{Y}\"\nEndProject\n", p, p, p)
			}
			put(b, dir, "All.sln", sln.String())
		}, "FROM mcr.microsoft.com/dotnet/sdk:8.0\nWORKDIR /src\nCOPY . .\nRUN dotnet restore All.sln\nRUN dotnet build All.sln\n"},
	} {
		b.Run(shape.name, func(b *testing.B) {
			dir := b.TempDir()
			shape.make(b, dir)
			for link, to := range map[string]string{"out": "/etc", "loop": ".", "src-link": "src", "dangling": "none"} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					b.Fatal(err)
				}
			}
			run := func(b *testing.B) {
				b.ReportAllocs()
				changes := 0
				for b.Loop() {
					ctx, err := facts.NewContext(facts.DirFS(dir), "Dockerfile")
					if err != nil {
						b.Fatal(err)
					}
					res, err := transform.Run([]byte(shape.src), transform.Options{Context: ctx, Unsafe: true})
					if err != nil {
						b.Fatal(err)
					}
					changes = len(res.Changes)
				}
				b.ReportMetric(float64(changes), "changes")
			}
			b.Run("bare", run)
			put(b, dir, ".dockerignore", ignore)
			b.Run("dockerignore", run)
		})
	}
}

// put writes a file, and the folders above it where they are missing.
func put(b *testing.B, dir, name, text string) {
	p := filepath.Join(dir, filepath.FromSlash(name))
	err := os.WriteFile(p, []byte(text), 0o644)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(filepath.Dir(p), 0o755); err == nil {
			err = os.WriteFile(p, []byte(text), 0o644)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
}
