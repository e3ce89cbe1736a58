FROM debian:12-slim
ARG CA
ARG INDEX
ENV LANG=C.UTF-8
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip && rm -rf /var/lib/apt/lists/* \
    && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python \
    && printf '[global]\nindex-url = %s\ntrusted-host = 127.0.0.1\ndisable-pip-version-check = true\nroot-user-action = ignore\n' "$INDEX" >/etc/pip.conf
CMD ["python3"]
