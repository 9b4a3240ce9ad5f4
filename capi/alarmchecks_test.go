//go:build cgo && linux

package main

import (
	"math"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// perEntry returns a result for each entry of a list with at most 4,096 entries. For longer ones it returns no
// results and no list (U-47).
func TestPerEntryLimitsResults(t *testing.T) {
	for n, want := range map[uint32]uint32{0: 0, 1: 1, 4095: 4095, 4096: 4096, 4097: 0, math.MaxUint32: 0} {
		list := nt.Captured[[]access.ObjectTypeEntry]{V: make([]access.ObjectTypeEntry, 1),
			Status: ntstatus.AccessViolation}
		got := perEntry(n, &list)
		kept := list.V != nil && list.Status == ntstatus.AccessViolation
		check.That(t, got == want && kept == (n <= 4096),
			"perEntry of %d entries: %d results, list %v; want %d, list kept: %t", n, got, list, want, n <= 4096)
	}
}
