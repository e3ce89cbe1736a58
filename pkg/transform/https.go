package transform

import (
	"net/url"
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
	if !strings.HasPrefix(strings.ToLower(s), "http://") {
		return false
	}
	u, err := url.Parse(strings.Map(func(c rune) rune {
		if c < ' ' || c == '$' || c == '{' || c == '}' {
			return 'x'
		}
		return c
	}, s))
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return !isAddress(host) && strings.Contains(host, ".") && !strings.HasSuffix(host, ".local") && !strings.HasSuffix(host, ".internal") && !strings.HasSuffix(host, ".localhost")
}

// isAddress reports whether a URL's host is an IP address: no name has a colon
// or ends in a number. https://url.spec.whatwg.org/#ends-in-a-number-checker
func isAddress(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Contains(host, ":") || last != "" && strings.Trim(last, "0123456789") == ""
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
