package measure

import (
	"bytes"
	"encoding/json"
	"regexp"
	"sort"
	"strings"
	"sync"
	"time"
)

// Step is one step of a build, as the engine names it.
type Step struct {
	Name     string        `json:"name"` // "[build 3/7] RUN npm ci"
	Cached   bool          `json:"cached,omitempty"`
	Duration time.Duration `json:"duration"` // nanoseconds
	started  time.Time
	ended    time.Time
	failed   string
	log      []byte
}

// instruction reports whether the step carries out an instruction of the Dockerfile (and is not one of the engine's own).
func (s *Step) instruction() bool {
	return strings.HasPrefix(s.Name, "[") && !strings.HasPrefix(s.Name, "[internal]") && !s.base()
}

// base reports whether the step fetches a base image.
func (s *Step) base() bool {
	_, what, ok := strings.Cut(s.Name, "] ")
	return ok && strings.HasPrefix(what, "FROM ")
}

// overhead reports whether the step depends on the network and the engine rather than the Dockerfile: base images,
// their metadata, the frontend, the export.
func (s *Step) overhead() bool {
	for _, p := range []string{"exporting to", "sending tarball", "importing to", "resolve image config", "docker-image://", "[auth]", "[internal] load metadata",
		"[internal] load build definition", "[internal] settings", "importing cache", "preparing "} {
		if strings.HasPrefix(s.Name, p) {
			return true
		}
	}
	return s.base()
}

// decoder turns an engine's progress into steps. It is written to by one process.
type decoder struct {
	mu     sync.Mutex
	report func(Step)
	now    func() time.Time
	line   []byte
	steps  []*Step
	byID   map[string]*Step
	plain  []byte // the end of what was not progress: messages, errors
}

const keep = 16 << 10 // bytes of output that are kept for an error message

func (d *decoder) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.line = append(d.line, p...)
	for {
		i := bytes.IndexByte(d.line, '\n')
		if i < 0 {
			return len(p), nil
		}
		d.take(bytes.TrimRight(d.line[:i], "\r"))
		d.line = d.line[i+1:]
	}
}

// status is BuildKit's client.SolveStatus in JSON, as --progress=rawjson prints it.
type status struct {
	Vertexes []struct {
		Digest    string     `json:"digest"`
		Name      string     `json:"name"`
		Started   *time.Time `json:"started"`
		Completed *time.Time `json:"completed"`
		Cached    bool       `json:"cached"`
		Error     string     `json:"error"`
	} `json:"vertexes"`
	Logs []struct {
		Vertex string `json:"vertex"`
		Data   []byte `json:"data"`
	} `json:"logs"`
}

// Podman, buildah and Docker's classic builder print a line per step; with several stages podman writes
// "[1/2] STEP 3/9: RUN …".
var stepLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\[\d+/\d+\] )?(?i:STEP) (\d+/\d+) ?: (.*)$`) })

var cachedLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*-+> Using cache`) })

func (d *decoder) take(line []byte) {
	if bytes.HasPrefix(line, []byte("{")) {
		var s status
		if json.Unmarshal(line, &s) == nil && (s.Vertexes != nil || s.Logs != nil || bytes.Contains(line, []byte(`"statuses"`))) {
			d.takeStatus(&s)
			return
		}
	}
	if m := stepLine().FindSubmatch(line); m != nil {
		d.endText()
		stage := strings.Trim(string(m[1]), "[] ")
		if stage != "" {
			stage = "stage " + stage + " "
		}
		s := &Step{Name: "[" + stage + string(m[2]) + "] " + string(m[3]), started: d.now()}
		d.steps = append(d.steps, s)
		d.tell(s)
	} else if cachedLine().Match(line) && len(d.steps) > 0 {
		d.steps[len(d.steps)-1].Cached = true
	}
	d.plain = tail(append(append(d.plain, line...), '\n'))
}

// endText ends the step of an engine that prints only where steps begin.
func (d *decoder) endText() {
	if n := len(d.steps); n > 0 && d.steps[n-1].ended.IsZero() {
		s := d.steps[n-1]
		s.ended = d.now()
		s.Duration = s.ended.Sub(s.started)
		d.tell(s)
	}
}

func (d *decoder) takeStatus(st *status) {
	if d.byID == nil {
		d.byID = map[string]*Step{}
	}
	for _, v := range st.Vertexes {
		s := d.byID[v.Digest]
		if s == nil {
			s = &Step{Name: v.Name}
			d.byID[v.Digest] = s
			d.steps = append(d.steps, s)
		}
		s.Cached = s.Cached || v.Cached
		if v.Started != nil && s.started.IsZero() {
			s.started = *v.Started
			d.tell(s)
		}
		if v.Error != "" {
			s.failed = v.Error
		}
		if v.Completed != nil && v.Completed.After(s.ended) {
			first := s.ended.IsZero()
			s.ended = *v.Completed
			s.Duration = s.ended.Sub(s.started)
			if first {
				d.tell(s)
			}
		}
	}
	for _, l := range st.Logs {
		if s := d.byID[l.Vertex]; s != nil {
			s.log = tail(append(s.log, l.Data...))
		}
	}
}

func (d *decoder) tell(s *Step) {
	if d.report != nil && !s.overhead() && !strings.HasPrefix(s.Name, "[internal]") {
		d.report(*s)
	}
}

func tail(b []byte) []byte {
	if len(b) > 2*keep {
		return append([]byte(nil), b[len(b)-keep:]...)
	}
	return b
}

// finish returns the steps in the order in which they began, and the time that was spent in them: the length of time
// during which at least one step other than overhead ran.
func (d *decoder) finish() ([]Step, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.line) > 0 {
		d.take(d.line)
		d.line = nil
	}
	d.endText()
	sort.SliceStable(d.steps, func(i, j int) bool { return d.steps[i].started.Before(d.steps[j].started) })
	var out []Step
	var busy time.Duration
	var until time.Time
	for _, s := range d.steps {
		if s.instruction() {
			out = append(out, *s)
		}
		if s.overhead() || s.started.IsZero() || !s.ended.After(until) {
			continue
		}
		from := s.started
		if until.After(from) {
			from = until
		}
		busy += s.ended.Sub(from)
		until = s.ended
	}
	return out, busy
}

// failure describes what went wrong from what the engine said: the failed step with the end of its output, or the end
// of the engine's messages.
func (d *decoder) failure() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.steps {
		if s.failed != "" && !strings.Contains(s.failed, "context canceled") {
			return s.Name + ": " + s.failed + indented(s.log, 20)
		}
	}
	return strings.TrimSpace(indented(d.plain, 20))
}

// indented returns the last n lines that are not blank, each after a line break and an indent.
func indented(b []byte, n int) string {
	var lines []string
	for _, l := range strings.Split(string(b), "\n") {
		if strings.TrimSpace(l) != "" {
			lines = append(lines, "\n    "+strings.TrimRight(l, " \r"))
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
