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
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// A check with a nil or zero subject context denies access, and no privilege is held.
func TestCheckWithoutSubjectDenies(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k := must(sys.SystemThread())
	d := sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")
	for _, c := range []*kernel.SubjectContext{nil, {}} {
		out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(d), SubjectSecurityContext: c,
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: nt.Cap(winnt.FileObject.Mapping),
			AccessMode: access.User})
		check.That(t, !out.Result && out.AccessStatus != ntstatus.Success && out.GrantedAccess == 0,
			"A-150: SeAccessCheck with subject context %+v: %+v, want access denied", c, out)
		for _, mode := range []kernel.ProcessorMode{kernel.UserMode, kernel.KernelMode} {
			required := &nt.PrivilegeSet{Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}}
			if set, held := k.SePrivilegeCheck(required, c, mode); held || len(set.Privilege) != 1 ||
				set.Privilege[0].Attributes != 0 {
				t.Errorf("A-150: SePrivilegeCheck with subject context %+v in mode %d: held %t, %+v; want false "+
					"and an unused privilege", c, mode, held, set)
			}
		}
	}
	check.NoError(t, sys.Close())
}

// Every form of the access check rejects a descriptor that has no owner or no group (A-19, U-52).
func TestChecksNeedOwnerAndGroup(t *testing.T) {
	w := newRightsWorld(t)
	asked := 0
	for _, c := range append(w.cases(), w.calls()...) {
		in := reflect.New(nt.NtTable.Find(c.service).InType()).Elem()
		if !strings.Contains(c.service, "AccessCheck") {
			continue
		}
		asked++
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
	check.That(t, asked == 7, "%d forms of the access check were tested, want 7", asked)
}
