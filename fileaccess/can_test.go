package fileaccess_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func BenchmarkCan(b *testing.B) {
	r, f := typical(b, 0)
	for _, c := range []struct {
		name string
		d    *sd.Descriptor
	}{{"all", f.Object.Descriptor}, {"some", aces(b, "(A;;FR;;;WD)")}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var m winnt.AccessMask
			for b.Loop() {
				m |= fileaccess.Can(&r.Subject, c.d, winnt.FILE_ALL_ACCESS, nil)
			}
			benchDecision.Granted = m
		})
	}
}

func ExampleCan() {
	s := user()
	fmt.Println(fileaccess.Can(&s, sddl.MustParse("O:BAG:BAD:(D;;0x2;;;WD)(A;;FA;;;WD)"), 0x7, nil))
	// Output: 0x5
}

// A nil descriptor grants nothing, as in package access (F-101). Only SeSecurityPrivilege grants
// ACCESS_SYSTEM_SECURITY. An invalid subject has no rights.
func TestCanOfNilDescriptorGrantsNothing(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	check.Equal(t, fileaccess.Can(&s, nil, 0x031F01FF, nil), 0, "F-101: Can of a nil descriptor")
	check.Equal(t, fileaccess.Can(&s, new(sd.Descriptor), 0x031F01FF, nil), 0, "Can of a zero descriptor")
	check.Equal(t, fileaccess.Can(&s, sd.NoSecurity, 0x031F01FF, nil), 0x1F01FF, "Can of a NULL DACL")
	spec := baseSpec()
	spec.Privileges, spec.EnabledPrivileges = security.Bit(), security.Bit()
	holder := access.SubjectOf(mustToken(t, spec))
	check.Equal(t, fileaccess.Can(&holder, nil, 0x011F01FF, nil), 0, "Can of a nil descriptor with SeSecurityPrivilege")
	check.Equal(t, fileaccess.Can(&holder, sd.NoSecurity, 0x011F01FF, nil), 0x011F01FF,
		"Can of a NULL DACL with SeSecurityPrivilege")
	// Generic rights are mapped before the check (F-1).
	check.Equal(t, fileaccess.Can(&s, aces(t, "(A;;FR;;;WD)"), 0xC0000000, nil), 0x120089, "F-1: Can of generic rights")
	// MAXIMUM_ALLOWED adds nothing, because each right is checked separately (F-2).
	check.Equal(t, fileaccess.Can(&s, aces(t, "(A;;FR;;;WD)"), winnt.GENERIC_READ|maxAllowed, nil), 0x120089,
		"F-2: Can of GENERIC_READ and MAXIMUM_ALLOWED")
	claimant := access.SubjectOf(check.Must(token.Parse([]byte(
		`{"user":"S-1-5-21-1-2-3-1001","groups":["WD"],"userClaims":[{"name":"x","type":"int64","values":[1]}]}`))))
	for disabled, want := range map[bool]winnt.AccessMask{false: 1, true: 0} {
		p := &fileaccess.Policy{Access: access.Options{ClaimsDisabled: disabled}}
		check.Equal(t, fileaccess.Can(&claimant, sddl.MustParse("O:BAG:BAD:(XA;;0x1;;;WD;(@User.x == 1))"), 1, p), want,
			"Can by a claim, claims disabled %t", disabled)
	}
	s.Level = winnt.SecurityIdentification
	if fileaccess.Can(&s, sd.NoSecurity, 1, nil) != 0 || fileaccess.Can(&access.Subject{}, sd.NoSecurity, 1, nil) != 0 ||
		fileaccess.Visible(&s, sd.NoSecurity, 0x1F01FF, nil) {
		t.Error("an empty subject or one at SecurityIdentification has rights, want none")
	}
	d := fileaccess.Open(&fileaccess.Request{Desired: 1}, &fileaccess.Facts{})
	check.That(t, d.Status() == ntstatus.NoToken, "Open without a subject: %v, want %v", d.Status(), ntstatus.NoToken)
}
