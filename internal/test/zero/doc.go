// Package zero tests one property of all public packages: a value that can grant denies until something was decided.
// The test calls each method that returns a bool or an NTSTATUS on the zero value of every exported type.
//
// It finds the types by their methods, by go/types from the export data of the build. found_test.go is generated from
// what it found. After you add a type, the test fails until you regenerate the file:
//
//	go test ./internal/test/zero -args -write
//
// The package exports nothing and has no state.
package zero
