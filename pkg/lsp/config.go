package lsp

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/facts"
	"github.com/refit-dev/refit/pkg/transform"
)

// Settings are what a user sets in the editor, under "refit". What is not set
// is left to the project's configuration. An editor's tab size is not among
// them: a file must come out of the editor as it comes out of the command line.
type Settings struct {
	Select       []string `json:"select,omitempty"`       // transforms or codes to run
	Ignore       []string `json:"ignore,omitempty"`       // transforms or codes not to run
	Context      string   `json:"context,omitempty"`      // the build context; relative to the workspace folder
	Width        *int     `json:"width,omitempty"`        // see emit.Style
	Indent       *int     `json:"indent,omitempty"`       //
	Tabs         *bool    `json:"tabs,omitempty"`         //
	Operators    *string  `json:"operators,omitempty"`    //
	CacheNeutral *bool    `json:"cacheNeutral,omitempty"` //
	Diagnostics  string   `json:"diagnostics,omitempty"`  // "onType" (default), "onSave" or "off"
}

// check says what is wrong with settings.
func (s *Settings) check() error {
	switch {
	case s.Diagnostics != "" && s.Diagnostics != "onType" && s.Diagnostics != "onSave" && s.Diagnostics != "off":
		return fmt.Errorf("refit.diagnostics is %q; it can be onType, onSave or off", s.Diagnostics)
	case s.Operators != nil && *s.Operators != "leading" && *s.Operators != "trailing":
		return fmt.Errorf("refit.operators is %q; it can be leading or trailing", *s.Operators)
	case s.Width != nil && *s.Width < 0:
		return fmt.Errorf("refit.width is %d; it must be at least 1, or 0 for no limit", *s.Width)
	case s.Indent != nil && (*s.Indent < 1 || *s.Indent > 16):
		return fmt.Errorf("refit.indent is %d; it can be 1 to 16", *s.Indent)
	}
	return nil
}

// Config is what applies to one document.
type Config struct {
	Transform  transform.Options // Format, Lines and None are the server's to set
	Style      emit.Style        // of formatting
	ContextDir string            // the build context's path; "": the Dockerfile's folder, for companion files
	Excluded   bool              // the project excludes the file: nothing is reported or changed
}

// Apply sets what the user has set over a configuration. path is the
// document's path, "" for one without. A build context that cannot be read is
// an error.
func (s *Settings) Apply(c *Config, path string) error {
	if s.Select != nil {
		c.Transform.Select = s.Select
	}
	if s.Ignore != nil {
		c.Transform.Ignore = s.Ignore
	}
	if s.Width != nil {
		c.Style.Width = *s.Width
	}
	if s.Indent != nil {
		c.Style.Indent = *s.Indent
	}
	if s.Tabs != nil {
		c.Style.Tabs = *s.Tabs
	}
	if s.Operators != nil {
		c.Style.Operators = *s.Operators
	}
	if s.CacheNeutral != nil {
		c.Style.CacheNeutral = *s.CacheNeutral
	}
	if s.Context == "" {
		return nil
	}
	// Nothing outside the folder is read, whatever links lead out of it.
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return fmt.Errorf("the build context (refit.context): %w", err)
	}
	inside, err := filepath.Rel(s.Context, path)
	if err != nil || path == "" || strings.HasPrefix(inside, "..") {
		inside = ""
	}
	ctx, err := facts.NewContext(root.FS(), filepath.ToSlash(inside))
	if err != nil {
		return fmt.Errorf("the build context %s (refit.context): %w", s.Context, err)
	}
	c.Transform.Context, c.ContextDir = ctx, s.Context
	return nil
}

// defaultConfigure knows the settings only.
func defaultConfigure(path string, s Settings) (Config, error) {
	c := Config{Style: emit.DefaultStyle()}
	return c, s.Apply(&c, path)
}

// config is the configuration that holds for a document now. It is asked for
// at each request, so that a changed file takes effect without a restart in
// clients that watch no files.
func (s *server) config(path string) (Config, error) {
	s.mu.Lock()
	set, folders, bad := s.settings, s.folders, s.settingsErr
	s.mu.Unlock()
	if bad != nil {
		return Config{}, bad
	}
	if set.Context != "" && !filepath.IsAbs(set.Context) {
		set.Context = filepath.Join(folderOf(path, folders), set.Context)
	}
	return s.opt.Configure(path, set)
}

// key names a configuration, to tell whether an analysis still holds.
func (c *Config) key() string {
	t := c.Transform
	t.Context, t.Format = nil, nil
	b, err := json.Marshal(t)
	if err != nil {
		return ""
	}
	return string(b) + c.ContextDir + fmt.Sprint(c.Excluded)
}

// folderOf is the innermost workspace folder that holds a path, otherwise the
// first one.
func folderOf(path string, folders []string) string {
	best := ""
	for _, f := range folders {
		if rel, err := filepath.Rel(f, path); err == nil && path != "" && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) && len(f) > len(best) {
			best = f
		}
	}
	if best == "" && len(folders) > 0 {
		best = folders[0]
	}
	return best
}

// uriPath is the path of a file URI, "" for other schemes.
func uriPath(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	p := u.Path
	if runtime.GOOS == "windows" {
		// file:///c%3A/x has the path /c:/x.
		if len(p) > 2 && p[0] == '/' && p[2] == ':' {
			p = p[1:]
		} else if u.Host != "" {
			p = "//" + u.Host + p
		}
	}
	return filepath.FromSlash(p)
}

// pathURI is the file URI of an absolute path.
func pathURI(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}
