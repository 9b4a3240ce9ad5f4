package ntstatus_test

import (
	"errors"
	"io/fs"
	"testing"

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
