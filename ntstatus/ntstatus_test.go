package ntstatus_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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
		{ntstatus.AccessDenied.Err(), ntstatus.AccessDenied},
		{fmt.Errorf("x: %w", fmt.Errorf("y: %w", ntstatus.AccessDenied.Err())), ntstatus.AccessDenied},
		{errors.Join(errors.New("x"), ntstatus.AccessDenied.Err(), ntstatus.InvalidACL.Err()), ntstatus.AccessDenied},
		{errors.New("secret"), ntstatus.InsufficientResources},
	} {
		check.Equal(t, ntstatus.Of(c.err, ntstatus.InsufficientResources), c.want, "Of(%v)", c.err)
	}
}

// All yields each status once, with the name by which Parse finds it, until the caller stops.
func TestAllYieldsEveryStatusOnce(t *testing.T) {
	seen := map[ntstatus.Status]bool{}
	for s, name := range ntstatus.All {
		found, ok := ntstatus.Parse(name)
		check.That(t, ok && found == s && !seen[s], "%s: %v, %t, seen before %t", name, found, ok, seen[s])
		seen[s] = true
	}
	check.That(t, len(seen) > 100 && seen[ntstatus.Success] && seen[ntstatus.AccessDenied], "All yields %d", len(seen))
	n := 0
	for range ntstatus.All {
		if n++; n == 2 {
			break
		}
	}
	check.Equal(t, n, 2, "statuses before the caller stops")
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
	check.Equal(t, ntstatus.Status(0xC0FFEE00).String(), "NTSTATUS(0xC0FFEE00)", "a status without a name")
	check.Equal(t, ntstatus.Status(0xBAD).String(), "NTSTATUS(0x00000BAD)", "a small status without a name")
	check.Equal(t, ntstatus.Status(0xC0FFEE00).Win32(), 317, "ERROR_MR_MID_NOT_FOUND for a status without a code")
	check.That(t, ntstatus.Status(0x80000005).Err() != nil && ntstatus.Status(0x40000000).Err() == nil,
		"Err: want an error for a warning, and none for information")
	check.Equal(t, (&ntstatus.Error{Status: 0x103}).Error(), "STATUS_PENDING (0x00000103)", "text of an error")
	check.Equal(t, ntstatus.AccessDenied.String(), "STATUS_ACCESS_DENIED", "0xC0000022")
}
