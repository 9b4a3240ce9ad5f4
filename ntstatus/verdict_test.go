package ntstatus_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// The zero Verdict denies. Decided returns a verdict with the given status, which allows only for Success.
func TestZeroVerdictDenies(t *testing.T) {
	var zero ntstatus.Verdict
	if zero.Allowed() || zero.Status() != ntstatus.AccessDenied || !errors.Is(zero.Err(), fs.ErrPermission) {
		t.Errorf("zero Verdict: allowed %v, status %v, error %v; want false, %v, fs.ErrPermission", zero.Allowed(),
			zero.Status(), zero.Err(), ntstatus.AccessDenied)
	}
	for s := range ntstatus.All {
		v := ntstatus.Decided(s)
		if v.Status() != s || v.Allowed() != (s == ntstatus.Success) || (v.Err() == nil) != (s == ntstatus.Success) {
			t.Errorf("Decided(%v): status %v, allowed %v, error %v; want the given status, allowed only for Success",
				s, v.Status(), v.Allowed(), v.Err())
		}
	}
}

// An error matches the error of io/fs that describes its status, and no other one.
func TestStatusMatchesItsFSError(t *testing.T) {
	kinds := []error{fs.ErrPermission, fs.ErrNotExist, fs.ErrExist, fs.ErrInvalid}
	want := map[ntstatus.Status]error{
		ntstatus.AccessDenied: fs.ErrPermission, ntstatus.PrivilegeNotHeld: fs.ErrPermission,
		ntstatus.BadImpersonationLevel: fs.ErrPermission, ntstatus.CantOpenAnonymous: fs.ErrPermission,
		ntstatus.InvalidOwner: fs.ErrPermission, ntstatus.ObjectNameNotFound: fs.ErrNotExist,
		ntstatus.ObjectPathNotFound: fs.ErrNotExist, ntstatus.ObjectNameCollision: fs.ErrExist,
	}
	for s := range ntstatus.All {
		for _, kind := range kinds {
			got := errors.Is(s.Err(), kind)
			check.That(t, got == (want[s] == kind), "errors.Is(%v, %v) = %t, want %t", s, kind, got, !got)
		}
	}
}
