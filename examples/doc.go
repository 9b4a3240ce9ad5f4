// Package examples is a folder of programs to start from, and the tests that
// keep them and docs/adopt.md true.
//
//	go run ./cmd/refmon run examples/impersonation.star
//	python3 examples/python/check.py ./refmon
//
// Folder search is a package; webdav is a module of its own, because it needs
// golang.org/x/net, which refmon does not. It has no types and no guards.
package examples
