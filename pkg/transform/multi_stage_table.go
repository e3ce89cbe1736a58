package transform

import (
	"github.com/refit-dev/refit/internal/lazy"
)

// compiler is what multi-stage knows of the projects of a language. Names are
// matched with path.Match against the last part of a path.
type compiler struct {
	name     string
	tools    []string // commands that only compile, fetch and check
	makes    string   // the commands that make what runs, for messages
	files    []string // files that only the compiler reads
	dirs     []string // folders that only the compiler reads or writes
	usual    []string // folders that hold nothing but sources by convention, for want of the build context
	sources  []string // the files that are looked through for markers
	starts   []string // markers of a program that starts other programs
	env      []string // variables that only the compiler reads; a * at the end stands for any rest
	whole    bool     // the folder of the project holds no toolchain and no intermediate files: it may be shipped as it is
	outputs  func(s *splitter, c *buildCall) []string
	artefact func(s *splitter) string // a reason against, or "": sets what is shipped
}

// plumbing are files that serve development, in every language.
var plumbing = []string{
	"Dockerfile*", "*.Dockerfile", "*.dockerfile", "Containerfile*", ".dockerignore", "docker-compose*.y*ml", "compose*.y*ml", "docker-bake.*",
	".git*", ".editorconfig", ".travis.yml", ".golangci.y*ml", ".pre-commit-config.yaml", "Makefile", "makefile", "GNUmakefile", "Taskfile.y*ml", "Jenkinsfile",
	"README*", "readme*", "CHANGELOG*", "CONTRIBUTING*", "CODE_OF_CONDUCT*", "SECURITY*", "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "CODEOWNERS", "*.iml", "renovate.json", "sonar-project.properties",
}

// plumbingDirs are folders of that kind.
var plumbingDirs = []string{".git", ".github", ".gitlab", ".circleci", ".vscode", ".idea", ".devcontainer"}

// nativeSources are sources that several compilers build through C.
var nativeSources = []string{"*.c", "*.h", "*.cc", "*.cpp", "*.cxx", "*.hpp", "*.s", "*.S", "*.proto"}

// compilePackages are packages of distributions that serve compiling and leave nothing that a compiled program needs.
var compilePackages = []string{
	"gcc", "g++", "make", "cmake", "ninja-build", "ninja", "samurai", "build-essential", "build-base", "alpine-sdk", "musl-dev", "libc-dev", "libc6-dev", "linux-headers", "binutils",
	"pkg-config", "pkgconf", "pkgconfig", "autoconf", "automake", "libtool", "gettext-dev", "bison", "flex", "clang", "llvm", "lld", "mold", "nasm", "yasm", "patch", "diffutils", "file",
	"git", "git-lfs", "openssh-client", "openssh", "mercurial", "subversion", "protobuf-compiler", "protoc", "protobuf", "protobuf-dev", "upx", "upx-ucl", "bash", "unzip", "zip", "xz-utils", "xz", "bzip2", "tar", "gzip",
	"curl", "wget", "gnupg", "gnupg2", "apt-transport-https", "apt-utils", "lsb-release", "software-properties-common", "musl-tools", "gcc-multilib", "maven", "gradle",
}

// rootPackages bring certificates and time zones, which the final stage gets from the builder.
var rootPackages = []string{"ca-certificates", "ca-certificates-bundle", "tzdata"}

// systemCommands are in every image with a shell.
var systemCommands = []string{"sh", "test", "[", "cat", "echo", "printf", "true", "false", "exit", "ls", "stat", "grep", "sed", "head", "tail", "cut", "sleep", "expr", "kill", "date", "id", "env", "find", "tr", "wc", "exec", ":"}

// neutralCommands leave nothing in the file system.
var neutralCommands = []string{"echo", "printf", "true", "false", ":", "set", "export", "unset", "test", "[", "ls", "cat", "pwd", "date", "uname", "which", "command", "type", "id", "whoami", "hash",
	"nproc", "grep", "head", "tail", "wc", "du", "df", "env", "printenv", "umask", "shopt", "basename", "dirname", "cut", "sort", "tr", "uniq", "stat", "sha256sum", "md5sum", "file", "sleep", "ulimit", "expr", "exit"}

// userCommands make users and groups.
var userCommands = []string{"useradd", "groupadd", "adduser", "addgroup", "usermod"}

// compilingTools are programs that call the compiler themselves: those that build
// anew when a source changes, debuggers, checkers.
var compilingTools = []string{
	"air", "arelo", "bee", "buffalo", "CompileDaemon", "dlv", "fresh", "gin", "ginkgo", "golangci-lint", "gopls", "gotestsum", "gow", "mage",
	"modd", "realize", "reflex", "refresh", "staticcheck", "wgo", "bacon", "cargo-watch", "systemfd", "trunk", "wasm-pack", "watchexec",
}

