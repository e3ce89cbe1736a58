package transform

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// layout marks what the formatter does.
const layoutOwner = "layout"

// external is a rule of another tool.
type external struct {
	name, what string
	by         string // the transform that does it, where it does not list the name as a code; layoutOwner
	not        string // why it is not ours
}

// hadolintRules are hadolint's own rules, see
// https://github.com/hadolint/hadolint#rules.
var hadolintRules = []external{
	{name: "DL1001", what: "no inline ignore pragmas", not: "pragmas are how users tell us what to leave alone"},
	{name: "DL3000", what: "absolute WORKDIR"},
	{name: "DL3001", what: "no ssh, vim, shutdown, … in RUN", not: "no rewrite can tell what was meant"},
	{name: "DL3002", what: "last user not root"},
	{name: "DL3003", what: "WORKDIR instead of cd"},
	{name: "DL3004", what: "no sudo"},
	{name: "DL3006", what: "tag the base image (safe with refit.lock, advice without)"},
	{name: "DL3007", what: "no latest (safe with refit.lock, advice without)"},
	{name: "DL3008", what: "pin apt packages", not: "versions leave the archive: a pinned build breaks within weeks"},
	{name: "DL3009", what: "delete the apt lists"},
	{name: "DL3010", what: "ADD for archives"},
	{name: "DL3011", what: "valid ports", not: "no rewrite can tell which port was meant"},
	{name: "DL3012", what: "one HEALTHCHECK"},
	{name: "DL3013", what: "pin pip packages", not: "needs the index, and a decision"},
	{name: "DL3014", what: "apt-get -y"},
	{name: "DL3015", what: "--no-install-recommends"},
	{name: "DL3016", what: "pin npm packages", not: "needs the registry, and a decision"},
	{name: "DL3018", what: "pin apk packages", not: "versions leave the repository: a pinned build breaks within weeks"},
	{name: "DL3019", what: "apk --no-cache"},
	{name: "DL3020", what: "COPY instead of ADD"},
	{name: "DL3021", what: "COPY of several sources needs a slash"},
	{name: "DL3022", what: "COPY --from a defined stage", not: "an image or a named context may be meant"},
	{name: "DL3023", what: "COPY --from its own stage", not: "BuildKit refuses it"},
	{name: "DL3024", what: "unique stage names", not: "no rewrite can tell which stage was meant"},
	{name: "DL3025", what: "JSON for CMD and ENTRYPOINT"},
	{name: "DL3026", what: "allowed registries"},
	{name: "DL3027", what: "apt-get instead of apt"},
	{name: "DL3028", what: "pin gems", not: "needs the index, and a decision"},
	{name: "DL3029", what: "no --platform on FROM", not: "often wanted; what is redundant goes with redundant-platform"},
	{name: "DL3030", what: "yum -y"},
	{name: "DL3032", what: "yum clean all"},
	{name: "DL3033", what: "pin yum packages", not: "versions leave the repository"},
	{name: "DL3034", what: "zypper without questions"},
	{name: "DL3035", what: "no zypper dist-upgrade"},
	{name: "DL3036", what: "zypper clean"},
	{name: "DL3037", what: "pin zypper packages", not: "versions leave the repository"},
	{name: "DL3038", what: "dnf -y"},
	{name: "DL3040", what: "dnf clean all"},
	{name: "DL3041", what: "pin dnf packages", not: "versions leave the repository"},
	{name: "DL3042", what: "pip --no-cache-dir"},
	{name: "DL3043", what: "no FROM in ONBUILD", not: "BuildKit refuses it"},
	{name: "DL3044", what: "ENV that refers to itself"},
	{name: "DL3045", what: "COPY to a relative path without WORKDIR", not: "the base image may set one"},
	{name: "DL3046", what: "useradd -l"},
	{name: "DL3047", what: "wget --progress"},
	{name: "DL3048", what: "valid label keys", not: "no rewrite can tell which key was meant"},
	{name: "DL3049", what: "missing label"},
	{name: "DL3050", what: "superfluous labels"},
	{name: "DL3051", what: "empty label"},
	{name: "DL3052", what: "label is a URL"},
	{name: "DL3053", what: "label is a time"},
	{name: "DL3054", what: "label is a licence"},
	{name: "DL3055", what: "label is a git hash"},
	{name: "DL3056", what: "label is a version"},
	{name: "DL3057", what: "missing HEALTHCHECK", not: "only the author knows what healthy means"},
	{name: "DL3058", what: "label is an e-mail address"},
	{name: "DL3059", what: "merge consecutive RUNs"},
	{name: "DL3060", what: "yarn cache clean"},
	{name: "DL3061", what: "instruction before FROM", not: "BuildKit refuses it"},
	{name: "DL3062", what: "pin go install", not: "needs the module proxy, and a decision"},
	{name: "DL3063", what: "reserved stage name", not: "no rewrite can tell what refers to it from outside"},
	{name: "DL3064", what: "secrets in ARG or ENV"},
	{name: "DL3065", what: "redundant --platform"},
	{name: "DL3066", what: "USER by number", not: "a name is as good where the image defines it"},
	{name: "DL3067", what: "no COPY of a whole file system", not: "it can be meant: it makes one layer of an image"},
	{name: "DL3068", what: "cache mount for npm (with --cache mount)", by: "npm-clean"},
	{name: "DL3069", what: "cache mounts for cargo (with --cache mount)", by: "cargo-clean"},
	{name: "DL3070", what: "cache mounts for Go (with --cache mount)", by: "go-clean"},
	{name: "DL3071", what: "cache mount for Maven", not: "no transform is about Maven's cache"},
	{name: "DL3072", what: "cache mount for Gradle", not: "no transform is about Gradle's cache"},
	{name: "DL3073", what: "cache mount for Composer (with --cache mount)", by: "composer-clean"},
	{name: "DL3074", what: "cache mount for NuGet", not: "no transform is about NuGet's cache"},
	{name: "DL3075", what: "cache mount for pnpm (with --cache mount)", by: "pnpm-clean"},
	{name: "DL3076", what: "cache mounts for Mix", not: "no transform is about Mix's cache"},
	{name: "DL3077", what: "cache mount for gem and bundler", not: "the folder that hadolint names holds the gems themselves, which the image needs"},
	{name: "DL4000", what: "MAINTAINER is deprecated"},
	{name: "DL4001", what: "wget or curl, not both", not: "their options differ too much to exchange one for the other"},
	{name: "DL4003", what: "one CMD"},
	{name: "DL4004", what: "one ENTRYPOINT"},
	{name: "DL4005", what: "SHELL instead of ln -s /bin/bash /bin/sh", not: "programs in the image may rely on the link"},
	{name: "DL4006", what: "pipefail"},
	{name: "DL4007", what: "no COPY .", not: "which files are needed, only the author knows; the transform dockerignore keeps out what no build needs"},
}

