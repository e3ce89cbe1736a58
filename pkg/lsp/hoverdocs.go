package lsp

import "path"

// referenceURL is Docker's reference; anchors of the tables follow it.
const referenceURL = "https://docs.docker.com/reference/dockerfile/"

type referenceDoc struct{ text, anchor string }

// instructionDocs says what BuildKit does for each instruction.
var instructionDocs = map[string]referenceDoc{
	"ADD":         {"copies files from the build context, and unpacks local tar archives, downloads URLs and clones Git repositories. Makes a layer. Where none of these is meant, COPY says so.", "#add"},
	"ARG":         {"declares a variable for the build, settable with `--build-arg`. It is not kept in the image's configuration, but its value is part of the cache key of each RUN behind it and can be read from the history.", "#arg"},
	"CMD":         {"sets the default command of a container, or the default arguments of ENTRYPOINT. The last one counts. Makes no layer.", "#cmd"},
	"COPY":        {"copies files from the build context, or with `--from` from another stage or image. Makes a layer, which is rebuilt when the content of the files changes.", "#copy"},
	"ENTRYPOINT":  {"sets the program that a container runs. The shell form runs below `/bin/sh -c` and gets no signals. Makes no layer.", "#entrypoint"},
	"ENV":         {"sets variables for the following instructions and for containers. Makes no layer.", "#env"},
	"EXPOSE":      {"documents the ports that a container listens on. It publishes none. Makes no layer.", "#expose"},
	"FROM":        {"starts a build stage from a base image or an earlier stage. Only the stages that the target needs are built.", "#from"},
	"HEALTHCHECK": {"sets the command that tells whether a container still works. Makes no layer.", "#healthcheck"},
	"LABEL":       {"adds metadata to the image. Makes no layer.", "#label"},
	"MAINTAINER":  {"sets the image's author. Deprecated: use `LABEL org.opencontainers.image.authors`.", "#maintainer-deprecated"},
	"ONBUILD":     {"stores an instruction that runs when another build uses this image as its base.", "#onbuild"},
	"RUN":         {"runs a command and keeps the changed files as a layer. The text of the command, white space included, is part of the layer's cache key. What a later RUN deletes stays in this layer.", "#run"},
	"SHELL":       {"sets the shell that runs the shell form of the following instructions. Makes no layer.", "#shell"},
	"STOPSIGNAL":  {"sets the signal that stops a container. Makes no layer.", "#stopsignal"},
	"USER":        {"sets the user of the following RUN, CMD and ENTRYPOINT. COPY and ADD still create files of root. Makes no layer.", "#user"},
	"VOLUME":      {"declares mount points for containers. Makes no layer.", "#volume"},
	"WORKDIR":     {"sets the working directory of the following instructions and creates it if it is missing.", "#workdir"},
}

// flagDocs says what the builder flags do.
var flagDocs = map[string]referenceDoc{
	"ADD --checksum":             {"the expected digest of a downloaded file, or the commit of a Git source. The build fails if it differs.", "#add---checksum"},
	"ADD --chmod":                {"the mode of the files in the image.", "#add---chmod"},
	"ADD --chown":                {"the owner of the files in the image; without it they belong to root.", "#add---chown"},
	"ADD --exclude":              {"a pattern of paths that are not copied.", "#add---exclude"},
	"ADD --keep-git-dir":         {"keeps the `.git` folder of a Git source.", "#add---keep-git-dir"},
	"ADD --link":                 {"makes a layer that does not depend on those before it, so that it stays in the cache when they change.", "#add---link"},
	"ADD --unpack":               {"says whether an archive is unpacked, whatever its source.", "#add---unpack"},
	"COPY --chmod":               {"the mode of the files in the image. Saves the layer that a `RUN chmod` would make.", "#copy---chmod"},
	"COPY --chown":               {"the owner of the files in the image; without it they belong to root. Saves the layer that a `RUN chown` would make.", "#copy---chown"},
	"COPY --exclude":             {"a pattern of paths that are not copied.", "#copy---exclude"},
	"COPY --from":                {"copies from a stage, a named context or an image instead of the build context.", "#copy---from"},
	"COPY --link":                {"makes a layer that does not depend on those before it, so that it stays in the cache when they change. Symbolic links in the destination path are not followed.", "#copy---link"},
	"COPY --parents":             {"keeps the sources' parent folders.", "#copy---parents"},
	"FROM --platform":            {"the platform of the base image, when it is not the target's. `$BUILDPLATFORM` runs the stage natively.", "#from"},
	"HEALTHCHECK --interval":     {"the time between two checks, 30 s by default.", "#healthcheck"},
	"HEALTHCHECK --retries":      {"the number of failures in a row that make a container unhealthy, 3 by default.", "#healthcheck"},
	"HEALTHCHECK --start-period": {"the time at the start in which failures do not count, 0 s by default.", "#healthcheck"},
	"HEALTHCHECK --timeout":      {"the time after which a check counts as failed, 30 s by default.", "#healthcheck"},
	"RUN --device":               {"makes a device available to the command.", "#run---device"},
	"RUN --mount":                {"mounts something for this command only: `type=bind` files of the context or a stage, `type=cache` a folder that is kept between builds, `type=tmpfs` memory, `type=secret` a secret, `type=ssh` an agent. Nothing of it gets into the layer.", "#run---mount"},
	"RUN --network":              {"the network of the command: `default`, `none` or `host`.", "#run---network"},
	"RUN --security":             {"`insecure` runs the command with elevated privileges.", "#run---security"},
}

