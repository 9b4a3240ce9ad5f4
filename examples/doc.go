// Package examples contains the tests of this folder's example programs and of docs/adopt.md.
//
//	go run ./examples/impersonation
//	go run ./cmd/refmon run examples/impersonation.star
//	python3 examples/python/check.py ./refmon
//
// Folder webdav is a module of its own, because it needs golang.org/x/net, which refmon does not.
package examples
