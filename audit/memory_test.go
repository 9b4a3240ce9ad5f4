package audit_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// TestQueueHoldsItsLimitInBytes checks that a queue holds as many bytes as its limit, and not one more.
func TestQueueHoldsItsLimitInBytes(t *testing.T) {
	e := audit.HandleClosed(origin(t), reportFile)
	for _, c := range []struct{ limit, kept int }{{2 * e.Size(), 2}, {2*e.Size() - 1, 1}, {3*e.Size() - 1, 2},
		{3 * e.Size(), 3}} {
		m := audit.NewMemory(0, c.limit)
		for range 3 {
			_ = m.Write(e)
		}
		check.That(t, m.Len() == c.kept && m.Dropped() == uint64(3-c.kept),
			"U-66: %d bytes: %d kept, %d dropped, want %d", c.limit, m.Len(), m.Dropped(), c.kept)
		m.Drain()
		err := m.Write(e)
		check.That(t, err == nil, "U-66: Write with %d bytes, all taken: %v, want no error", c.limit, err)
		// A later loss adds to the number of dropped records.
		lost := uint64(3 - c.kept)
		for range 3 {
			if m.Write(e) != nil {
				lost++
			}
		}
		check.Equal(t, m.Dropped(), lost, "U-66: %d bytes: dropped after a second loss", c.limit)
	}
	m := audit.NewMemory(-1, -1) // the default limits
	for range 3 {
		check.NoError(t, m.Write(e))
	}
}