// buildkitChecks are BuildKit's build checks, see
// https://docs.docker.com/reference/build-checks/.
var buildkitChecks = []external{
	{name: "StageNameCasing", by: layoutOwner, what: "lower-case stage names"},
	{name: "FromAsCasing", by: layoutOwner, what: "FROM and AS in one case"},
	{name: "NoEmptyContinuation", by: layoutOwner, what: "no empty continuation lines"},
	{name: "ConsistentInstructionCasing", by: layoutOwner, what: "instructions in one case"},
	{name: "DuplicateStageName", what: "unique stage names", not: "no rewrite can tell which stage was meant"},
	{name: "ReservedStageName", what: "reserved stage names", not: "no rewrite can tell what refers to it from outside"},
	{name: "JSONArgsRecommended", what: "JSON for CMD and ENTRYPOINT"},
	{name: "MaintainerDeprecated", what: "MAINTAINER is deprecated"},
	{name: "UndefinedArgInFrom", what: "FROM uses an undefined ARG", not: "no rewrite can tell the value"},
	{name: "WorkdirRelativePath", what: "absolute WORKDIR"},
	{name: "UndefinedVar", what: "undefined variables", not: "the base image may set them"},
	{name: "MultipleInstructionsDisallowed", what: "one CMD, ENTRYPOINT, HEALTHCHECK"},
	{name: "LegacyKeyValueFormat", what: "key=value"},
	{name: "InvalidBaseImagePlatform", what: "the base image is for another platform", not: "needs the registry"},
	{name: "RedundantTargetPlatform", what: "redundant --platform"},
	{name: "SecretsUsedInArgOrEnv", what: "secrets in ARG or ENV"},
	{name: "InvalidDefaultArgInFrom", what: "default of an ARG gives no image", not: "no rewrite can tell the value"},
	{name: "FromPlatformFlagConstDisallowed", what: "constant --platform", not: "often wanted: only one platform may exist"},
	{name: "CopyIgnoredFile", what: "COPY of what .dockerignore excludes", not: "no rewrite can tell which of the two is wrong"},
	{name: "InvalidDefinitionDescription", what: "comments that look like descriptions", not: "comments are the author's"},
	{name: "ExposeProtoCasing", what: "lower-case protocols in EXPOSE", not: "BuildKit takes both"},
	{name: "ExposeInvalidFormat", what: "EXPOSE with an address", not: "no rewrite can tell what was meant"},
}

