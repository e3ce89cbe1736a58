package facts

import "testing"

func TestRuntimeOf(t *testing.T) {
	for _, c := range []struct{ ref, image string }{
		{"golang:1.22", "debian:bookworm-slim"}, {"golang:1.22.3", "debian:bookworm-slim"}, {"golang:1.26", "debian:trixie-slim"},
		{"golang:1.24.2", "debian:bookworm-slim"}, {"golang:1.24", "debian:trixie-slim"}, {"golang:1.20.3", "debian:bullseye-slim"},
		{"golang:1.26-bookworm", "debian:bookworm-slim"}, {"golang:bullseye", "debian:bullseye-slim"},
		{"golang:1.22-alpine", "alpine:3.21"}, {"golang:1.22.1-alpine3.19", "alpine:3.19"}, {"golang:alpine", "alpine:3"}, {"golang:1.26-alpine", "alpine:3"},
		{"golang:1.23", "debian:trixie-slim"}, {"golang:1.23.4", "debian:bookworm-slim"}, {"rust:1.89", "debian:trixie-slim"},
		{"golang", "debian:stable-slim"}, {"golang:latest", "debian:stable-slim"}, {"golang:1", "debian:stable-slim"},
		{"golang:1.10", ""}, {"golang:1.22rc1", ""}, {"golang:1.26@sha256:abc", ""}, {"golang:1.26-trixie@sha256:abc", "debian:trixie-slim"}, {"golang:1.22-nanoserver", ""},
		{"docker.io/library/golang:1.22", "docker.io/library/debian:bookworm-slim"}, {"public.ecr.aws/docker/library/golang:1.22-alpine3.20", "public.ecr.aws/docker/library/alpine:3.20"},
		{"example.com/golang:1.22", ""},
		{"rust:1.79", "debian:bookworm-slim"}, {"rust:1.79-slim-bullseye", "debian:bullseye-slim"}, {"rust:1.93", "debian:trixie-slim"}, {"rust:1.50", "debian:buster-slim"}, {"rust:slim", "debian:stable-slim"},
		{"rust:1.79-alpine", "alpine:3"}, {"rust:1.79-alpine3.20", "alpine:3.20"},
		{"node:20", "node:20-slim"}, {"node:20-bookworm", "node:20-bookworm-slim"}, {"node:20-slim", "node:20-slim"}, {"node:20.1.0-alpine3.19", "node:20.1.0-alpine3.19"}, {"node", "node:slim"}, {"node:lts", "node:lts-slim"},
		{"node:6", ""}, {"node:20-onbuild", ""},
		{"maven:3.9-eclipse-temurin-17", "eclipse-temurin:17-jre"}, {"maven:3.9.11-eclipse-temurin-25-noble", "eclipse-temurin:25-jre-noble"}, {"maven:3-eclipse-temurin-21-alpine", "eclipse-temurin:21-jre-alpine"},
		{"maven:3-jdk-8", "openjdk:8-jre"}, {"maven:3.8-openjdk-11-slim", "openjdk:11-jre-slim"}, {"maven:3.8-openjdk-17", ""}, {"maven:3", ""},
		{"gradle:8.7.0-jdk21", "eclipse-temurin:21-jre"}, {"gradle:7.6-jdk17-alpine", "eclipse-temurin:17-jre-alpine"}, {"gradle:8", ""},
		{"eclipse-temurin:17", "eclipse-temurin:17-jre"}, {"eclipse-temurin:17-jdk-jammy", "eclipse-temurin:17-jre-jammy"}, {"eclipse-temurin:17.0.8_7-jdk", "eclipse-temurin:17.0.8_7-jre"}, {"eclipse-temurin:17-jre", ""},
		{"openjdk:8-jdk-alpine", "openjdk:8-jre-alpine"}, {"openjdk:11", "openjdk:11-jre"}, {"openjdk:17", ""}, {"openjdk:8u265-jdk-slim", "openjdk:8-jre-slim"},
		{"python:3.12", ""}, {"scratch", ""},
	} {
		rt, _ := RuntimeOf(c.ref)
		got := rt.Image
		if _, why := RuntimeOf(c.ref); why != "" {
			got = ""
		}
		if got != c.image {
			t.Errorf("%s: %q, want %q", c.ref, got, c.image)
		}
	}
}
