package workspace

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Template is the content of a new configuration file: every setting with its
// explanation, commented out.
func Template() []byte {
	var b strings.Builder
	b.WriteString("# Settings of refit for this folder and those below. See refit explain NAME for\n# the transforms. Flags on the command line win over this file.\n")
	var tables []reflect.StructField
	section := func(prefix string, fs []reflect.StructField) {
		for _, f := range fs {
			switch {
			case f.Type.Kind() == reflect.Map || f.Type == reflect.TypeFor[*Format]() || f.Type == reflect.TypeFor[[]overrideFile]():
				tables = append(tables, f)
				continue
			}
			b.WriteByte('\n')
			comment(&b, f)
			fmt.Fprintf(&b, "# %s%s = %s\n", prefix, tomlName(f), f.Tag.Get("example"))
		}
	}
	section("", fields(reflect.TypeFor[configFile]()))
	for _, f := range tables {
		b.WriteByte('\n')
		comment(&b, f)
		switch f.Type {
		case reflect.TypeFor[*Format]():
			b.WriteString("# [format]\n")
			section("", fields(f.Type.Elem()))
		case reflect.TypeFor[[]overrideFile]():
			b.WriteString("# [[overrides]]\n# paths = [\"legacy/\"]\n# unsafe = false\n")
		default:
			fmt.Fprintf(&b, "# [%s]\n# %s\n", tomlName(f), f.Tag.Get("example"))
		}
	}
	return []byte(b.String())
}

// comment writes a field's explanation, broken into lines.
func comment(b *strings.Builder, f reflect.StructField) {
	line := "#"
	for _, w := range strings.Fields(f.Tag.Get("doc")) {
		if len(line)+1+len(w) > 80 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + w
	}
	if line != "#" {
		b.WriteString(line + "\n")
	}
}

// Schema is the JSON schema of the configuration file, for editors.
func Schema() []byte {
	root := object(reflect.TypeFor[configFile]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://refit.dev/schema/refit.toml.schema.json"
	root["title"] = "Configuration of refit (.refit.toml)"
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps and strings only
	}
	return append(out, '\n')
}

func object(t reflect.Type) map[string]any {
	props := map[string]any{}
	for _, f := range fields(t) {
		props[tomlName(f)] = property(f)
	}
	return map[string]any{"type": "object", "properties": props, "additionalProperties": false}
}

func property(f reflect.StructField) map[string]any {
	var p map[string]any
	value := map[string]any{"type": "string"}
	if c := strings.Fields(f.Tag.Get("choices")); len(c) > 0 {
		value["enum"] = c
	}
	switch f.Type {
	case reflect.TypeFor[*string]():
		p = value
	case reflect.TypeFor[*bool]():
		p = map[string]any{"type": "boolean"}
	case reflect.TypeFor[*int]():
		lo, _ := strconv.Atoi(f.Tag.Get("min"))
		hi, _ := strconv.Atoi(f.Tag.Get("max"))
		p = map[string]any{"type": "integer", "minimum": lo, "maximum": hi}
	case reflect.TypeFor[[]string]():
		p = map[string]any{"type": "array", "items": value}
	case reflect.TypeFor[map[string]string]():
		p = map[string]any{"type": "object", "additionalProperties": value}
	case reflect.TypeFor[*Format]():
		p = object(f.Type.Elem())
	case reflect.TypeFor[[]overrideFile]():
		item := object(f.Type.Elem())
		item["required"] = []string{"paths"}
		p = map[string]any{"type": "array", "items": item}
	default:
		panic("no schema for " + f.Type.String())
	}
	if doc := f.Tag.Get("doc"); doc != "" {
		p["description"] = doc
	}
	return p
}