// parfumRepairs are Docker-Parfum's, see
// https://github.com/tdurieux/docker-parfum#supported-rules.
var parfumRepairs = []external{
	{name: "curlUseFlagL", what: "curl -L"}, {name: "ruleMoreThanOneInstall", what: "one RUN for installs"}, {name: "curlUseFlagF", what: "curl -f"},
	{name: "npmCacheCleanAfterInstall", what: "npm cache clean"}, {name: "npmCacheCleanUseForce", what: "npm cache clean --force"},
	{name: "yarnCacheCleanAfterInstall", what: "yarn cache clean"}, {name: "rmRecursiveAfterMktempD", what: "rm -r what mktemp -d made"},
	{name: "curlUseHttpsUrl", what: "https for curl"}, {name: "wgetUseHttpsUrl", what: "https for wget"}, {name: "pipUseNoCacheDir", what: "pip --no-cache-dir"},
	{name: "mkdirUsrSrcThenRemove", what: "rm -rf /usr/src"}, {name: "configureShouldUseBuildFlag", what: "configure --build"},
	{name: "gemUpdateSystemRmRootGem", what: "rm -rf /root/.gem"}, {name: "sha256sumEchoOneSpaces", what: "blanks in sha256sum's input"},
	{name: "gemUpdateNoDocument", what: "gem --no-document"}, {name: "gpgVerifyAscRmAsc", what: "rm the signature"}, {name: "yumInstallForceYes", what: "yum -y"},
	{name: "yumInstallRmVarCacheYum", what: "rm -rf /var/cache/yum"}, {name: "tarSomethingRmTheSomething", what: "rm the archive"},
	{name: "gpgUseBatchFlag", what: "gpg --batch"}, {name: "gpgUseHaPools", what: "ha.pool key servers", not: "the pool is gone since 2021"},
	{name: "aptGetInstallUseY", what: "apt-get -y"}, {name: "aptGetInstallUseNoRec", what: "--no-install-recommends"},
	{name: "aptGetUpdatePrecedesInstall", what: "update and install in one RUN"}, {name: "aptGetInstallThenRemoveAptLists", what: "delete the apt lists"},
	{name: "apkAddUseNoCache", what: "apk --no-cache"},
	{name: "DL3002", what: "last user not root"}, {name: "DL3004", what: "no sudo"}, {name: "DL3020", what: "COPY instead of ADD"},
	{name: "DL3027", what: "apt-get instead of apt"}, {name: "DL3029", what: "no --platform on FROM", not: "often wanted"}, {name: "DL3046", what: "useradd -l"},
}

