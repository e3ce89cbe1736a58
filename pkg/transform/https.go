package transform

import (
	"strings"

	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/parse"
)

var _ = register(&httpsTransform)

var httpsTransform = Transform{
	Name:   "https",
	Group:  "packages",
	Codes:  []string{"curlUseHttpsUrl", "wgetUseHttpsUrl"},
	Safety: Advice,
	Run:    httpsAdvice,
	Doc: text(`Download over https.

## What
Reports downloads by curl, wget and ADD over plain http.

## Why
Anybody between the build and the server can change what is downloaded.

## Example
~~~dockerfile before
FROM debian:12
RUN curl -fsSL -o /x http://example.com/x
~~~
~~~dockerfile after
FROM debian:12
RUN curl -fsSL -o /x http://example.com/x
~~~

## Instead
Hosts that are local (localhost, addresses, names without a dot) are not reported, nor are downloads whose checksum is verified in the same RUN. To switch it off: ´# refit: ignore=https´.

## Safety
Advice: whether the server speaks https, only the network can tell.

## References
- https://docs.docker.com/build/building/best-practices/#add-or-copy
`),
}

func httpsAdvice(p *Pass) {
	for _, in := range p.File.Instructions {
		switch in.Name {
		case "ADD":
			for _, w := range in.Words {
				if plainHTTP(w.Value) {
					p.adviseHTTPS(w.Span, w.Value)
				}
			}
		case "RUN":
			calls := p.Facts.Calls(in)
			if checked(calls) {
				continue
			}
			r, _ := p.Program(in)
			for _, c := range calls {
				if r == nil || c.Nested || c.Name() != "curl" && c.Name() != "wget" {
					continue
				}
				for _, f := range c.Fields[1:] {
					if plainHTTP(f.Text) {
						p.adviseHTTPS(r.Span(c.Expr.Args[f.Word]), strings.ReplaceAll(f.Text, "\x00", "…"))
					}
				}
			}
		}
	}
}

func (p *Pass) adviseHTTPS(at parse.Span, what string) {
	p.Advise(at, "download over https", what+" can be changed by anybody on the way; if the server speaks https, use it, else verify a checksum")
}

// plainHTTP reports whether a word is an http URL of a public host.
func plainHTTP(s string) bool {
	const scheme = "http://"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return false
	}
	host, ok := urlHost(s[len(scheme):])
	return ok && !isIPv4(host) && strings.Contains(host, ".") && !strings.HasSuffix(host, ".local") && !strings.HasSuffix(host, ".internal") && !strings.HasSuffix(host, ".localhost")
}

// urlHost is the host in small letters that stands behind the scheme of a URL, with
// an x for what marks a variable. It is not ok where the host holds what no name
// does, or the port is no number.
// https://datatracker.ietf.org/doc/html/rfc3986#section-3.2
func urlHost(s string) (host string, ok bool) {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	host, port, _ := strings.Cut(s, ":")
	ok = strings.Trim(port, "0123456789") == ""
	host = strings.Map(func(c rune) rune {
		switch {
		case c == '$' || c == '{' || c == '}':
			return 'x'
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c > 0x7f:
			return c
		}
		ok = false
		return c
	}, host)
	return host, ok
}

// isIPv4 reports whether a URL's host is an IPv4 address: no name ends in a
// number. https://url.spec.whatwg.org/#ends-in-a-number-checker
func isIPv4(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// checked reports whether a program verifies what it downloads.
func checked(calls []facts.Call) bool {
	for i := range calls {
		switch n := calls[i].Name(); {
		case strings.HasSuffix(n, "sum") && strings.HasPrefix(n, "sha"), n == "gpg", n == "gpgv", n == "md5sum", n == "cosign", n == "minisign":
			return true
		}
	}
	return false
}
