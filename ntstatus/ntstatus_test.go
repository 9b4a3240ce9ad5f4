package ntstatus_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/ntstatus"
)

// Of returns the status inside an error, the caller's status for any other error, and Success for nil.
func TestOfReturnsWrappedStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ntstatus.Status
	}{
		{nil, ntstatus.Success},
		{fmt.Errorf("x: %w", ntstatus.AccessDenied.Err()), ntstatus.AccessDenied},
		{errors.New("secret"), ntstatus.InsufficientResources},
	} {
		if got := ntstatus.Of(c.err, ntstatus.InsufficientResources); got != c.want {
			t.Errorf("Of(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

// TestTopBitsDetermineStatusSeverity checks both sides of each border between the severities, and a status without a
// name.
func TestTopBitsDetermineStatusSeverity(t *testing.T) {
	for s, want := range map[ntstatus.Status]struct {
		success, err bool
		severity     int
	}{
		0: {true, false, 0}, 0x3FFFFFFF: {true, false, 0}, 0x40000000: {true, false, 1}, 0x7FFFFFFF: {true, false, 1},
		0x80000000: {false, false, 2}, 0xBFFFFFFF: {false, false, 2}, 0xC0000000: {false, true, 3},
		0xFFFFFFFF: {false, true, 3},
	} {
		if s.IsSuccess() != want.success || s.IsError() != want.err || s.Severity() != want.severity {
			t.Errorf("%#x: success %t, error %t, severity %d, want %+v", uint32(s), s.IsSuccess(), s.IsError(), s.Severity(),
				want)
		}
	}
	if got := ntstatus.Status(0xC0FFEE00).String(); got != "NTSTATUS(0xC0FFEE00)" {
		t.Errorf("a status without a name is %s, want NTSTATUS(0xC0FFEE00)", got)
	}
	if got := ntstatus.AccessDenied.String(); got != "STATUS_ACCESS_DENIED" {
		t.Errorf("0xC0000022 is %s, want STATUS_ACCESS_DENIED", got)
	}
}
