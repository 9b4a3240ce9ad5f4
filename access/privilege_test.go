package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An owner that is not among the restricting SIDs has no implicit rights. That includes reading and write-restricted
// tokens.
func TestWriteRestrictedOwnerNeedsRestrictingSID(t *testing.T) {
	for _, c := range []struct {
		restricting sid.SID
		want        winnt.AccessMask
	}{{caseU, winnt.READ_CONTROL | winnt.WRITE_DAC}, {sid.Everyone, 0}} {
		spec := baseSpec()
		spec.IsRestricted, spec.WriteRestricted = true, true
		spec.Restricted = []token.Group{{SID: c.restricting, Attributes: token.GroupDefault}}
		d := sddl.MustParse("O:" + caseU.String() + "G:SYD:")
		dec, err := access.Check(mustToken(t, spec), d, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
		if err != nil || dec.Granted != c.want {
			t.Errorf("A-153: write-restricted to %v: %v, %v; want granted %v", c.restricting, dec, err, c.want)
		}
	}
}

// SeFastTraverseCheck grants only what the full check grants (A-36, AC-121).
func TestFastTraverseNeverExceedsFullCheck(t *testing.T) {
	const traverse = winnt.FILE_TRAVERSE
	noEveryone := func(s *token.Spec) { s.Groups = nil }
	for _, c := range []struct {
		id, sd string
		change func(*token.Spec)
		want   bool
	}{
		{"AC-121a", "D:NO_ACCESS_CONTROL", nil, true},
		{"AC-121b", "D:NO_ACCESS_CONTROL", appContainer, false},
		{"AC-121c", "D:NO_ACCESS_CONTROL", level(winnt.SecurityIdentification), false},
		{"AC-121d", "…(A;;0x20;;;WD)", noEveryone, false},
		{"Everyone", "…(A;;0x20;;;WD)", nil, true},
		{"Everyone, generic", "…(A;;GX;;;WD)", nil, true},
		{"empty", "…", nil, false},
		{"a denial for another SID", "…(D;;0x20;;;BG)(A;;0x20;;;WD)", nil, false},
		{"A-36 a denial for OWNER RIGHTS", "…(D;;0x20;;;OW)(A;;0x20;;;WD)", nil, false},
		{"A-36 a denial for SELF", "…(D;;0x20;;;PS)(A;;0x20;;;WD)", nil, false},
	} {
		spec := baseSpec()
		if c.change != nil {
			c.change(&spec)
		}
		s := access.SubjectOf(mustToken(t, spec))
		d := mustSD(t, c.sd)
		if got := access.SeFastTraverseCheck(d, &s, traverse, winnt.DirectoryFileObject); got != c.want {
			t.Errorf("%s: SeFastTraverseCheck = %v, want %v", c.id, got, c.want)
		}
		if full, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: s, Desired: traverse,
			Type: winnt.DirectoryFileObject}); err != nil || c.want && !full.Allowed() {
			t.Errorf("%s: SeAccessCheck = %v, %v; want no error, and access if the shortcut grants it", c.id, full,
				err)
		}
	}
	spec := baseSpec()
	low(&spec)
	s := access.SubjectOf(mustToken(t, spec))
	if access.SeFastTraverseCheck(mustSD(t, "D:NO_ACCESS_CONTROL"), &s, 2, winnt.DirectoryFileObject) {
		t.Error("SeFastTraverseCheck of FILE_WRITE_DATA for a token at Low = true, want false")
	}
}

// PrivilegeCheck and PrivilegePolicy report held privileges and need a token at SecurityIdentification or above.
func TestPrivilegeCheckReportsHeldPrivileges(t *testing.T) {
	spec := baseSpec()
	both(&spec)
	held := mustToken(t, spec)
	backup := winnt.Privileges(winnt.SeBackupPrivilege)
	for _, c := range []struct {
		id        string
		set       winnt.PrivilegeSet
		all       bool
		ok        bool
		wantFound winnt.PrivilegeSet
	}{
		{"A-131 all", usedBoth, true, true, usedBoth},
		{"A-131 not all", usedBoth | backup, true, false, usedBoth},
		{"A-131 any", usedSec | backup, false, true, usedSec},
		{"A-131 none", backup, false, false, 0},
	} {
		ok, found, st := access.PrivilegeCheck(held, c.set, c.all)
		if ok != c.ok || found != c.wantFound || st != ntstatus.Success {
			t.Errorf("%s: PrivilegeCheck = %v, %v, %v; want %v, %v, %v", c.id, ok, found, st, c.ok, c.wantFound,
				ntstatus.Success)
		}
	}
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
		want := ntstatus.Success
		if spec.Level = level; level == winnt.SecurityAnonymous {
			want = ntstatus.BadImpersonationLevel
		}
		if ok, found, st := access.PrivilegeCheck(mustToken(t, spec), usedSec, true); st != want ||
			ok != (want == ntstatus.Success) || ok != (found == usedSec) {
			t.Errorf("A-131: PrivilegeCheck of a client at %v: %t, %v, %v; want %v", level, ok, found, st, want)
		}
	}
	primary(&spec)
	if ok, _, st := access.PrivilegeCheck(mustToken(t, spec), usedSec, true); !ok || st != ntstatus.Success {
		t.Errorf("A-131: PrivilegeCheck of a primary token: %t, %v; want true, %v", ok, st, ntstatus.Success)
	}
	if used, st := access.PrivilegePolicy(held, saclBit|0x80000); used != usedBoth || st != ntstatus.Success {
		t.Errorf("PrivilegePolicy: %v, %v; want %v, %v", used, st, usedBoth, ntstatus.Success)
	}
	if used, st := access.PrivilegePolicy(mustToken(t, baseSpec()), saclBit); used != 0 ||
		st != ntstatus.PrivilegeNotHeld {
		t.Errorf("PrivilegePolicy without the privilege: %v, %v; want 0, %v", used, st, ntstatus.PrivilegeNotHeld)
	}
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
		r := ask(t, c.sd, c.desired)
		r.Type = &allOfIt
		if d, err := access.SeAccessCheck(r); err != nil || d.Status() != c.status || d.Granted != c.want {
			t.Errorf("A-46: %s: %v, %v; want %v, granted %v", c.id, d, err, c.status, c.want)
		}
		r.ObjectTypes = list(0, nodeC, 1, nodeP1)
		nodes, _, err := access.CheckResultList(r)
		for i, n := range nodes {
			if n.Status() != c.status || n.Granted != c.want {
				t.Errorf("A-46: %s, node %d: %v, want %v, granted %v", c.id, i, n, c.status, c.want)
			}
		}
		if err != nil || len(nodes) != 2 {
			t.Errorf("A-46: CheckResultList, %s: %v, %v; want 2 results, no error", c.id, nodes, err)
		}
	}
}
