package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// classValues are a value of each class that NtSetInformationToken takes and that
// changes a token of the local system, and whether ModifiedId stays (T-90).
var classValues = []struct {
	class winnt.TokenInfoClass
	value any
	keeps bool
}{
	{winnt.TokenOwner, sid.LocalSystem, false},
	{winnt.TokenPrimaryGroup, sid.Administrators, false},
	{winnt.TokenDefaultDacl, sddl.MustParse("D:(A;;GA;;;SY)").DACL(), false},
	{winnt.TokenDefaultDacl, (*sd.ACL)(nil), false},
	{winnt.TokenSessionId, uint32(7), false},
	{winnt.TokenAuditPolicy, make([]byte, token.AuditPolicySize), true},
	{winnt.TokenOrigin, winnt.LUID(0x3E7), false},
	{winnt.TokenVirtualizationAllowed, uint32(1), true},
	{winnt.TokenVirtualizationEnabled, uint32(1), true},
	{winnt.TokenUIAccess, uint32(1), true},
	{winnt.TokenMandatoryPolicy, uint32(0), false},
	{winnt.TokenPrivateNameSpace, uint32(1), true},
	{winnt.TokenBnoIsolation, nt.TokenBnoIsolation{IsolationEnabled: true, IsolationPrefix: "x"}, true},
	{winnt.TokenChildProcessFlags, nt.ChildProcessNone, true},
	{winnt.TokenSecurityAttributes, []token.AttributeChange{{Operation: token.AttributeAdd,
		Attribute: claims.Attribute{Name: "A", Type: claims.Int64, Ints: []int64{1}}}}, true},
	{winnt.TokenIntegrityLevel, sid.MediumLevel, false},
	{winnt.TokenSessionReference, uint32(0), true},
}

// systemToken is a thread whose process may set each class, and a handle to its
// token.
func systemToken(t *testing.T) (*nt.Thread, winnt.Handle) {
	t.Helper()
	s := token.LocalSystem()
	s.EnabledPrivileges = s.Privileges
	s.OriginatingLogon = 0
	_, th := userThread(t, s)
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return th, h
}

// T-90: a change of the security context gives the token a new ModifiedId, and a
// change of something else none.
func TestSetKeepsModifiedID(t *testing.T) {
	th, h := systemToken(t)
	modified := func() winnt.LUID {
		t.Helper()
		x, st := th.NtQueryInformationToken(h, winnt.TokenStatistics)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return x.(nt.TokenStatistics).ModifiedID
	}
	for _, c := range classValues {
		before := modified()
		if st := th.NtSetInformationToken(h, c.class, c.value); st != ntstatus.Success {
			t.Errorf("T-90: setting %s to %v: %s", c.class, c.value, st)
		}
		if kept := modified() == before; kept != c.keeps {
			t.Errorf("T-90: setting %s kept ModifiedId: %t, want %t", c.class, kept, c.keeps)
		}
	}
}

// T-90: a value of another type than the class has is refused, and changes nothing.
func TestSetWrongType(t *testing.T) {
	th, h := systemToken(t)
	for _, c := range classValues {
		if st := th.NtSetInformationToken(h, c.class, struct{}{}); st != ntstatus.InvalidParameter {
			t.Errorf("T-90: setting %s to a value of another type: %s", c.class, st)
		}
	}
	for _, class := range []winnt.TokenInfoClass{winnt.TokenOwner, winnt.TokenPrimaryGroup, winnt.TokenIntegrityLevel} {
		if st := th.NtSetInformationToken(h, class, sid.SID{}); st != ntstatus.InvalidSID {
			t.Errorf("T-90: setting %s to no SID: %s", class, st)
		}
		if st := th.NtSetInformationToken(h, class, token.Group{}); st != ntstatus.InvalidSID {
			t.Errorf("T-90: setting %s to no SID with attributes: %s", class, st)
		}
	}
	if st := th.NtSetInformationToken(h, winnt.TokenLinkedToken, struct{}{}); st != ntstatus.InvalidParameter {
		t.Errorf("T-90: setting TokenLinkedToken to a value of another type: %s", st)
	}
}

