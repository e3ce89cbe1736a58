package transform

import (
	"strings"
	"testing"
)

// TestPragmas checks which comments keep a change away, and which are
// reported because they do nothing.
func TestPragmas(t *testing.T) {
	tests := []struct {
		name, src string
		changes   int
		advice    string // a part of the reason of the only advice, "" for none
	}{
		{"none", "FROM alpine\nADD x /x\n", 1, ""},
		{"ignore by name", "FROM alpine\n# refit: ignore=add-to-copy -- because\nADD x /x\n", 0, ""},
		{"ignore by code", "FROM alpine\n# refit: ignore=DL3020\nADD x /x\n", 0, ""},
		{"hadolint", "FROM alpine\n# hadolint ignore=DL3020\nADD x /x\n", 0, ""},
		{"hadolint global", "FROM alpine\n# hadolint global ignore=DL3020\n\nADD x /x\n", 0, ""},
		{"skip", "FROM alpine\n# refit: skip\nADD x /x\n", 0, ""},
		{"off and on", "FROM alpine\n# refit: off\n\nADD x /x\n# refit: on\n\nADD y /y\n", 1, ""},
		{"another instruction", "FROM alpine\n# refit: ignore=add-to-copy\nCOPY x /x\nADD y /y\n", 1, "proposes no change"},
		{"another transform", "FROM alpine\n# refit: ignore=merge-run\nADD y /y\n", 1, ""}, // did not run
		{"unknown", "FROM alpine\n# refit: ignore=add-to-cpoy\nADD x /x\n", 1, `did you mean "add-to-copy"`},
		{"unknown to refit, but hadolint's", "FROM alpine\n# hadolint ignore=DL9999\nADD x /x\n", 1, ""},
		{"inside a continuation", "FROM alpine\nADD x \\\n# refit: ignore=add-to-copy\n  /x\n", 0, ""},
	}
	for _, tt := range tests {
		res, err := Run([]byte(tt.src), Options{Select: []string{"add-to-copy"}})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if len(res.Changes) != tt.changes {
			t.Errorf("%s: %d changes", tt.name, len(res.Changes))
		}
		switch {
		case tt.advice == "" && len(res.Advice) > 0:
			t.Errorf("%s: advice %q", tt.name, res.Advice[0].Reason)
		case tt.advice != "" && (len(res.Advice) != 1 || !strings.Contains(res.Advice[0].Reason, tt.advice)):
			t.Errorf("%s: advice %+v", tt.name, res.Advice)
		}
	}
}
