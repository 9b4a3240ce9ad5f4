package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// no entry grants ACCESS_SYSTEM_SECURITY, whatever its mask says and
// however it is asked for.
func TestSystemSecurityIsNoEntrysToGrant(t *testing.T) {
	allOfIt := *winnt.FileObject
	allOfIt.Mapping.All |= saclBit // a caller's own mapping may name the bit
	for _, c := range []struct {
		id, sd  string
		desired winnt.AccessMask
		status  ntstatus.Status
		want    winnt.AccessMask
	}{
		{"by name", "…(A;;0x01000001;;;WD)", saclBit | 1, ntstatus.PrivilegeNotHeld, 0},
		{"all of it", "…(A;;0x01000001;;;WD)", maxMask, ntstatus.Success, 1},
		{"by the mapping", "…(A;;GA;;;WD)", maxMask, ntstatus.Success, winnt.FILE_ALL_ACCESS},
		{"no list", "O:BAG:SYD:NO_ACCESS_CONTROL", maxMask, ntstatus.Success, winnt.FILE_ALL_ACCESS},
	} {
		r := ask(t, c.sd, c.desired)
		r.Type = &allOfIt
		if d, err := access.SeAccessCheck(r); err != nil || d.Status() != c.status || d.Granted != c.want {
			t.Errorf("A-46 %s: %v, %v; want %v, %v", c.id, d, err, c.status, c.want)
		}
		r.ObjectTypes = list(0, nodeC, 1, nodeP1)
		nodes, _, err := access.CheckResultList(r)
		for i, n := range nodes {
			if n.Status() != c.status || n.Granted != c.want {
				t.Errorf("A-46 %s, node %d: %v", c.id, i, n)
			}
		}
		if err != nil || len(nodes) != 2 {
			t.Errorf("A-46 %s, a list of types: %v, %v", c.id, nodes, err)
		}
	}
}
