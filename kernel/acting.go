package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/winnt"
)

// ActingSince returns since when the thread with that id impersonates: 100-ns units
// since 1601-01-01 UTC, 0 while it does not, and where the system has no clock.
func (s *System) ActingSince(thread winnt.Handle) int64 {
	t := s.sys.LookupThread(thread)
	if t == nil {
		return 0
	}
	defer t.Deref(ob.TagCall)
	return t.ActingSince()
}
