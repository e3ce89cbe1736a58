package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"refit": main})
}

// TestScript runs the transcripts in testdata/script with the real command.
func TestScript(t *testing.T) { transcripts(t, "") }

// transcripts runs them with the programs in a directory, or with this one.
func transcripts(t *testing.T, bin string) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			scripts, err := filepath.Abs("../../scripts")
			env.Setenv("SCRIPTS", scripts)
			if bin != "" {
				env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"bytes": bytesCmd, "code": codeCmd, "registry": registryCmd},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, nil
		},
	})
}

// registryCmd serves a registry on the loopback interface: registry IMAGE …
// puts a new image under each name, sets REGISTRY to its address and, for each
// image, DIGEST1, DIGEST2, …. Called again it gives the names new images.
// Repositories below private/ need the user ann with the password secret.
func registryCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: registry IMAGE …")
	}
	host := ts.Getenv("REGISTRY")
	if host == "" {
		h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, pass, _ := r.BasicAuth(); strings.HasPrefix(r.URL.Path, "/v2/private/") && (user != "ann" || pass != "secret") {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if r.URL.Path == "/v2/" { // tells the client how to log in, as registries do
				if _, _, ok := r.BasicAuth(); !ok {
					w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
			}
			h.ServeHTTP(w, r)
		}))
		ts.Defer(srv.Close)
		host = strings.TrimPrefix(srv.URL, "http://")
		ts.Setenv("REGISTRY", host)
	}
	for i, arg := range args {
		ref, err := name.ParseReference(host + "/" + arg)
		ts.Check(err)
		img, err := random.Image(32, 1)
		ts.Check(err)
		ts.Check(remote.Write(ref, img, remote.WithAuth(&authn.Basic{Username: "ann", Password: "secret"})))
		d, err := img.Digest()
		ts.Check(err)
		ts.Setenv(fmt.Sprintf("DIGEST%d", i+1), d.String())
	}
}

// bytesCmd writes files that a txtar archive cannot hold: bytes FILE 'GO
// STRING' [COUNT] … writes each string COUNT times.
func bytesCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: bytes FILE 'GO STRING' [COUNT] …")
	}
	var b strings.Builder
	for i := 1; i < len(args); i++ {
		text, err := strconv.Unquote(`"` + args[i] + `"`)
		ts.Check(err)
		n := 1
		if i+1 < len(args) {
			if c, err := strconv.Atoi(args[i+1]); err == nil {
				n = c
				i++
			}
		}
		b.WriteString(strings.Repeat(text, n))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o666))
}

// codeCmd runs a command that must end with an exit code: code N COMMAND ….
// "! exec" says only that it is not 0.
func codeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
