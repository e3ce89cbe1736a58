# Debian's OpenJDK in the place of Temurin: PACKAGE is the development kit or the run-time environment alone.
FROM debian:bookworm-slim
ARG PACKAGE
ENV JAVA_HOME=/opt/java/openjdk PATH=/opt/java/openjdk/bin:$PATH LANG=C.UTF-8
RUN mkdir -p /usr/share/man/man1 && apt-get update && apt-get install -y --no-install-recommends ca-certificates curl wget $PACKAGE && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /opt/java && ln -s /usr/lib/jvm/java-17-openjdk-* /opt/java/openjdk && java -version
