package fileaccess_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
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

// The Unix super-user has no special rights (F-3).
func TestSuperUserHasNoSpecialRights(t *testing.T) {
	d, _ := open(t, 1, o("(A;;FA;;;BA)"), func(s *situation) { s.token.User.SID = sid.MustParse("S-1-22-1-0") })
	if got := d.Status(); got != denied {
		t.Errorf("F-3: open as S-1-22-1-0: %v, want %v", got, denied)
	}
}

// A nil descriptor grants nothing, as in package access (F-101). Only SeSecurityPrivilege grants
// ACCESS_SYSTEM_SECURITY. An invalid subject has no rights.
func TestCanOfMissingOrInvalidArguments(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	if got := fileaccess.Can(&s, nil, 0x031F01FF, nil); got != 0 {
		t.Errorf("F-101: Can of a nil descriptor = %v, want 0", got)
	}
	if got := fileaccess.Can(&s, sd.NoSecurity, 0x031F01FF, nil); got != 0x1F01FF {
		t.Errorf("Can of a NULL DACL = %v, want 0x1F01FF", got)
	}
	spec := baseSpec()
	spec.Privileges, spec.EnabledPrivileges = security.Bit(), security.Bit()
	holder := access.SubjectOf(mustToken(t, spec))
	if got := fileaccess.Can(&holder, nil, 0x011F01FF, nil); got != 0 {
		t.Errorf("Can of a nil descriptor with SeSecurityPrivilege = %v, want 0", got)
	}
	if got := fileaccess.Can(&holder, sd.NoSecurity, 0x011F01FF, nil); got != 0x011F01FF {
		t.Errorf("Can of a NULL DACL with SeSecurityPrivilege = %v, want 0x011F01FF", got)
	}
	// Generic rights are mapped before the check (F-1).
	if got := fileaccess.Can(&s, aces(t, "(A;;FR;;;WD)"), 0xC0000000, nil); got != 0x120089 {
		t.Errorf("F-1: Can of generic rights = %v, want 0x120089", got)
	}
	// MAXIMUM_ALLOWED adds nothing, because each right is checked separately (F-2).
	if got := fileaccess.Can(&s, aces(t, "(A;;FR;;;WD)"), winnt.GENERIC_READ|maxAllowed, nil); got != 0x120089 {
		t.Errorf("F-2: Can of GENERIC_READ and MAXIMUM_ALLOWED = %v, want 0x120089", got)
	}
	s.Level = winnt.SecurityIdentification
	if fileaccess.Can(&s, sd.NoSecurity, 1, nil) != 0 ||
		fileaccess.Can(&access.Subject{}, sd.NoSecurity, 1, nil) != 0 ||
		fileaccess.Visible(&s, sd.NoSecurity, 0x1F01FF, nil) {
		t.Error("an empty subject or one at SecurityIdentification has rights, want none")
	}
	if d := fileaccess.Open(&fileaccess.Request{Desired: 1}, &fileaccess.Facts{}); d.Status() != ntstatus.NoToken {
		t.Errorf("Open without a subject: %v, want %v", d.Status(), ntstatus.NoToken)
	}
}
