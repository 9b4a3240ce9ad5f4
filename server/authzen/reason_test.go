package authzen

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestReasonListsEightEntries checks that a reason lists eight entries or rules and counts the others.
func TestReasonListsEightEntries(t *testing.T) {
	x := &access.Explanation{}
	for i := range 9 {
		rule := access.Reason{Kind: access.CentralAccessRule, Index: i}
		x.Reasons = append(x.Reasons, access.BitReason{Bit: 1 << i, Reason: rule})
		got := strings.Split(Reason(x, winnt.FileObject), "; ")
		check.That(t, len(got) == i+1 && (got[i] == "and 1 more") == (i == 8), "%d rules: %q", i+1, got)
	}
}

// TestReasonNamesRightsAndCause checks the text of each kind of reason that is not an entry. A granted right has no
// reason.
func TestReasonNamesRightsAndCause(t *testing.T) {
	check.Equal(t, Reason(nil, winnt.FileObject), "", "reason of nothing")
	const both = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA
	for want, r := range map[string]access.Reason{
		"no entry grants it":      {Kind: access.NoAce},
		"the DACL has no entries": {Kind: access.EmptyDacl},
	} {
		got := Reason(&access.Explanation{Reasons: []access.BitReason{{Bit: winnt.FILE_READ_DATA, Reason: r},
			{Bit: winnt.FILE_WRITE_DATA, Reason: r}, {Bit: winnt.FILE_EXECUTE, Reason: r, Granted: true}}}, winnt.FileObject)
		check.Equal(t, got, winnt.FileObject.Names(both)+": "+want, "reason")
	}
	// The first entry of the SACL is not that of the DACL.
	d := sddl.MustParse("O:SYG:SYD:(D;;0x1;;;WD)(A;;FA;;;WD)S:(ML;;NW;;;HI)")
	r := access.Request{Descriptor: d, Desired: winnt.MAXIMUM_ALLOWED, Type: winnt.FileObject,
		Subject: access.SubjectOf(check.Must(token.New(token.NetworkUser(sid.Everyone))))}
	_, x, err := access.Explain(&r)
	check.That(t, err == nil && strings.Contains(Reason(x, winnt.FileObject), "FILE_READ_DATA: denied by (D;;CC;;;WD)"),
		"%v, reason %q", err, Reason(x, winnt.FileObject))
	// Without the privilege the check does not reach any other right.
	r.Desired = winnt.ACCESS_SYSTEM_SECURITY | winnt.FILE_EXECUTE
	_, x, err = access.Explain(&r)
	check.NoError(t, err)
	check.Equal(t, Reason(x, winnt.FileObject),
		"ACCESS_SYSTEM_SECURITY: the privilege SeSecurityPrivilege is missing", "reason of a missing privilege")
}
