package kernel_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestChecksWantOwnerAndGroup: a check of a descriptor without an owner, without a group or
// without both is refused, in each of its forms (A-19, U-52).
func TestChecksWantOwnerAndGroup(t *testing.T) {
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
			if _, st := w.th.CallRow(nt.NtTable.Find(c.service), in.Interface()); st != want {
				t.Errorf("A-19: %s with %s: %v, want %v", c.service, text, st, want)
			}
			w.th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, 0)
		}
	}
	if asked != 7 {
		t.Errorf("%d forms of the check", asked)
	}
}

// TestContainersInherit: a directory in a directory inherits what is for containers, and
// passes on what is for others; an event in it inherits what is for others alone (O-38).
func TestContainersInherit(t *testing.T) {
	w := newRightsWorld(t)
	d := sddl.MustParse("O:SYG:SYD:(A;;GA;;;SY)(A;CI;GA;;;BA)(A;OI;GR;;;BU)(A;OICI;GR;;;AU)")
	oa := &nt.ObjectAttributes{ObjectName: `\parent`, SecurityDescriptor: d}
	if _, st := w.th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, oa); st != ntstatus.Success {
		t.Fatal(st)
	}
	dir, st := w.th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\parent\dir`})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	event, st := w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\parent\event`},
		nt.NotificationEvent, false)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	for h, want := range map[winnt.Handle]map[sid.SID][]uint8{
		dir: {sid.Administrators: {sd.ContainerInherit}, sid.Users: {sd.ObjectInherit | sd.InheritOnly},
			sid.AuthenticatedUsers: {sd.ObjectInherit | sd.ContainerInherit}},
		event: {sid.Users: {0}, sid.AuthenticatedUsers: {0}},
	} {
		got := map[sid.SID][]uint8{}
		d, st := w.th.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		effective := map[sid.SID]uint8{}
		for _, a := range d.DACL().Slice() {
			effective[a.SID()] |= a.Flags() &^ sd.Inherited
		}
		for s, flags := range effective {
			got[s] = []uint8{flags}
		}
		// An entry that is mapped may stand twice, once for the object and once for those in it.
		for s, flags := range want {
			if len(got[s]) != 1 || got[s][0]&^sd.InheritOnly != flags[0]&^sd.InheritOnly {
				t.Errorf("O-38: %v has the flags %#x, want %#x", s, got[s], flags)
			}
		}
		if len(got) != len(want) {
			t.Errorf("O-38: entries for %d, want %d", len(got), len(want))
		}
	}
}