// T-90: without SeTcbPrivilege a token's integrity is lowered or kept and not raised, not even to
// what the caller has.
func TestSetIntegrity(t *testing.T) {
	for _, held := range []bool{true, false} {
		for before, levels := range map[sid.SID]map[sid.SID]bool{ // free or not
			sid.LowLevel:    {sid.UntrustedLevel: true, sid.LowLevel: true, sid.MediumLevel: false, sid.SystemLevel: false},
			sid.MediumLevel: {sid.LowLevel: true, sid.MediumLevel: true, sid.HighLevel: false},
		} {
			for level, free := range levels {
				th, own := systemToken(t)
				h, st := th.NtDuplicateToken(own, winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenPrimary)
				if st == ntstatus.Success {
					st = th.NtSetInformationToken(h, winnt.TokenIntegrityLevel, token.Group{SID: before, Attributes: 0x60})
				}
				if st != ntstatus.Success {
					t.Fatal(st)
				}
				if !held {
					th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}, false)
				}
				want, after := ntstatus.Success, level
				if !free && !held {
					want, after = ntstatus.PrivilegeNotHeld, before
				}
				st = th.NtSetInformationToken(h, winnt.TokenIntegrityLevel, token.Group{SID: level, Attributes: 0x60})
				now, _ := th.NtQueryInformationToken(h, winnt.TokenIntegrityLevel)
				if st != want || now.(token.Group).SID != after {
					t.Errorf("%v to %v, with the privilege: %t: %v and %v, want %v and %v", before, level, held, st,
						now, want, after)
				}
			}
		}
	}
}

// T-90: the token that is to be linked is named by a handle that may duplicate it, of whatever
// else it may do; who is linked is looked at afterwards.
func TestSetLinkedNeedsDuplicate(t *testing.T) {
	th, h := systemToken(t)
	for right, want := range map[winnt.AccessMask]ntstatus.Status{
		winnt.TOKEN_QUERY: ntstatus.AccessDenied, winnt.TOKEN_ALL_ACCESS &^ winnt.TOKEN_DUPLICATE: ntstatus.AccessDenied,
		winnt.TOKEN_DUPLICATE: ntstatus.InvalidParameter, // a token is no pair with itself
	} {
		other, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, right)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		if st := th.NtSetInformationToken(h, winnt.TokenLinkedToken, other); st != want {
			t.Errorf("T-90: linking by a handle of %#x: %s, want %s", uint32(right), st, want)
		}
	}
}

// T-90: isolation is switched on with a prefix and off without; half of it is refused and
// changes nothing.
func TestSetIsolation(t *testing.T) {
	th, h := systemToken(t)
	on, off := nt.TokenBnoIsolation{IsolationEnabled: true, IsolationPrefix: "x"}, nt.TokenBnoIsolation{}
	for _, c := range []struct {
		set  nt.TokenBnoIsolation
		st   ntstatus.Status
		then nt.TokenBnoIsolation
	}{
		{off, ntstatus.Success, off}, {nt.TokenBnoIsolation{IsolationPrefix: "x"}, ntstatus.InvalidParameter, off},
		{on, ntstatus.Success, on}, {nt.TokenBnoIsolation{IsolationEnabled: true}, ntstatus.InvalidParameter, on},
		{nt.TokenBnoIsolation{IsolationPrefix: "y"}, ntstatus.InvalidParameter, on}, {off, ntstatus.Success, off},
	} {
		if st := th.NtSetInformationToken(h, winnt.TokenBnoIsolation, c.set); st != c.st {
			t.Errorf("T-90: setting %+v: %s, want %s", c.set, st, c.st)
		}
		if got, st := th.NtQueryInformationToken(h, winnt.TokenBnoIsolation); st != ntstatus.Success || got != c.then {
			t.Errorf("T-90: after %+v: %+v, %s, want %+v", c.set, got, st, c.then)
		}
	}
}

// T-90: a flag is 0 or 1; what else is given is refused and leaves it.
func TestSetFlagIsBoolean(t *testing.T) {
	th, h := systemToken(t)
	for _, class := range []winnt.TokenInfoClass{winnt.TokenVirtualizationAllowed, winnt.TokenVirtualizationEnabled,
		winnt.TokenUIAccess, winnt.TokenPrivateNameSpace} {
		for _, c := range []struct {
			set  uint32
			st   ntstatus.Status
			then uint32
		}{{1, ntstatus.Success, 1}, {2, ntstatus.InvalidParameter, 1}, {0xFFFFFFFF, ntstatus.InvalidParameter, 1},
			{0, ntstatus.Success, 0}, {2, ntstatus.InvalidParameter, 0}} {
			st := th.NtSetInformationToken(h, class, c.set)
			got, read := th.NtQueryInformationToken(h, class)
			if st != c.st || read != ntstatus.Success || got != c.then {
				t.Errorf("T-90: setting %s to %d: %s, then %v, %s, want %s, %d", class, c.set, st, got, read, c.st, c.then)
			}
		}
		th.NtSetInformationToken(h, winnt.TokenVirtualizationAllowed, uint32(1)) // for TokenVirtualizationEnabled
	}
}
