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
