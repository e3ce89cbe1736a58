package measure

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// diffConfig compares what decides how containers of the image run. History and layer digests are no part of it.
func diffConfig(a, b *Config) []Difference {
	var out []Difference
	value := func(field, x, y string) {
		if x != y {
			out = append(out, Difference{Config: field, What: change3(x, y), Before: x, After: y})
		}
	}
	list := func(field string, x, y []string) {
		if !slices.Equal(x, y) {
			value(field, showList(x), showList(y))
		}
	}
	pairs := func(field string, x, y map[string]string) {
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			vx, inx := x[k]
			vy, iny := y[k]
			switch name := strings.TrimSpace(field + " " + k); {
			case inx && iny && vx != vy:
				out = append(out, Difference{Config: name, What: "value", Before: fmt.Sprintf("%q", vx), After: fmt.Sprintf("%q", vy)})
			case inx && !iny:
				out = append(out, Difference{Config: name, What: "missing", Before: fmt.Sprintf("%q", vx)})
			case !inx && iny:
				out = append(out, Difference{Config: name, What: "added", After: fmt.Sprintf("%q", vy)})
			}
		}
	}
	set := func(field string, x, y map[string]struct{}) { pairs(field, asPairs(x), asPairs(y)) }

	value("architecture", a.Architecture, b.Architecture)
	value("os", a.OS, b.OS)
	value("variant", a.Variant, b.Variant)
	value("author", a.Author, b.Author)
	x, y := &a.Config, &b.Config
	pairs("Env", env(x.Env), env(y.Env))
	list("Cmd", x.Cmd, y.Cmd)
	list("Entrypoint", x.Entrypoint, y.Entrypoint)
	value("User", x.User, y.User)
	value("WorkingDir", x.WorkingDir, y.WorkingDir)
	pairs("Label", x.Labels, y.Labels)
	set("ExposedPorts", x.ExposedPorts, y.ExposedPorts)
	set("Volumes", x.Volumes, y.Volumes)
	value("Healthcheck", showHealth(x.Healthcheck), showHealth(y.Healthcheck))
	value("StopSignal", x.StopSignal, y.StopSignal)
	list("Shell", x.Shell, y.Shell)
	list("OnBuild", x.OnBuild, y.OnBuild)
	return out
}

func change3(x, y string) string {
	switch {
	case x == "":
		return "added"
	case y == "":
		return "missing"
	}
	return "value"
}

// env splits NAME=value; as in a container, the last of several settings of a name counts.
func env(list []string) map[string]string {
	out := map[string]string{}
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		out[k] = v
	}
	return out
}

func asPairs(set map[string]struct{}) map[string]string {
	out := map[string]string{}
	for k := range set {
		out[k] = ""
	}
	return out
}

func showList(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", list)
}

func showHealth(h *Healthcheck) string {
	if h == nil {
		return ""
	}
	return fmt.Sprintf("%q interval=%v timeout=%v start-period=%v start-interval=%v retries=%d",
		h.Test, h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries)
}
