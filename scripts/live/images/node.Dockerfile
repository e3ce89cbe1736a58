FROM debian:12-slim
ARG CA
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY local/ /usr/local/
ENV NODE_VERSION=20 NODE_EXTRA_CA_CERTS=${CA:+/etc/ssl/certs/ca-certificates.crt}
RUN node --version && npm --version && yarn --version && pnpm --version
CMD ["node"]
