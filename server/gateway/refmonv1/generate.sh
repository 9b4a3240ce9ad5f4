#!/bin/sh
# Regenerates the code of the API. It needs protoc (Debian package protobuf-compiler) and builds the plugins in the
# versions of go.mod.
set -e
bin=$(mktemp -d)
trap 'rm -r "$bin"' EXIT
go build -o "$bin" google.golang.org/protobuf/cmd/protoc-gen-go connectrpc.com/connect/cmd/protoc-gen-connect-go
PATH=$bin:$PATH protoc --go_out=. --go_opt=paths=source_relative --connect-go_out=. \
	--connect-go_opt=paths=source_relative refmon.proto
