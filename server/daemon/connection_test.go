package daemon

import (
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/sid"
)

// TestOnlyRootMayStartOtherUsersPrograms checks that only programs that the kernel identifies as root's may start
// programs of other users, whatever socket they use, and only if the configuration allows it (W-93).
func TestOnlyRootMayStartOtherUsersPrograms(t *testing.T) {
	anyone := func(sid.SID) (uint32, bool) { return 1000, true }
	for _, c := range []*connection{
		{peer: &unix.Peer{Known: true, UID: 1000}, d: &Daemon{startAs: anyone}},
		{peer: &unix.Peer{}, full: true, d: &Daemon{startAs: anyone}},
		{peer: &unix.Peer{Known: true, UID: 1000}, full: true, d: &Daemon{startAs: anyone}},
		{peer: &unix.Peer{Known: true, UID: 0}, full: true, d: &Daemon{}},
	} {
		if f, uid, st := c.AttachAs(nil, 4, ""); f != nil || uid != 0 || st != ntstatus.PrivilegeNotHeld {
			t.Errorf("uid %d, full %t: %v, %d, %s, want nil, 0, %s", c.peer.UID, c.full, f, uid, st,
				ntstatus.PrivilegeNotHeld)
		}
	}
}
