# Debian's compiler in the place of rustup's, with the folders of the official image.
FROM debian:bookworm-slim
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev rustc cargo && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /usr/local/cargo/bin && chmod -R a+w /usr/local/cargo && cargo --version