// tallyRules are the rules of tally's own, see
// https://github.com/wharflab/tally/tree/main/_docs/rules/tally. Those that it
// takes from hadolint and BuildKit are in the tables above.
var tallyRules = []external{
	{name: "circular-stage-deps", what: "no circles of stages", not: "BuildKit refuses it"},
	{name: "consistent-indentation", what: "one indent", by: layoutOwner},
	{name: "copy-after-user-without-chown", what: "COPY --chown behind USER", not: "whether the user should own the files, only the author knows"},
	{name: "copy-from-empty-scratch-stage", what: "COPY from an empty stage", not: "no rewrite can tell what was meant"},
	{name: "curl-should-follow-redirects", what: "curl -L", by: "curl-fail"},
	{name: "eol-last", what: "a line ending at the end", by: layoutOwner},
	{name: "epilogue-order", what: "STOPSIGNAL, HEALTHCHECK, ENTRYPOINT, CMD last", by: "final-order"},
	{name: "invalid-json-form", what: "a JSON form that is none", not: "no rewrite can tell which form was meant"},
	{name: "invalid-onbuild-trigger", what: "triggers that ONBUILD refuses", not: "BuildKit refuses it"},
	{name: "max-lines", what: "length of the file", not: "a policy of the user's"},
	{name: "named-identity-in-passwdless-stage", what: "names of users in an image without passwd", not: "no rewrite can tell the number"},
	{name: "newline-between-instructions", what: "blank lines between instructions", by: layoutOwner},
	{name: "newline-per-chained-call", what: "one command a line", by: layoutOwner},
	{name: "no-multi-spaces", what: "one space", by: layoutOwner},
	{name: "no-multiple-empty-lines", what: "at most one blank line", by: layoutOwner},
	{name: "no-trailing-spaces", what: "no blanks at line ends", by: layoutOwner},
	{name: "no-ungraceful-stopsignal", what: "STOPSIGNAL SIGKILL", not: "which signal the program understands, only the author knows"},
	{name: "prefer-canonical-stopsignal", what: "names of signals", not: "BuildKit takes numbers and names alike"},
	{name: "prefer-nginx-sigquit", what: "STOPSIGNAL SIGQUIT for nginx", not: "which signal the program understands, only the author knows"},
	{name: "prefer-systemd-sigrtmin-plus-3", what: "STOPSIGNAL SIGRTMIN+3 for systemd", not: "which signal the program understands, only the author knows"},
	{name: "no-unreachable-stages", what: "stages that nothing uses", not: "a target may be built by name"},
	{name: "platform-mismatch", what: "the base image is for another platform", not: "needs the registry"},
	{name: "prefer-add-git", what: "ADD of a repository instead of git clone", not: "a clone with its history is not the same as an export"},
	{name: "prefer-add-unpack", what: "ADD --unpack, ADD of archives", by: "add-unpack"},
	{name: "prefer-copy-chmod", what: "COPY --chmod", by: "copy-chmod"},
	{name: "prefer-copy-heredoc", what: "COPY of a here-document instead of echo", not: "echo and COPY differ in owner, mode and expansion"},
	{name: "prefer-curl-config", what: "retries for curl in a .curlrc", not: "a policy of the user's; the file would stay in the image"},
	{name: "prefer-wget-config", what: "retries for wget in a .wgetrc", not: "a policy of the user's; the file would stay in the image"},
	{name: "prefer-formatted-heredocs", what: "JSON, YAML, … in here-documents laid out", not: "the text of a here-document is data: its layout may matter"},
	{name: "prefer-multi-stage-build", what: "compile in a stage of its own", by: "multi-stage"},
	{name: "prefer-package-cache-mounts", what: "--cache mount", by: "apt-clean"},
	{name: "prefer-run-heredoc", what: "style = \"heredoc\"", by: "merge-run"},
	{name: "prefer-telemetry-opt-out", what: "variables against telemetry", not: "a policy of the user's"},
	{name: "prefer-vex-attestation", what: "VEX documents", not: "no matter of the Dockerfile alone"},
	{name: "require-secret-mounts", what: "secrets through mounts", not: "a policy of the user's"},
	{name: "require-stages", what: "more than one stage", not: "a policy of the user's"},
	{name: "secrets-in-code", what: "keys and tokens anywhere in the text", not: "needs the formats of keys; secrets in ENV and ARG are found by the transform secrets"},
	{name: "shell-run-in-scratch", what: "RUN in an empty image", not: "no rewrite can tell what was meant"},
	{name: "sort-packages", what: "sorted package lists", by: "sort-packages"},
	{name: "stateful-root-runtime", what: "state and root", by: "root-user"},
	{name: "syntax-directive-typo", what: "a # syntax= line that is none", not: "no rewrite can tell what was meant"},
	{name: "unknown-instruction", what: "instructions that do not exist", not: "BuildKit refuses it"},
	{name: "user-created-but-never-used", what: "users that USER never names", not: "the container's start may use it"},
	{name: "user-explicit-group-drops-supplementary-groups", what: "USER name:group", not: "whether the other groups are wanted, only the author knows"},
	{name: "world-writable-state-path-workaround", what: "chmod 777", not: "who must write there, only the author knows"},
	{name: "labels/no-duplicate-keys", what: "a label that is set twice", not: "the last one counts: harmless, and which one was meant only the author knows"},
	{name: "labels/prefer-grouped", what: "one LABEL for all", by: "merge-metadata"},
	{name: "labels/no-buildx-git-overlap", what: "labels that buildx sets", not: "how the image is built is not in the file"},
	{name: "labels/no-stale-base-digest", what: "label with the digest of the base image", not: "needs the registry"},
	{name: "labels/prefer-stable-order", what: "order of labels", not: "a policy of the user's"},
	{name: "labels/valid-key", what: "valid label keys", not: "no rewrite can tell which key was meant"},
	{name: "ruby/leftover-bundler-cache", what: "Bundler's cache", by: "gem-no-document"},
	{name: "ruby/prefer-bundler-cache-mount", what: "--cache mount", by: "gem-no-document"},
	{name: "ruby/secrets-in-arg-or-env", what: "secrets in ENV and ARG", by: "secrets"},
	{name: "ruby/*", what: "the other fourteen for Rails applications", not: "a field of its own"},
	{name: "gpu/*", what: "CUDA images", not: "a field of its own"},
	{name: "js/node-gyp-cache-mounts", what: "a cache mount for node-gyp's headers", not: "small, and only where the build uses node-gyp"},
	{name: "php/composer-no-dev-in-production", what: "composer --no-dev", not: "which dependencies are needed, only the author knows"},
	{name: "php/enable-opcache-in-production, no-xdebug-in-final-image", what: "PHP extensions", not: "a field of its own"},
	{name: "powershell/*, windows/*", what: "Windows images", not: "PowerShell and cmd are left alone"},
}

