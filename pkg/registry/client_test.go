package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	gcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// serve starts a registry on the loopback interface with one image, app/web:1,
// behind a wrapper. It returns its host and the image's digest.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) (host, digest string) {
	t.Helper()
	h := gcr.New(gcr.Logger(log.New(io.Discard, "", 0)))
	open := httptest.NewServer(h)
	t.Cleanup(open.Close)
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(strings.TrimPrefix(open.URL, "http://") + "/app/web:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	guarded := httptest.NewServer(wrap(h))
	t.Cleanup(guarded.Close)
	return strings.TrimPrefix(guarded.URL, "http://"), d.String()
}

// chain gives the same credentials for every registry.
type chain struct {
	cred authn.AuthConfig
	err  error
}

func (c chain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(c.cred), c.err
}

func plain(h http.Handler) http.Handler { return h }

func TestDigest(t *testing.T) {
	host, want := serve(t, plain)
	c := &Client{}
	got, err := c.Digest(t.Context(), host+"/app/web:1")
	if err != nil || got != want {
		t.Errorf("Digest = %q, %v; want %q", got, err, want)
	}
	for ref, want := range map[string]string{
		host + "/app/web:2":  "has no tag 2 of app/web",
		host + "/app/none:1": "has no tag 1 of app/none",
		host + "/App/web:1":  "the name is not understood",
		host + "/app/web:?":  "the name is not understood",
	} {
		_, err := c.Digest(t.Context(), ref)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Name != ref {
			t.Errorf("%s: error %v, want an *Error with %q", ref, err, want)
		}
	}
}

// TestNoHeader asks a registry that does not say the digest: it is computed.
func TestNoHeader(t *testing.T) {
	host, want := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(&mute{ResponseWriter: w}, r)
		})
	})
	got, err := (&Client{}).Digest(t.Context(), host+"/app/web:1")
	if err != nil || got != want {
		t.Errorf("Digest = %q, %v; want %q", got, err, want)
	}
}

type mute struct{ http.ResponseWriter }

func (m *mute) WriteHeader(code int) {
	m.Header().Del("Docker-Content-Digest")
	m.ResponseWriter.WriteHeader(code)
}

func (m *mute) Write(b []byte) (int, error) {
	m.Header().Del("Docker-Content-Digest")
	return m.ResponseWriter.Write(b)
}

func TestBasic(t *testing.T) {
	host, want := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if u, p, ok := r.BasicAuth(); !ok || u != "ann" || p != "secret" {
				w.Header().Set("WWW-Authenticate", `Basic realm="it"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	for _, test := range []struct {
		cred authn.AuthConfig
		err  error
		want string // of the error, "" for none
	}{
		{authn.AuthConfig{Username: "ann", Password: "secret"}, nil, ""},
		{authn.AuthConfig{Username: "ann", Password: "wrong"}, nil, "log in with `docker login " + host + "`"},
		{authn.AuthConfig{}, nil, "denies access"},
		{authn.AuthConfig{}, errors.New("no helper"), "cannot be read (no helper)"},
	} {
		c := &Client{Keychain: chain{test.cred, test.err}}
		got, err := c.Digest(t.Context(), host+"/app/web:1")
		switch {
		case test.want == "" && (err != nil || got != want):
			t.Errorf("%+v: Digest = %q, %v; want %q", test.cred, got, err, want)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%+v: error %v, want %q", test.cred, err, test.want)
		}
	}
}

// TestToken serves Docker's token authentication: the token service checks who
// asks, by password or by identity token, and the registry checks the token.
func TestToken(t *testing.T) {
	token := func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		r.ParseForm()
		switch {
		case r.Form.Get("service") != "reg" || r.Form.Get("scope") != "repository:app/web:pull":
			t.Errorf("token is asked with %v", r.Form)
		case r.Method == http.MethodPost && r.Form.Get("refresh_token") == "id" && r.Form.Get("grant_type") == "refresh_token":
			json.NewEncoder(w).Encode(map[string]string{"access_token": "good"})
			return
		case r.Method == http.MethodGet && user == "ann" && pass == "secret":
			json.NewEncoder(w).Encode(map[string]string{"token": "good"})
			return
		case r.Method == http.MethodGet && user == "":
			json.NewEncoder(w).Encode(map[string]string{"token": "anonymous"})
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}
	host, want := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/token":
				token(w, r)
			case r.Header.Get("Authorization") != "Bearer good":
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="reg",scope="repository:app/web:pull"`)
				w.WriteHeader(http.StatusUnauthorized)
			default:
				h.ServeHTTP(w, r)
			}
		})
	})
	for _, cred := range []authn.AuthConfig{{Username: "ann", Password: "secret"}, {IdentityToken: "id"}} {
		c := &Client{Keychain: chain{cred, nil}}
		if got, err := c.Digest(t.Context(), host+"/app/web:1"); err != nil || got != want {
			t.Errorf("%+v: Digest = %q, %v; want %q", cred, got, err, want)
		}
	}
	for _, cred := range []authn.AuthConfig{{}, {Username: "ann", Password: "no"}} {
		c := &Client{Keychain: chain{cred, nil}}
		if _, err := c.Digest(t.Context(), host+"/app/web:1"); err == nil || !strings.Contains(err.Error(), "docker login") {
			t.Errorf("%+v: error %v, want a hint at docker login", cred, err)
		}
	}
}

func TestTimeout(t *testing.T) {
	stop := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	t.Cleanup(func() { close(stop); slow.Close() })
	c := &Client{Timeout: 50 * time.Millisecond}
	_, err := c.Digest(context.Background(), strings.TrimPrefix(slow.URL, "http://")+"/app/web:1")
	if err == nil || !strings.Contains(err.Error(), "did not answer within 50ms; check the network") {
		t.Errorf("error %v, want one about the time", err)
	}
}

func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	host := strings.TrimPrefix(gone.URL, "http://")
	gone.Close()
	_, err := (&Client{}).Digest(t.Context(), host+"/app/web:1")
	if err == nil || !strings.Contains(err.Error(), host+" cannot be asked") {
		t.Errorf("error %v, want that %s cannot be asked", err, host)
	}
}
