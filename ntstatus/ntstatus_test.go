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
