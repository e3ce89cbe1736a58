// Command fmtcompare writes docs/format-compare.md: the RUN instructions of
// testdata/compare/run.txtar as refit, dockerfmt, dprint and dockerfile-utils
// lay them out.
//
//	npm install dprint @dprint/dockerfile @reteps/dockerfmt dockerfile-utils
//	go run ./scripts/fmtcompare -node_modules ./node_modules > docs/format-compare.md
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/refit-dev/refit/internal/fmtcheck"
	"github.com/refit-dev/refit/pkg/emit"
)

func main() {
	log.SetFlags(0)
	modules := flag.String("node_modules", "node_modules", "where npm has installed the other formatters")
	cases := flag.String("cases", "testdata/compare/run.txtar", "the instructions")
	flag.Parse()
	ar, err := txtar.ParseFile(*cases)
	if err != nil {
		log.Fatal(err)
	}
	abs, err := filepath.Abs(*modules)
	if err != nil {
		log.Fatal(err)
	}
	tmp, err := os.MkdirTemp("", "fmtcompare")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	config := filepath.Join(tmp, "dprint.json")
	plugin := filepath.Join(abs, "@dprint", "dockerfile", "plugin.wasm")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"plugins": [%q]}`, plugin), 0o644); err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(tmp, "Dockerfile")
	onFile := func(src []byte, name string, args ...string) ([]byte, error) {
		if err := os.WriteFile(file, src, 0o644); err != nil {
			return nil, err
		}
		return output(exec.Command(filepath.Join(abs, ".bin", name), append(args, file)...))
	}
	peers := []peer{
		{"dockerfmt", func(src []byte) ([]byte, error) { return onFile(src, "dockerfmt", "--newline") }},
		{"dprint", func(src []byte) ([]byte, error) {
			cmd := exec.Command(filepath.Join(abs, ".bin", "dprint"), "fmt", "--config", config, "--stdin", "Dockerfile")
			cmd.Stdin = bytes.NewReader(src)
			return output(cmd)
		}},
		{"dockerfile-utils", func(src []byte) ([]byte, error) { return onFile(src, "dockerfile-utils", "format", "--spaces", "4") }},
	}
	verdicts := map[string]string{}
	for _, f := range ar.Files {
		if name, ok := strings.CutSuffix(f.Name, "/verdict"); ok {
			verdicts[name] = strings.TrimSpace(string(f.Data))
		}
	}
	fmt.Print(head)
	n := 0
	for _, f := range ar.Files {
		name, ok := strings.CutSuffix(f.Name, "/in")
		if !ok {
			continue
		}
		n++
		fmt.Printf("\n## %d. %s\n\n%s\n", n, strings.ToUpper(name[:1])+name[1:], block("before", f.Data))
		out, _, err := fmtcheck.Format(f.Data, emit.DefaultStyle())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(block("refit", out))
		for _, p := range peers {
			got, err := p.format(f.Data)
			switch {
			case err != nil:
				fmt.Printf("%s: %v\n\n", p.name, err)
			case bytes.Equal(got, f.Data):
				fmt.Printf("%s: as before.\n\n", p.name)
			default:
				fmt.Println(block(p.name, got))
			}
		}
		if verdicts[name] == "" {
			log.Fatalf("%s: no verdict", name)
		}
		fmt.Println(verdicts[name])
	}
}

type peer struct {
	name   string
	format func([]byte) ([]byte, error)
}

func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// block is a code block whose info string ends with the name of the formatter.
func block(name string, text []byte) string {
	t := string(text)
	if !strings.HasSuffix(t, "\n") {
		t += "\n"
	}
	return fmt.Sprintf("%s:\n\n```dockerfile %s\n%s```\n", name, name, t)
}

const head = `# The format, side by side

25 RUN instructions of different kinds, written for this page, as refit, dockerfmt (@reteps/dockerfmt on npm), dprint (@dprint/dockerfile) and dockerfile-utils
(what formats Dockerfiles in VS Code; with --spaces 4, as there) lay them out with their defaults. The page is written by scripts/fmtcompare; the verdicts are ours.
`
