# The build context is the Go root of the machine.
ARG SUITE=trixie
FROM debian:${SUITE}-slim
ARG CA
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git make && rm -rf /var/lib/apt/lists/*
ENV GOPATH=/go GOTOOLCHAIN=local CGO_ENABLED=0
ENV PATH=$GOPATH/bin:/usr/local/go/bin:$PATH
COPY . /usr/local/go/
RUN go version && mkdir -p /go/src /go/bin && chmod -R 1777 /go
WORKDIR /go
