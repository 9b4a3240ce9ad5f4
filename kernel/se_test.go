package kernel_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A check with a nil or zero subject context denies access, and no privilege is held.
func TestCheckWithoutSubjectDenies(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	d := sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")
	for _, c := range []*kernel.SubjectContext{nil, {}} {
		out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(d), SubjectSecurityContext: c,
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: nt.Cap(winnt.FileObject.Mapping),
			AccessMode: access.User})
		check.Equal(t, out, kernel.SeAccessCheckOut{AccessStatus: ntstatus.InvalidParameter},
			"A-150: SeAccessCheck with subject context %+v", c)
		for _, mode := range []kernel.ProcessorMode{kernel.UserMode, kernel.KernelMode} {
			required := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}}
			set, held := k.SePrivilegeCheck(required, c, mode)
			check.That(t, !held && len(set.Privilege) == 1 && set.Privilege[0].Attributes == 0,
				"A-150: SePrivilegeCheck with subject context %+v in mode %d: held %t, %+v; want false, unused", c,
				mode, held, set)
		}
	}
}

// Every form of the access check rejects a descriptor that has no owner or no group (A-19, U-52).
func TestChecksNeedOwnerAndGroup(t *testing.T) {
	w := newRightsWorld(t)
	calls := 0
	for _, c := range append(w.cases(), w.calls()...) {
		in := reflect.New(nt.NtTable.Find(c.service).InType()).Elem()
		if !strings.Contains(c.service, "AccessCheck") {
			continue
		}
		calls++
		for text, want := range map[string]ntstatus.Status{"O:SYG:SYD:(A;;GA;;;WD)": ntstatus.Success,
			"O:SYD:(A;;GA;;;WD)": ntstatus.InvalidSecurityDescr, "G:SYD:(A;;GA;;;WD)": ntstatus.InvalidSecurityDescr,
			"D:(A;;GA;;;WD)": ntstatus.InvalidSecurityDescr} {
			in.Set(reflect.ValueOf(c.in))
			in.FieldByName("SecurityDescriptor").Set(reflect.ValueOf(nt.Cap(sddl.MustParse(text))))
			if c.field != "" {
				in.FieldByName(c.field).Set(reflect.ValueOf(w.all[c.object]))
			}
			if h := w.all["client"]; c.field == "" {
				w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, h)
			}
			check.Equal(t, check.Status(w.th.CallRow(nt.NtTable.Find(c.service), in.Interface())), want,
				"A-19: %s with %s", c.service, text)
			w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
		}
	}
	check.That(t, calls == 7, "%d forms of the access check were tested, want 7", calls)
}

// SeAccessCheck returns whether all requested rights are granted, the granted rights with those of an earlier check,
// the status, and the privileges that it used. A tracer gets an explanation of each denial.
func TestSeAccessCheckReturnsTheDecision(t *testing.T) {
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.Privileges |= winnt.SeSecurityPrivilege.Bit()
	spec.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit()
	sys, th := userThread(t, spec)
	k := sys.KernelMode(th)
	var traced calls
	k.Trace(&traced)
	subject := k.SeCaptureSubjectContext()
	defer k.SeReleaseSubjectContext(subject)
	const read, write, sacl = winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, winnt.ACCESS_SYSTEM_SECURITY
	for _, c := range []struct {
		desired, previous, granted winnt.AccessMask
		uses                       bool
	}{
		{desired: read, granted: read},
		{desired: winnt.GENERIC_READ, granted: winnt.FILE_GENERIC_READ},
		{desired: read | write, previous: write, granted: read | write},
		{previous: write, granted: write},
		{},
		{desired: write, previous: read},
		{desired: read | sacl, granted: read | sacl, uses: true},
		{desired: write | sacl, uses: true},
	} {
		want := kernel.SeAccessCheckOut{Result: c.granted != 0, GrantedAccess: c.granted}
		if !want.Result {
			want.AccessStatus = ntstatus.AccessDenied
		}
		if c.uses {
			want.Privileges = &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{
				{LUID: winnt.SeSecurityPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS}}}
		}
		got := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)")),
			SubjectSecurityContext: subject, DesiredAccess: c.desired, PreviouslyGrantedAccess: c.previous,
			GenericMapping: nt.Cap(winnt.FileObject.Mapping), AccessMode: access.User})
		check.DeepEqual(t, got, want, "SeAccessCheck of %#x after %#x", uint32(c.desired), uint32(c.previous))
		last := traced[len(traced)-1]
		check.That(t, last.Thread == k.Name() && last.Row.Info().Name == "SeAccessCheck" && last.Status == ntstatus.Success &&
			reflect.DeepEqual(last.Out, any(want)) && last.In.(kernel.SeAccessCheckIn).DesiredAccess == c.desired &&
			(last.Why.Explanation == nil) == want.Result,
			"the traced call is %+v, want SeAccessCheck of %#x with an explanation of a denial", last, uint32(c.desired))
	}
	fault := nt.Captured[*sd.Descriptor]{Status: ntstatus.InvalidSecurityDescr}
	got := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: fault, AccessMode: access.User,
		GenericMapping: nt.Captured[winnt.GenericMapping]{Status: ntstatus.AccessViolation}})
	check.DeepEqual(t, got, kernel.SeAccessCheckOut{AccessStatus: ntstatus.InvalidSecurityDescr},
		"O-3: SeAccessCheck with an unreadable descriptor and mapping")
}
