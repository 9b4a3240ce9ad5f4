// Package check shortens the checks that most tests make. It is for tests only.
//
// NoError, Success, Require, RequireThat and Eventually end the test, because later steps need the one that failed.
// Equal and That report an error, and the test goes on. They call Helper only to fail, because it walks the stack:
// tests check in loops of many turns.
package check

import (
	"testing"
	"time"

	"github.com/refmon/refmon/ntstatus"
)

// NoError ends the test with err unless err is nil. Call it from the test's own goroutine.
func NoError(t testing.TB, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// Success ends the test with st unless st is STATUS_SUCCESS. Call it from the test's own goroutine.
func Success(t testing.TB, st ntstatus.Status) {
	if st != ntstatus.Success {
		t.Helper()
		t.Fatal(st)
	}
}

// Equal reports an error that has both values if got is not want. The format and its arguments name the compared value.
// Strings are quoted.
func Equal[T comparable](t testing.TB, got, want T, format string, args ...any) {
	if got == want {
		return
	}
	t.Helper()
	verb := "%v, want %v"
	if _, ok := any(got).(string); ok {
		verb = "%q, want %q"
	}
	t.Errorf(format+": "+verb, append(append([]any{}, args...), got, want)...)
}

// That reports an error if ok is false. The format and its arguments describe the error. An argument must not panic if
// ok is true, because Go evaluates the arguments of every call.
func That(t testing.TB, ok bool, format string, args ...any) {
	if !ok {
		t.Helper()
		t.Errorf(format, args...)
	}
}

// RequireThat ends the test if ok is false, and is otherwise like [That]. Call it from the test's own goroutine.
func RequireThat(t testing.TB, ok bool, format string, args ...any) {
	if !ok {
		t.Helper()
		t.Fatalf(format, args...)
	}
}

// Eventually waits until holds returns true, and ends the test after a minute. It calls holds every millisecond. The
// format and its arguments say what did not happen.
func Eventually(t testing.TB, holds func() bool, format string, args ...any) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a minute: "+format, args...)
		}
	}
}
