package workspace

import (
	"os"

	"go.yaml.in/yaml/v3"
)

// Hadolint is what refit understands of a hadolint configuration, see
// https://github.com/hadolint/hadolint#configure.
type Hadolint struct {
	Path       string            `yaml:"-"`
	Ignored    []string          `yaml:"ignored"`
	Threshold  string            `yaml:"failure-threshold"`
	NoFail     bool              `yaml:"no-fail"`
	Registries []string          `yaml:"trustedRegistries"`
	Labels     map[string]string `yaml:"label-schema"`
	Strict     bool              `yaml:"strict-labels"`
}

// ReadHadolint reads a hadolint configuration. Other keys are hadolint's own
// business.
func ReadHadolint(path string) (*Hadolint, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h := &Hadolint{Path: path}
	if err := yaml.Unmarshal(data, h); err != nil {
		return nil, &ConfigError{Path: path, Msg: err.Error()}
	}
	return h, nil
}
