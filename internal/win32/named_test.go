package win32_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestNamedSecurityLeavesNoHandle checks that the descriptor of a named object of any type is read and set
// without a handle that stays, with the rights that the parts take (O-64, O-65).
func TestNamedSecurityLeavesNoHandle(t *testing.T) {
	w, sys := thread(t)
	th := w.NT()
	const event, mutant = `\BaseNamedObjects\named-event`, `\BaseNamedObjects\named-mutant`
	own := sddl.MustParse("O:S-1-5-21-1-2-3-1001G:BUD:(A;;GA;;;S-1-5-21-1-2-3-1001)")
	check.Success(t, check.Status(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: event,
		SecurityDescriptor: own}, nt.NotificationEvent, false)))
	check.Success(t, check.Status(th.NtCreateMutant(winnt.MUTANT_ALL_ACCESS,
		&nt.ObjectAttributes{ObjectName: mutant, SecurityDescriptor: own}, false)))
	_, handles, _ := sys.Counts()
	denying := nt.Cap(sddl.MustParse("D:(A;;WD;;;OW)S:"))
	for _, name := range []string{event, mutant} {
		o := win32.Named{Name: name}
		d, st := w.NamedSecurity(o, winnt.OWNER_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION)
		check.That(t, st == ntstatus.Success && d.Owner() == own.Owner() && d.DACL().Len() == 1 && d.Group().IsZero(),
			"O-64: %s: %v, %v, want its owner and an entry, and no group", name, st, d)
		check.Equal(t, w.SetNamedSecurity(o, winnt.SACL_SECURITY_INFORMATION, denying), ntstatus.PrivilegeNotHeld,
			"O-65: %s: a SACL without its privilege", name)
		// The bit of a protected list alone takes WRITE_DAC.
		check.Equal(t, w.SetNamedSecurity(o, winnt.PROTECTED_DACL_SECURITY_INFORMATION, denying), ntstatus.Success,
			"O-65: %s: protecting", name)
		if d, st = w.NamedSecurity(o, winnt.DACL_SECURITY_INFORMATION); d.Control()&sd.DACLProtected == 0 ||
			!d.Owner().IsZero() {
			t.Errorf("O-65: %s: %v, %v, want a protected DACL and no owner", name, st, d)
		}
		check.Equal(t, w.SetNamedSecurity(o, winnt.DACL_SECURITY_INFORMATION, denying), ntstatus.Success,
			"O-65: %s", name)
		check.Equal(t, check.Status(w.NamedSecurity(o, winnt.DACL_SECURITY_INFORMATION)), ntstatus.AccessDenied,
			"O-64: %s: a denied part", name)
	}
	// A missing or invalid name is reported before errors of the descriptor.
	for name, want := range map[string]ntstatus.Status{`\BaseNamedObjects\none`: ntstatus.ObjectNameNotFound,
		"": ntstatus.ObjectPathSyntaxBad, event: ntstatus.AccessViolation} {
		wrong := nt.Captured[*sd.Descriptor]{Status: ntstatus.AccessViolation}
		check.Equal(t, w.SetNamedSecurity(win32.Named{Name: name}, winnt.DACL_SECURITY_INFORMATION, wrong), want,
			"%q", name)
		called := false
		if st := w.ReadNamed(win32.Named{Name: name, File: true}, winnt.DACL_SECURITY_INFORMATION,
			func(winnt.Handle) ntstatus.Status { called = true; return ntstatus.Success }); st.IsSuccess() || called {
			t.Errorf("%q as a file: %v, called %t, want a failure before the call", name, st, called)
		}
	}
	_, n, _ := sys.Counts()
	check.That(t, n == handles, "%d more handles than before, want 0", n-handles)
}