// argumentDocs says what flags of commands inside RUN do, where it matters for
// an image's size or its cache. Keys are "command flag" or
// "command subcommand flag".
var argumentDocs = map[string]string{
	"apk --no-cache":                      "reads the package index without keeping it, so that no `apk update` and no `rm -rf /var/cache/apk/*` is needed.",
	"apk --update":                        "fetches the package index first and keeps it in the layer; `--no-cache` does not keep it.",
	"apk add --virtual":                   "names the packages as a group, so that `apk del NAME` removes them again. It frees space only in the same RUN.",
	"apk add -t":                          "names the packages as a group (`--virtual`), so that `apk del NAME` removes them again. It frees space only in the same RUN.",
	"apt --no-install-recommends":         "installs what the packages need, without what they recommend.",
	"apt -y":                              "answers questions with yes: a build has no terminal.",
	"apt -q":                              "prints less progress.",
	"bundle install --without":            "leaves groups of gems out.",
	"cargo build --locked":                "fails if Cargo.lock would change.",
	"cargo build --release":               "builds with optimizations.",
	"cargo install --locked":              "uses the Cargo.lock of the crate.",
	"composer install --no-dev":           "leaves the development dependencies out.",
	"conda -y":                            "answers questions with yes: a build has no terminal.",
	"curl -f":                             "fails on an HTTP error instead of saving the error page.",
	"curl --fail":                         "fails on an HTTP error instead of saving the error page.",
	"curl -L":                             "follows redirects.",
	"curl -S":                             "shows errors in spite of `-s`.",
	"curl -s":                             "shows neither progress nor errors.",
	"curl -k":                             "does not verify the server's certificate.",
	"dnf --nodocs":                        "installs packages without documentation.",
	"dnf -y":                              "answers questions with yes: a build has no terminal.",
	"dnf --setopt":                        "sets an option for this call, such as `install_weak_deps=False` or `tsflags=nodocs`.",
	"gem install --no-document":           "installs gems without documentation.",
	"go build -ldflags":                   "passes flags to the linker; `-s -w` leaves symbols and debug information out.",
	"go build -trimpath":                  "leaves file system paths out of the binary, so that it is the same wherever it is built.",
	"npm --omit":                          "leaves a group of dependencies out, such as `dev`.",
	"npm --production":                    "leaves development dependencies out; `--omit=dev` is its name today.",
	"npm cache --force":                   "`npm cache clean` refuses to work without it.",
	"npm --ignore-scripts":                "runs no scripts of the packages.",
	"pip install --no-cache-dir":          "keeps no downloaded wheels and sources in the layer.",
	"pip install --no-compile":            "writes no `.pyc` files.",
	"pip install --no-deps":               "installs the packages without their dependencies.",
	"pip install --require-hashes":        "accepts only files whose digests the requirements file lists.",
	"pip install -r":                      "installs what a requirements file lists.",
	"pip install --user":                  "installs into the user's home instead of the system.",
	"pip install -U":                      "upgrades to the newest version.",
	"pnpm install --frozen-lockfile":      "fails if the lock file would change.",
	"rm -f":                               "ignores missing files.",
	"rm -r":                               "removes folders with their content.",
	"set -e":                              "ends the script at the first command that fails.",
	"set -u":                              "treats unset variables as errors.",
	"set -x":                              "prints each command before it runs.",
	"set -o":                              "sets an option by name; with `pipefail` a pipeline fails if any of its commands fails.",
	"tar -C":                              "changes to a folder first.",
	"tar --strip-components":              "drops leading parts of the paths in the archive.",
	"useradd -l":                          "writes no entry to lastlog and faillog, which grow with large user ids (`--no-log-init`).",
	"useradd --no-log-init":               "writes no entry to lastlog and faillog, which grow with large user ids.",
	"wget --no-check-certificate":         "does not verify the server's certificate.",
	"wget -O":                             "the name of the file to write, `-` for standard output.",
	"wget -q":                             "prints nothing.",
	"yarn install --frozen-lockfile":      "fails if the lock file would change.",
	"yarn install --production":           "leaves development dependencies out.",
	"yarn install --immutable":            "fails if the lock file would change.",
	"zypper --no-recommends":              "installs what the packages need, without what they recommend.",
	"zypper -n":                           "asks no questions (`--non-interactive`).",
	"zypper --non-interactive":            "asks no questions.",
	"pip install --break-system-packages": "installs into an environment that the distribution manages.",
}

// commandAlias gives the name under which argumentDocs knows a command.
func commandAlias(command string) string {
	switch name := path.Base(command); name {
	case "apt-get", "aptitude":
		return "apt"
	case "pip2", "pip3":
		return "pip"
	case "yum", "microdnf":
		return "dnf"
	case "mamba", "micromamba":
		return "conda"
	default:
		return name
	}
}
