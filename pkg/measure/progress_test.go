package measure

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func decode(t *testing.T, text string, chunk int) (*decoder, []string, []Step, time.Duration) {
	t.Helper()
	now := time.Unix(0, 0)
	var told []string
	d := &decoder{
		now:    func() time.Time { now = now.Add(time.Second); return now },
		report: func(s Step) { told = append(told, fmt.Sprintf("%s %v", s.Name, s.Duration)) },
	}
	for len(text) > 0 {
		n := min(chunk, len(text))
		if _, err := d.Write([]byte(text[:n])); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	steps, busy := d.finish()
	return d, told, steps, busy
}

const rawProgress = `time="2026-01-01T00:00:00Z" level=warning msg="something"
{"vertexes":[{"digest":"m","name":"[internal] load metadata for docker.io/library/x:1","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:10Z"}]}
{"vertexes":[{"digest":"f","name":"[1/4] FROM docker.io/library/x:1","started":"2026-01-01T00:00:10Z","completed":"2026-01-01T00:00:20Z","cached":true}]}
{"vertexes":[{"digest":"c","name":"[internal] load build context","started":"2026-01-01T00:00:20Z","completed":"2026-01-01T00:00:21Z"}]}
{"vertexes":[{"digest":"a","name":"[2/4] RUN a","started":"2026-01-01T00:00:21Z"}]}
{"statuses":[{"id":"x","vertex":"a","current":0,"timestamp":"2026-01-01T00:00:22Z"}]}
{"vertexes":[{"digest":"b","name":"[other 1/1] RUN b","started":"2026-01-01T00:00:22Z","completed":"2026-01-01T00:00:24Z"},{"digest":"a","name":"[2/4] RUN a","started":"2026-01-01T00:00:21Z","completed":"2026-01-01T00:00:23Z"}]}
{"vertexes":[{"digest":"d","name":"[3/4] COPY x y","started":"2026-01-01T00:00:30Z","completed":"2026-01-01T00:00:30Z","cached":true}]}
{"logs":[{"vertex":"e","data":"aGVsbG8K"}]}
{"vertexes":[{"digest":"e","name":"exporting to oci image format","started":"2026-01-01T00:00:31Z","completed":"2026-01-01T00:01:30Z"}]}`

func TestRawJSON(t *testing.T) {
	for _, chunk := range []int{1, 7, 1 << 20} {
		_, told, steps, busy := decode(t, rawProgress, chunk)
		if got, want := strings.Join(told, "\n"), "[2/4] RUN a 0s\n[other 1/1] RUN b 0s\n[other 1/1] RUN b 2s\n[2/4] RUN a 2s\n[3/4] COPY x y 0s\n[3/4] COPY x y 0s"; got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
		if len(steps) != 3 || steps[0].Name != "[2/4] RUN a" || steps[0].Cached || !steps[2].Cached {
			t.Errorf("steps %+v", steps)
		}
		if busy != 4*time.Second { // the context from 20 to 21, the steps from 21 to 24
			t.Errorf("busy %v", busy)
		}
	}
}

func TestFailure(t *testing.T) {
	d, _, _, _ := decode(t, `{"vertexes":[{"digest":"a","name":"[2/2] RUN false","started":"2026-01-01T00:00:00Z"},{"digest":"b","name":"[x 1/1] RUN sleep","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z","error":"context canceled"}]}
{"logs":[{"vertex":"a","data":"bm8gc3VjaCBmaWxlCg=="}]}
{"vertexes":[{"digest":"a","name":"[2/2] RUN false","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z","error":"exit code: 1"}]}
error: failed to solve
`, 50)
	if got, want := d.failure(), "[2/2] RUN false: exit code: 1\n    no such file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d, _, _, _ = decode(t, "error: dockerfile parse error on line 2: unknown instruction: FRUM\n", 1000)
	if got := d.failure(); got != "error: dockerfile parse error on line 2: unknown instruction: FRUM" {
		t.Errorf("got %q", got)
	}
}

func TestStepLines(t *testing.T) {
	for name, text := range map[string]string{
		"podman":  "[1/2] STEP 1/2: FROM x AS b\n[1/2] STEP 2/2: RUN make\nsome output\n--> abc\n[2/2] STEP 1/3: FROM y\n[2/2] STEP 2/3: RUN a\n--> Using cache 0123\n[2/2] STEP 3/3: COPY --from=b /x /\n",
		"classic": "Sending build context to Docker daemon  2kB\nStep 1/5 : FROM x AS b\n ---> abc\nStep 2/5 : RUN make\nStep 3/5 : FROM y\nStep 4/5 : RUN a\n ---> Using cache\nStep 5/5 : COPY --from=b /x /\nSuccessfully built\n",
	} {
		_, told, steps, busy := decode(t, text, 9)
		if len(steps) != 3 || !strings.HasSuffix(steps[0].Name, "RUN make") || steps[0].Cached || !steps[1].Cached || steps[0].Duration <= 0 {
			t.Errorf("%s: %+v", name, steps)
		}
		if len(told) != 6 || busy <= 0 {
			t.Errorf("%s: told %q, busy %v", name, told, busy)
		}
	}
}