// compilers are the languages, made when they are asked for.
var compilers = lazy.Value[map[string]*compiler]{Make: func() map[string]*compiler {
	out := map[string]*compiler{}
	out["go"] = &compiler{
		name: "Go", makes: "go build or go install",
		tools: []string{"go", "gofmt", "goimports", "golangci-lint", "staticcheck", "govulncheck", "go-bindata", "packr", "packr2", "statik", "swag", "templ", "sqlc", "mockgen", "mockery", "stringer", "wire", "gqlgen", "protoc", "buf", "easyjson",
			"dep", "glide", "govendor", "strip", "upx", "gcc"},
		files:   append([]string{"*.go", "go.mod", "go.sum", "go.work", "go.work.sum", "Gopkg.toml", "Gopkg.lock", "glide.yaml", "glide.lock", ".air.toml", ".goreleaser*", "sqlc.y*ml", "buf.*yaml", "gqlgen.yml"}, nativeSources...),
		dirs:    []string{"vendor", "testdata"},
		usual:   []string{"cmd", "pkg", "internal"},
		sources: []string{"*.go"}, starts: []string{`"os/exec"`, `"plugin"`, "syscall.Exec("},
		env:   []string{"GO111MODULE", "GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GONOSUMCHECK", "GOSUMDB", "GOFLAGS", "GOOS", "GOARCH", "GOARM", "GOAMD64", "CGO_*", "GOCACHE", "GOMODCACHE", "GOBIN", "GOPATH", "GOTOOLCHAIN", "GOEXPERIMENT"},
		whole: true, outputs: goOutputs, artefact: (*splitter).nativeArtefact,
	}
	out["rust"] = &compiler{
		name: "Rust", makes: "cargo build or cargo install",
		tools:   []string{"cargo", "rustup", "rustc", "rustfmt", "protoc", "strip", "upx", "gcc"},
		files:   append([]string{"*.rs", "Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", "rustfmt.toml", ".rustfmt.toml", "clippy.toml", "deny.toml"}, nativeSources...),
		dirs:    []string{"target", ".cargo", "benches", "tests", "examples"},
		usual:   []string{"src"},
		sources: []string{"*.rs"}, starts: []string{"process::Command", "process::{", "libloading"},
		env:     []string{"RUSTFLAGS", "CARGO_*", "RUSTC_WRAPPER", "RUSTUP_*"},
		outputs: cargoOutputs, artefact: (*splitter).nativeArtefact,
	}
	out["java"] = &compiler{
		name: "Java", makes: "the build",
		tools:   []string{"mvn", "mvnw", "gradle", "gradlew", "javac", "jar"},
		files:   []string{"*.java", "*.kt", "*.kts", "*.scala", "*.groovy", "*.gradle", "pom.xml", "mvnw", "mvnw.cmd", "gradlew", "gradlew.bat", "gradle.properties", "*.versions.toml", "lombok.config", "settings.xml", "checkstyle*.xml"},
		dirs:    []string{"src", "target", "build", ".gradle", ".mvn", "gradle", "buildSrc"},
		usual:   []string{"src", "gradle", ".mvn", "buildSrc"},
		sources: []string{"*.java", "*.kt", "*.scala", "*.groovy"},
		starts:  []string{"ProcessBuilder", "Runtime.getRuntime().exec", "javax.tools", `"src/`},
		env:     []string{"MAVEN_OPTS", "MAVEN_CONFIG", "MAVEN_ARGS", "GRADLE_OPTS", "GRADLE_USER_HOME"},
		whole:   true, outputs: javaOutputs, artefact: (*splitter).javaArtefact,
	}
	out["node"] = &compiler{
		name: "Node", makes: "a build script",
		tools: []string{"npm", "yarn", "pnpm", "npx", "node", "ng", "tsc", "vite", "webpack"},
		files: []string{"*.js", "*.mjs", "*.cjs", "*.ts", "*.mts", "*.cts", "*.jsx", "*.tsx", "*.vue", "*.svelte", "*.scss", "*.less", "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "pnpm-workspace.yaml",
			".npmrc", ".yarnrc*", ".nvmrc", "tsconfig*.json", "jsconfig.json", ".eslintrc*", ".prettierrc*", ".babelrc*", ".browserslistrc", "angular.json", "nx.json", "turbo.json"},
		dirs:    []string{"node_modules", ".yarn", "test", "tests", "__tests__"},
		sources: []string{"*.js", "*.mjs", "*.cjs", "*.ts", "*.mts"}, starts: []string{"child_process"},
		env:     []string{"NPM_CONFIG_*", "npm_config_*", "YARN_*", "PNPM_HOME", "CI"},
		outputs: noOutputs, artefact: (*splitter).nodeArtefact,
	}
	return out
}}
