# syntax=docker/dockerfile:1
# refit in an image of its own: docker build -t refit . &&
# docker run --rm -v "$PWD:/work" refit fix --diff .
# (to rewrite files, add --user "$(id -u):$(id -g)")
FROM golang:1.26.8-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath \
        -ldflags "-s -w -X main.version=${VERSION}" -o /refit ./cmd/refit

FROM scratch
LABEL org.opencontainers.image.title="refit" \
      org.opencontainers.image.source="https://github.com/refit-dev/refit" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /refit /refit
WORKDIR /work
USER 65534:65534
ENTRYPOINT ["/refit"]
CMD ["--help"]
