package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// PrivilegeCheck and PrivilegePolicy report held privileges and need a token at SecurityIdentification or above.
func TestPrivilegeCheckReportsHeldPrivileges(t *testing.T) {
	spec := baseSpec()
	both(&spec)
	held := mustToken(t, spec)
	backup := winnt.Privileges(winnt.SeBackupPrivilege)
	for _, c := range []struct {
		id        string
		set       winnt.PrivilegeSet
		all, ok   bool
		wantFound winnt.PrivilegeSet
	}{
		{"A-131 all", usedBoth, true, true, usedBoth},
		{"A-131 not all", usedBoth | backup, true, false, usedBoth},
		{"A-131 any", usedSec | backup, false, true, usedSec},
		{"A-131 none", backup, false, false, 0},
		{"A-131 all of an empty set", 0, true, true, 0},
		{"A-131 any of an empty set", 0, false, false, 0},
	} {
		ok, found, st := access.PrivilegeCheck(held, c.set, c.all)
		check.That(t, ok == c.ok && found == c.wantFound && st == ntstatus.Success,
			"%s: PrivilegeCheck = %v, %v, %v; want %v, %v, %v", c.id, ok, found, st, c.ok, c.wantFound, ntstatus.Success)
	}
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
		want := ntstatus.Success
		if spec.Level = level; level == winnt.SecurityAnonymous {
			want = ntstatus.BadImpersonationLevel
		}
		ok, found, st := access.PrivilegeCheck(mustToken(t, spec), usedSec, true)
		check.That(t, st == want && ok == (want == ntstatus.Success) && ok == (found == usedSec),
			"A-131: PrivilegeCheck of a client at %v: %t, %v, %v; want %v", level, ok, found, st, want)
	}
	primary(&spec)
	if ok, _, st := access.PrivilegeCheck(mustToken(t, spec), usedSec, true); !ok || st != ntstatus.Success {
		t.Errorf("A-131: PrivilegeCheck of a primary token: %t, %v; want true, %v", ok, st, ntstatus.Success)
	}
	if used, st := access.PrivilegePolicy(held, saclBit|0x80000); used != usedBoth || st != ntstatus.Success {
		t.Errorf("PrivilegePolicy: %v, %v; want %v, %v", used, st, usedBoth, ntstatus.Success)
	}
	used, st := access.PrivilegePolicy(mustToken(t, baseSpec()), saclBit)
	check.That(t, used == 0 && st == ntstatus.PrivilegeNotHeld,
		"PrivilegePolicy without the privilege: %v, %v; want 0, %v", used, st, ntstatus.PrivilegeNotHeld)
}

// No entry grants ACCESS_SYSTEM_SECURITY, whatever its mask and the request are.
func TestEntriesNeverGrantSystemSecurity(t *testing.T) {
	allOfIt := *winnt.FileObject
	allOfIt.Mapping.All |= saclBit // a caller's mapping may contain the bit
	for _, c := range []struct {
		id, sd  string
		desired winnt.AccessMask
		status  ntstatus.Status
		want    winnt.AccessMask
	}{
		{"requested by name", "…(A;;0x01000001;;;WD)", saclBit | 1, ntstatus.PrivilegeNotHeld, 0},
		{"MAXIMUM_ALLOWED", "…(A;;0x01000001;;;WD)", maxMask, ntstatus.Success, 1},
		{"in the mapping", "…(A;;GA;;;WD)", maxMask, ntstatus.Success, winnt.FILE_ALL_ACCESS},
		{"a NULL DACL", "O:BAG:SYD:NO_ACCESS_CONTROL", maxMask, ntstatus.Success, winnt.FILE_ALL_ACCESS},
	} {
		r := newRequest(t, c.sd, c.desired)
		r.Type = &allOfIt
		if d, err := access.SeAccessCheck(r); err != nil || d.Status() != c.status || d.Granted != c.want {
			t.Errorf("A-46: %s: %v, %v; want %v, granted %v", c.id, d, err, c.status, c.want)
		}
		r.ObjectTypes = list(0, nodeC, 1, nodeP1)
		nodes, _, err := access.CheckResultList(r)
		for i, n := range nodes {
			check.That(t, n.Status() == c.status && n.Granted == c.want,
				"A-46: %s, node %d: %v, want %v, granted %v", c.id, i, n, c.status, c.want)
		}
		check.That(t, err == nil && len(nodes) == 2,
			"A-46: CheckResultList, %s: %v, %v; want 2 results, no error", c.id, nodes, err)
	}
}
