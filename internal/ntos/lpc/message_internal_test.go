package lpc

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// After the last number the ids of messages start again, without 0 and without those of messages that wait (I-88).
func TestMessageIDsSkipThoseInUse(t *testing.T) {
	used := map[uint32]bool{1: true, 2: false, 7: true}
	for last, next := range map[uint32]uint32{0: 3, 2: 3, 3: 4, 6: 8, 1<<32 - 2: 1<<32 - 1, 1<<32 - 1: 3} {
		check.Equal(t, nextID(last, used), next, "id after %d", last)
	}
}