// pending are transforms of the catalogue that do not exist yet, with the
// codes that they will own. A row must go when its transform comes.
var pending = map[string][]string{
	"workdir-absolute": {"DL3000", "WorkdirRelativePath"}, "cd-workdir": {"DL3003"}, "exec-form": {"DL3025", "JSONArgsRecommended"},
	"copy-dir-slash": {"DL3021"}, "env-self": {"DL3044"}, "redundant-platform": {"DL3065", "RedundantTargetPlatform"}, "add-unpack": {"DL3010"},
	"dist-upgrade": {"DL3035"}, "sudo": {"DL3004"}, "pipefail": {"DL4006"}, "pin-base": {"DL3006", "DL3007"}, "root-user": {"DL3002"}, "secret-env": {"SecretsUsedInArgOrEnv"},
	"final-order": {}, "multi-stage": {},
}

// status says what refit does about an external rule.
func status(t *testing.T, e external) string {
	owners := Lookup(e.name)
	if e.by != "" && e.by != layoutOwner {
		owners = nil
		if ts := Lookup(e.by); len(ts) > 0 {
			owners = ts
		}
	}
	var names []string
	best := Advice
	for _, o := range owners {
		names = append(names, "`"+o.Name+"`")
		best = max(best, o.Safety)
	}
	waits := ""
	for name, codes := range pending {
		if slices.Contains(codes, e.name) || e.by == name {
			waits = name
		}
	}
	switch {
	case len(owners) > 0 && best == Safe:
		return "fixed safely | " + strings.Join(names, ", ")
	case len(owners) > 0 && best == Unsafe:
		return "fixed unsafely | " + strings.Join(names, ", ")
	case len(owners) > 0:
		return "advice | " + strings.Join(names, ", ")
	case e.by == layoutOwner:
		return "fixed by the layout | `refit fmt`"
	case e.not != "":
		return "not ours | " + e.not
	case waits != "":
		return "not yet | `" + waits + "`"
	}
	t.Errorf("%s: no transform owns it, and no reason says why", e.name)
	return ""
}

// TestCoverage generates docs/coverage.md and checks that each rule of the
// other tools has an owner or a reason.
func TestCoverage(t *testing.T) {
	for name := range pending {
		if ts := Lookup(name); len(ts) > 0 {
			// Its codes must be its own now.
			for _, code := range pending[name] {
				if !slices.ContainsFunc(Lookup(code), func(o *Transform) bool { return o.Name == name }) {
					t.Errorf("%s exists but does not own %s", name, code)
				}
			}
		}
	}
	var b strings.Builder
	b.WriteString("# Coverage\n\nWhat refit does about the rules of other tools. Generated by `go test ./pkg/transform -run TestCoverage -update`; do not edit.\n")
	for _, part := range []struct {
		title string
		rules []external
	}{{"hadolint", hadolintRules}, {"BuildKit's build checks", buildkitChecks}, {"Docker-Parfum's repairs", parfumRepairs}, {"tally's own rules", tallyRules}} {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | about | refit | by, or why not |\n|---|---|---|---|\n", part.title)
		for _, e := range part.rules {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", e.name, e.what, status(t, e))
		}
	}
	const path = "../../docs/coverage.md"
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A row that says "not yet" may be behind: the page is generated again with
	// the next change of its own.
	old, now := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	if len(old) == len(now) {
		for i := range old {
			if strings.Contains(old[i], "| not yet |") {
				now[i] = old[i]
			}
		}
	}
	if diff := cmp.Diff(old, now); diff != "" {
		t.Errorf("docs/coverage.md is out of date (run with -update): %s", diff)
	}
}
