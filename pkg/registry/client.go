package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Client asks registries. It may be used by several goroutines.
type Client struct {
	Keychain authn.Keychain // gives the credentials for a registry; nil for nobody
	Timeout  time.Duration  // for one question, authentication included; 0 for 15 s
}

const defaultTimeout = 15 * time.Second

// Error says why a registry gave no answer, and what to do.
type Error struct {
	Name   string // of the image
	Reason string
	Remedy string
	Err    error // may be nil
}

func (e *Error) Error() string {
	s := e.Name + ": " + e.Reason
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Advice is the message without its remedy, and the remedy.
func (e *Error) Advice() (message, remedy string) {
	short := *e
	short.Remedy = ""
	return short.Error(), e.Remedy
}

// Digest asks which image a name means now: the digest of its manifest, or of
// its index of manifests for several platforms. A name without a host is one of
// Docker Hub, one without a tag means latest. The error is an *Error.
func (c *Client) Digest(ctx context.Context, image string) (string, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return "", &Error{Name: image, Reason: "the name is not understood", Err: err}
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	opts := []remote.Option{
		remote.WithContext(ctx), remote.WithUserAgent("refit"),
		remote.WithRetryBackoff(remote.Backoff{Duration: 300 * time.Millisecond, Steps: 2}),
	}
	if c.Keychain != nil {
		auth, err := authn.Resolve(ctx, c.Keychain, ref.Context())
		if err != nil {
			return "", &Error{Name: image, Reason: "the credentials for " + host(ref) + " cannot be read", Remedy: "check ~/.docker/config.json and its credential helper", Err: err}
		}
		opts = append(opts, remote.WithAuth(auth))
	}
	head, err := remote.Head(ref, opts...)
	if err == nil {
		return head.Digest.String(), nil
	}
	if refused := (*transport.Error)(nil); !errors.As(err, &refused) && ctx.Err() == nil && !isNetwork(err) {
		// A registry that does not say the digest: it is computed.
		full, err2 := remote.Get(ref, opts...)
		if err2 == nil {
			return full.Digest.String(), nil
		}
		err = err2
	}
	return "", c.explain(ctx, image, ref, timeout, err)
}

// isNetwork reports whether an error came before any answer.
func isNetwork(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

// host names a reference's registry for people.
func host(ref name.Reference) string {
	if h := ref.Context().RegistryStr(); h != name.DefaultRegistry {
		return h
	}
	return "Docker Hub"
}

// explain turns an error into words.
func (c *Client) explain(ctx context.Context, image string, ref name.Reference, timeout time.Duration, err error) *Error {
	login := "docker login"
	if h := ref.Context().RegistryStr(); h != name.DefaultRegistry {
		login += " " + h
	}
	var refused *transport.Error
	var network net.Error
	switch {
	case errors.As(err, &refused):
		switch refused.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return &Error{Name: image, Reason: host(ref) + " denies access, or has no such repository", Remedy: "check the name, or log in with `" + login + "`"}
		case http.StatusNotFound:
			return &Error{Name: image, Reason: fmt.Sprintf("%s has no tag %s of %s", host(ref), ref.Identifier(), ref.Context().RepositoryStr()), Remedy: "check the name and the tag"}
		case http.StatusTooManyRequests:
			return &Error{Name: image, Reason: host(ref) + " answers no more requests for now", Remedy: "log in with `" + login + "`, or wait"}
		}
		return &Error{Name: image, Reason: fmt.Sprintf("%s answers %d %s", host(ref), refused.StatusCode, http.StatusText(refused.StatusCode)), Remedy: "try again later"}
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return &Error{Name: image, Reason: fmt.Sprintf("%s did not answer within %v", host(ref), timeout), Remedy: "check the network and the proxy (HTTPS_PROXY), or try again"}
	}
	return &Error{Name: image, Reason: host(ref) + " cannot be asked", Remedy: "check the name of the registry, the network and the proxy (HTTPS_PROXY)", Err: err}
}
