package workspace

import (
	"reflect"
	"slices"
	"strings"

	"github.com/refit-dev/refit/pkg/emit"
	"github.com/refit-dev/refit/pkg/transform"
)

// Rules are the settings that a configuration file, a section of it or a
// command line can make. A nil field is not set. The tags are the one source
// of the file format: its checks, its JSON schema and the file that refit init
// writes.
type Rules struct {
	Select        []string          `toml:"select" doc:"Run only these transforms, by name or code. An unsafe one that is named here is applied." example:"[\"merge-run\", \"DL3009\"]"`
	Ignore        []string          `toml:"ignore" doc:"Do not run these transforms, by name or code." example:"[\"sort-packages\"]"`
	Unsafe        *bool             `toml:"unsafe" doc:"Also make changes that may alter what is installed or how the container starts." example:"false"`
	Cache         *string           `toml:"cache" choices:"clean mount" doc:"Delete package caches in the RUN that fills them (clean), or keep them in cache mounts (mount)." example:"\"clean\""`
	Stages        *string           `toml:"stages" choices:"ships all" doc:"Merge RUN instructions in the stages that end up in an image (ships), or in all." example:"\"ships\""`
	MergeStyle    *string           `toml:"merge-style" choices:"auto and heredoc" doc:"How merged RUN instructions are written: an && chain (and), a here-document (heredoc), or like the rest of the file (auto)." example:"\"auto\""`
	Dockerignore  *string           `toml:"dockerignore" choices:"create merge" doc:"Write a .dockerignore where there is none (create), or add to an existing one, too (merge)." example:"\"create\""`
	MaxLines      *int              `toml:"max-lines" min:"1" max:"10000" doc:"Merge no RUN beyond this many lines." example:"60"`
	Author        *string           `toml:"author" doc:"Add this author as the label org.opencontainers.image.authors." example:"\"Team <team@example.org>\""`
	LabelStyle    *string           `toml:"label-style" choices:"label maintainer" doc:"Write the author as a label, or as the deprecated MAINTAINER instruction." example:"\"label\""`
	Labels        map[string]string `toml:"labels" doc:"Labels to add to the images." example:"\"org.opencontainers.image.licenses\" = \"Apache-2.0\""`
	LabelsFromEnv map[string]string `toml:"labels-from-env" doc:"Labels with the value of an environment variable of refit." example:"\"org.example.build\" = \"BUILD_NUMBER\""`
	LabelsFromGit map[string]string `toml:"labels-from-git" choices:"revision branch tag remote date" doc:"Labels with a value from git: revision, branch, tag, remote or date." example:"\"org.opencontainers.image.revision\" = \"revision\""`
	Registries    []string          `toml:"trusted-registries" doc:"Report images from other registries; docker.io is Docker Hub, * stands for any letters." example:"[\"docker.io\", \"*.example.org\"]"`
	LabelSchema   map[string]string `toml:"label-schema" choices:"text url semver spdx rfc3339 hash email" doc:"Report images without these labels, and values that are not of the kind that is named: text, url, semver, spdx, rfc3339, hash or email." example:"\"org.opencontainers.image.licenses\" = \"spdx\""`
	StrictLabels  *bool             `toml:"strict-labels" doc:"Report labels that label-schema does not name." example:"false"`
	Context       *string           `toml:"context" doc:"The build context, relative to this file: lets transforms look at the files that are copied." example:"\".\""`
	BuildArgs     map[string]string `toml:"build-args" doc:"Values of build arguments." example:"VERSION = \"1.2\""`
	Targets       []string          `toml:"targets" doc:"The stages that are built as images; without it, the last one and others that nothing reads." example:"[\"app\"]"`
	FailOn        *string           `toml:"fail-on" choices:"note warning error" doc:"The least serious finding that makes refit lint exit with 1: a note (advice, unsafe changes), a warning (safe changes) or an error." example:"\"note\""`
	Hadolint      *bool             `toml:"hadolint" doc:"Honour .hadolint.yaml, too." example:"true"`
	Format        *Format           `toml:"format"`
}

