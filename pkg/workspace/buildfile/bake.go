package buildfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/refit-dev/refit/pkg/workspace"
)

// bakeEntries reads the targets of a Bake file, see
// https://docs.docker.com/build/bake/reference/. Values that need more than
// variables are unknown: an unknown argument is left out, and a target with an
// unknown context or Dockerfile is, too.
func bakeEntries(path string, data []byte, lookup func(string) (string, bool)) ([]workspace.BuildEntry, error) {
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(strings.ToLower(path), ".json") {
		file, diags = hcljson.Parse(data, path)
	} else {
		file, diags = hclsyntax.ParseConfig(data, path, hcl.InitialPos)
	}
	if diags.HasErrors() {
		d := diags[0]
		return nil, fmt.Errorf("line %d: %s; %s", d.Subject.Start.Line, d.Summary, d.Detail)
	}
	content, _, diags := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "variable", LabelNames: []string{"name"}}, {Type: "target", LabelNames: []string{"name"}},
	}})
	if diags.HasErrors() {
		return nil, fmt.Errorf("%s", diags[0].Detail)
	}
	b := bake{vars: map[string]cty.Value{}, targets: map[string]*hcl.Block{}}
	for _, block := range content.Blocks {
		if block.Type == "target" {
			b.targets[block.Labels[0]] = block
			continue
		}
		name := block.Labels[0]
		if v, ok := lookup(name); ok {
			b.vars[name] = cty.StringVal(v)
			continue
		}
		attrs := attributes(block.Body, "default")
		if v, ok := b.eval(attrs["default"]); ok {
			b.vars[name] = v
		}
	}
	var out []workspace.BuildEntry
	for _, name := range slices.Sorted(maps.Keys(b.targets)) {
		e := workspace.BuildEntry{Name: name, Args: map[string]string{}}
		if b.apply(&e, name, 0) && !strings.HasPrefix(name, "_") {
			out = append(out, e)
		}
	}
	return out, nil
}

type bake struct {
	vars    map[string]cty.Value
	targets map[string]*hcl.Block
}

// attributes reads some attributes of a block; the others do not matter.
func attributes(body hcl.Body, names ...string) hcl.Attributes {
	schema := &hcl.BodySchema{}
	for _, n := range names {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: n})
	}
	content, _, _ := body.PartialContent(schema)
	if content == nil {
		return nil
	}
	return content.Attributes
}

// eval evaluates an attribute with the variables; ok is false where it has no
// known value.
func (b *bake) eval(a *hcl.Attribute) (cty.Value, bool) {
	if a == nil {
		return cty.NilVal, false
	}
	v, diags := a.Expr.Value(&hcl.EvalContext{Variables: b.vars})
	if diags.HasErrors() || v.IsNull() || !v.IsWhollyKnown() {
		return cty.NilVal, false
	}
	return v, true
}

func text(v cty.Value) (string, bool) {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		return "", false
	}
	return s.AsString(), true
}

// apply sets what a target says over what the targets say that it inherits
// from. It returns false where the Dockerfile cannot be known.
func (b *bake) apply(e *workspace.BuildEntry, name string, depth int) bool {
	block := b.targets[name]
	if block == nil || depth > 20 {
		return false
	}
	attrs := attributes(block.Body, "inherits", "context", "dockerfile", "dockerfile-inline", "target", "args")
	if v, ok := b.eval(attrs["inherits"]); ok && v.CanIterateElements() {
		for it := v.ElementIterator(); it.Next(); {
			_, parent := it.Element()
			if s, ok := text(parent); ok && !b.apply(e, s, depth+1) {
				return false
			}
		}
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{"context", &e.Context}, {"dockerfile", &e.Dockerfile}, {"target", &e.Target}} {
		if attrs[f.name] == nil {
			continue
		}
		v, ok := b.eval(attrs[f.name])
		if !ok {
			return false
		}
		if *f.to, ok = text(v); !ok {
			return false
		}
	}
	e.Inline = e.Inline || attrs["dockerfile-inline"] != nil
	if v, ok := b.eval(attrs["args"]); ok && v.CanIterateElements() {
		for it := v.ElementIterator(); it.Next(); {
			k, arg := it.Element()
			key, ok1 := text(k)
			if val, ok2 := text(arg); ok1 && ok2 {
				e.Args[key] = val
			}
		}
	}
	return true
}
