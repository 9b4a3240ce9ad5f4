// Package zero holds one property as a test: what can say yes says no until
// something decided. The zero value of every exported type of the module's
// public packages is asked every method that returns a bool or an NTSTATUS.
//
// The types are found by their methods, by go/types from the export data of
// the build, and not from a list: found_test.go is generated, and a test
// compares it with what is found. A type that is added is asked as soon as it is
// generated anew, and the test fails until it is:
//
//	go test ./internal/test/zero -args -write
//
// The package exports nothing and has no state.
package zero