// Format are the settings of the layout.
type Format struct {
	Enabled       *bool   `toml:"enabled" doc:"refit fix lays files out, too." example:"false"`
	Indent        *int    `toml:"indent" min:"1" max:"16" doc:"Columns per level of continuation lines." example:"4"`
	Tabs          *bool   `toml:"tabs" doc:"Indent with one tab per level." example:"false"`
	Width         *int    `toml:"width" min:"0" max:"100000" doc:"The column that lines should not pass; 0 for none." example:"100"`
	Operators     *string `toml:"operators" choices:"leading trailing" doc:"Where && and || stand at a line break." example:"\"leading\""`
	Newline       *string `toml:"newline" choices:"keep lf crlf" doc:"The line ending: that of the file (keep), lf or crlf." example:"\"keep\""`
	HeredocBodies *bool   `toml:"heredoc-bodies" doc:"Lay out the bodies of RUN here-documents, too." example:"false"`
	CacheNeutral  *bool   `toml:"cache-neutral" doc:"Leave the text of RUN instructions alone, so that no layer is built again." example:"false"`
}

// Over returns the rules with those of base where r sets nothing. Labels,
// label schemas and build arguments are joined key by key.
func (r Rules) Over(base Rules) Rules {
	out := base
	join(reflect.ValueOf(&out).Elem(), reflect.ValueOf(r))
	return out
}

func join(into, from reflect.Value) {
	for i := range from.NumField() {
		f := from.Field(i)
		if f.IsNil() {
			continue
		}
		to := into.Field(i)
		switch {
		case f.Kind() == reflect.Map && !to.IsNil():
			both := reflect.MakeMap(f.Type())
			for _, m := range []reflect.Value{to, f} {
				for it := m.MapRange(); it.Next(); {
					both.SetMapIndex(it.Key(), it.Value())
				}
			}
			to.Set(both)
		case f.Type() == reflect.TypeFor[*Format]() && !to.IsNil():
			both := reflect.New(f.Type().Elem())
			both.Elem().Set(to.Elem())
			join(both.Elem(), f.Elem())
			to.Set(both)
		default:
			to.Set(f)
		}
	}
}

// Apply sets the options that the rules say something about. The context, the
// labels from elsewhere and Format.Enabled are the caller's.
func (r *Rules) Apply(opt *transform.Options) {
	if r.Select != nil {
		opt.Select = r.Select
	}
	if r.Ignore != nil {
		opt.Ignore = r.Ignore
	}
	set(&opt.Unsafe, r.Unsafe)
	set(&opt.Cache, r.Cache)
	set(&opt.Stages, r.Stages)
	set(&opt.MergeStyle, r.MergeStyle)
	set(&opt.Dockerignore, r.Dockerignore)
	set(&opt.MaxLines, r.MaxLines)
	set(&opt.Author, r.Author)
	set(&opt.LabelStyle, r.LabelStyle)
	set(&opt.StrictLabels, r.StrictLabels)
	if r.Registries != nil {
		opt.Registries = r.Registries
	}
	if r.LabelSchema != nil {
		opt.LabelSchema = r.LabelSchema
	}
	if r.BuildArgs != nil {
		opt.Facts.BuildArgs = r.BuildArgs
	}
	if r.Targets != nil {
		opt.Facts.Targets = r.Targets
	}
	for _, k := range sortedKeys(r.Labels) {
		opt.Labels = append(opt.Labels, transform.Label{Key: k, Value: r.Labels[k]})
	}
}

// Style is the layout that the rules ask for.
func (r *Rules) Style() *emit.Style {
	st := emit.DefaultStyle()
	if f := r.Format; f != nil {
		set(&st.Indent, f.Indent)
		set(&st.Tabs, f.Tabs)
		set(&st.Width, f.Width)
		set(&st.Operators, f.Operators)
		set(&st.Newline, f.Newline)
		set(&st.HeredocBody, f.HeredocBodies)
		set(&st.CacheNeutral, f.CacheNeutral)
	}
	if st.Newline == "keep" {
		st.Newline = ""
	}
	return &st
}

func set[T any](into *T, from *T) {
	if from != nil {
		*into = *from
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// tomlName is a field's key in the file.
func tomlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
	return name
}
