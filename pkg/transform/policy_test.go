package transform

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPolicies checks the advice that follows from what a team has written
// down: registries and label schemas.
func TestPolicies(t *testing.T) {
	registries := []string{"docker.io", "ghcr.io", "*.example.org:5000"}
	schema := func(kind string) map[string]string { return map[string]string{"l": kind} }
	many := map[string]string{"a": "text", "b": "text"}
	for _, tt := range []struct {
		name, dockerfile string
		opt              Options
		want             []string // line:column of each piece of advice
	}{
		{"trusted-registry", "FROM quay.io/a/b:1\n", Options{}, nil},
		{"trusted-registry", "FROM quay.io/a/b:1 AS x\nFROM debian\nFROM library/debian\nFROM ghcr.io/a\nFROM x\nFROM scratch\nFROM localhost/x\n", Options{Registries: registries}, []string{"1:6", "7:6"}},
		{"trusted-registry", "FROM a.example.org:5000/x\nFROM example.org:5000/x\nFROM index.docker.io/library/x\n", Options{Registries: registries}, []string{"2:6"}},
		{"trusted-registry", "ARG R=quay.io\nFROM $R/a\nARG S\nFROM $S/a\n", Options{Registries: registries}, []string{"2:6"}},
		{"trusted-registry", "FROM debian\nCOPY --from=quay.io/a/b:1 /x /x\nRUN --mount=type=bind,from=quay.io/a,target=/x true\nCOPY --from=stage /x /x\nCOPY --from=0 /y /y\n", Options{Registries: registries}, []string{"2:6", "3:5"}},
		{"trusted-registry", "FROM debian\n", Options{Registries: []string{"hub.docker.com"}}, nil},
		{"trusted-registry", "FROM debian\n", Options{Registries: []string{"ghcr.io"}}, []string{"1:6"}},

		{"required-labels", "FROM debian\n", Options{}, nil},
		{"required-labels", "FROM debian\nLABEL a=1\n", Options{LabelSchema: many}, []string{"1:1"}},
		{"required-labels", "FROM debian\nLABEL a=1 b=$x\n", Options{LabelSchema: many}, nil},
		{"required-labels", "FROM debian AS x\nLABEL a 1\nFROM x\nLABEL 'b'=2\n", Options{LabelSchema: many}, nil},
		{"required-labels", "FROM debian AS x\nLABEL a=1 b=2\nFROM debian\nCOPY --from=x / /\n", Options{LabelSchema: many}, []string{"3:1", "3:1"}},
		{"required-labels", "FROM debian\nARG K\nLABEL $K=1\n", Options{LabelSchema: many}, nil},
		{"required-labels", "FROM debian\nLABEL a=1\n", Options{LabelSchema: many, Labels: []Label{{"b", "2"}}}, nil},
		{"required-labels", "FROM debian\n", Options{LabelSchema: map[string]string{authorsLabel: "text"}, Author: "Ann"}, nil},

		{"extra-labels", "FROM debian\nLABEL a=1 c=2\n", Options{LabelSchema: many}, nil},
		{"extra-labels", "FROM debian\nLABEL a=1 c=2\nLABEL d 3\n", Options{LabelSchema: many, StrictLabels: true}, []string{"2:11", "3:7"}},

		{"label-values", "FROM debian\nLABEL l=\"\" k=\n", Options{LabelSchema: schema("text")}, []string{"2:7"}},
		{"label-values", "FROM debian\nLABEL l=\"\"\n", Options{LabelSchema: schema("of another tool")}, []string{"2:7"}},
		{"label-values", "FROM debian\nARG V=x\nLABEL l=$V\nARG W\nLABEL l=$W\nENV U=x\nLABEL l=$U\n", Options{LabelSchema: schema("url")}, []string{"7:7"}},
		{"label-values", "FROM debian\nLABEL l=https://example.org/x\nLABEL l=mailto:a@b\nLABEL l=example.org\nLABEL l=\"https://a b\"\nLABEL l=\"://\"\n", Options{LabelSchema: schema("url")}, []string{"4:7", "5:7", "6:7"}},
		{"label-values", "FROM debian\nLABEL l=1.2.3\nLABEL l=1.2.3-rc.1+b.5\nLABEL l=v1.2.3\nLABEL l=1.2\nLABEL l=1.02.3\n", Options{LabelSchema: schema("semver")}, []string{"4:7", "5:7", "6:7"}},
		{"label-values", "FROM debian\nLABEL l=MIT\nLABEL l=\"Apache-2.0 OR (MIT AND BSD-3-Clause)\"\nLABEL l=\"GPL-2.0-only WITH Classpath-exception-2.0\"\nLABEL l=\"My licence\"\nLABEL l=Apache\n", Options{LabelSchema: schema("spdx")}, []string{"5:7", "6:7"}},
		{"label-values", "FROM debian\nLABEL l=2026-11-24T15:04:05Z\nLABEL l=\"2021-03-23 13:04:29.3005+01:00\"\nLABEL l=today\nLABEL l=2026-11-24\nLABEL l=2026-13-24T15:04:05Z\n", Options{LabelSchema: schema("rfc3339")}, []string{"4:7", "5:7", "6:7"}},
		{"label-values", "FROM debian\nLABEL l=43c572f\nLABEL l=43c572f1272b6b3171dd1db9e41b7027128ce080\nLABEL l=43c572\nLABEL l=main\nLABEL l=43C572F\n", Options{LabelSchema: schema("hash")}, []string{"4:7", "5:7", "6:7"}},
		{"label-values", "FROM debian\nLABEL l=a.b+c@example.org\nLABEL l=\"Ann <a@example.org>\"\nLABEL l=a@\nLABEL l=@b\n", Options{LabelSchema: schema("email")}, []string{"3:7", "4:7", "5:7"}},
	} {
		tt.opt.Select = []string{tt.name}
		res, err := Run([]byte(tt.dockerfile), tt.opt)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := advicePlaces(t, tt.name, res)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s\n%s", tt.name, d, tt.dockerfile)
		}
	}
}
