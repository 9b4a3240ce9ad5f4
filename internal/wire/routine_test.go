package wire

import (
	"net"
	"testing"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
)

// Idle routines are charged to the connection's user, except the first, which the charge of the connection includes. A
// routine that the user cannot pay for is not kept, and none beyond mostIdle. The end of the connection returns the
// charges.
func TestIdleRoutinesAreCharged(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	for name, c := range map[string]struct {
		limit, kept, charged int
	}{
		"no quota":          {0, 1, 0},
		"quota for two":     {3*routineSize - 1, 3, 2},
		"more than is kept": {2 * mostIdle * routineSize, mostIdle, mostIdle - 1},
	} {
		block := quota.NewBlock(nil, int64(c.limit), false)
		s := NewServer(theirs, limited{block: block})
		for range 2 { // a second time they are not charged again
			var all []*routine
			for range mostIdle + 1 {
				all = append(all, s.newCall(nil, nil))
			}
			for _, r := range all {
				s.release(r)
			}
			s.mu.Lock()
			kept := len(s.idle)
			s.mu.Unlock()
			check.Equal(t, kept, c.kept, "idle routines with %s", name)
			check.Equal(t, block.Used(), int64(c.charged*routineSize), "charge with %s", name)
		}
		s.endRoutines()
		check.Equal(t, block.Used(), 0, "charge after the end with %s", name)
	}
}
