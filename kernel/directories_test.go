package kernel_test

import (
	"testing"

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

// The objects that Boot creates are protected. Everybody may list and traverse directories, create objects in
// \BaseNamedObjects, follow links, use devices and wait for the standard events. All other rights belong to
// LocalSystem, and on the root and the devices also to Administrators (O-141, O-142, T-138).
func TestBootObjectsAreProtected(t *testing.T) {
	sys, th := threadOf(t, kernel.Config{}, token.LocalSystem())
	zw := sys.KernelMode(th).Zw()
	const (
		root   = "O:BAG:SYD:(A;;0x20003;;;WD)(A;;0x20003;;;RC)(A;;0xf000f;;;SY)(A;;0xf000f;;;BA)"
		shared = "O:BAG:SYD:(A;;0x2000f;;;WD)(A;;0xf000f;;;SY)"
		link   = "O:BAG:SYD:(A;;0x20001;;;WD)(A;;0xf0001;;;SY)"
		device = "O:BAG:SYD:(A;;0x1201bf;;;WD)(A;;0x1f01ff;;;SY)(A;;0x1f01ff;;;BA)"
		event  = "O:BAG:SYD:(A;;0x120001;;;WD)(A;;0x1f0003;;;SY)"
	)
	directory := func(oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return zw.NtOpenDirectoryObject(winnt.READ_CONTROL, oa)
	}
	follow := func(oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		out, st := zw.Services().NtOpenSymbolicLinkObject(nt.OpenSymbolicLinkObjectIn{ObjectAttributes: nt.Cap(oa),
			DesiredAccess: winnt.READ_CONTROL})
		return out.SymbolicLinkHandle, st
	}
	open := func(oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return zw.NtOpenFile(winnt.READ_CONTROL, oa, 0, 0)
	}
	wait := func(oa *nt.ObjectAttributes) (winnt.Handle, ntstatus.Status) {
		return zw.NtOpenEvent(winnt.READ_CONTROL, oa)
	}
	for path, c := range map[string]struct {
		open func(*nt.ObjectAttributes) (winnt.Handle, ntstatus.Status)
		want string
	}{
		`\`: {directory, root}, `\Files`: {directory, root}, `\KernelObjects`: {directory, root},
		`\GLOBAL??`: {directory, root}, `\Device`: {directory, root}, `\Sessions`: {directory, root},
		`\Sessions\BNOLINKS`: {directory, root}, `\Sessions\0`: {directory, root},
		`\BaseNamedObjects`: {directory, shared}, `\BaseNamedObjects\Global`: {follow, link},
		`\BaseNamedObjects\Session`: {follow, link}, `\??`: {follow, link}, `\DosDevices`: {follow, link},
		`\GLOBAL??\PIPE`: {follow, link}, `\Device\NamedPipe`: {open, device}, `\Device\Null`: {open, device},
		`\KernelObjects\LowMemoryCondition`: {wait, event}, `\KernelObjects\MaximumCommitCondition`: {wait, event},
	} {
		h, st := c.open(&nt.ObjectAttributes{ObjectName: path})
		if st != ntstatus.Success {
			t.Errorf("opening %s: %v, want %v", path, st, ntstatus.Success)
			continue
		}
		d, st := zw.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.GROUP_SECURITY_INFORMATION|
			winnt.DACL_SECURITY_INFORMATION)
		if st != ntstatus.Success {
			t.Errorf("NtQuerySecurityObject of %s: %v, want %v", path, st, ntstatus.Success)
			continue
		}
		got, err := sddl.Format(d, sddl.Options{})
		wanted, err2 := sddl.Format(sddl.MustParse(c.want), sddl.Options{})
		check.That(t, err == nil && err2 == nil && got == wanted, "descriptor of %s: %s, want %s", path, got, wanted)
		// A name, the handle and each of the nine events in the directory are references.
		if refs := map[string]uint32{`\KernelObjects`: 11, `\KernelObjects\LowMemoryCondition`: 2}[path]; refs != 0 {
			basic := check.Result(zw.NtQueryObject(h, nt.ObjectBasicInformation)).(nt.BasicInformation)
			check.Equal(t, basic.PointerCount, refs, "references of %s", path)
		}
		zw.NtClose(h)
		h, st = c.open(&nt.ObjectAttributes{ObjectName: path})
		check.Equal(t, st, ntstatus.Success, "opening %s again after its last handle was closed", path)
		zw.NtClose(h)
	}
}

// A subdirectory applies the entries that containers inherit and passes on those that objects inherit. An event
// inherits only the latter (O-38).
func TestDirectoriesPassOnInheritableEntries(t *testing.T) {
	w := newRightsWorld(t)
	d := sddl.MustParse("O:SYG:SYD:(A;;GA;;;SY)(A;CI;GA;;;BA)(A;OI;GR;;;BU)(A;OICI;GR;;;AU)")
	oa := &nt.ObjectAttributes{ObjectName: `\parent`, SecurityDescriptor: d}
	check.Require(t, check.Status(w.th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, oa)), ntstatus.Success,
		"NtCreateDirectoryObject")
	dir, st := w.th.NtCreateDirectoryObject(winnt.DIRECTORY_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\parent\dir`})
	check.Require(t, st, ntstatus.Success, "NtCreateDirectoryObject")
	event := check.Result(w.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: `\parent\event`},
		nt.NotificationEvent, false))
	for h, want := range map[winnt.Handle]map[sid.SID][]uint8{
		dir: {sid.Administrators: {sd.ContainerInherit}, sid.Users: {sd.ObjectInherit | sd.InheritOnly},
			sid.AuthenticatedUsers: {sd.ObjectInherit | sd.ContainerInherit}},
		event: {sid.Users: {0}, sid.AuthenticatedUsers: {0}},
	} {
		got := map[sid.SID][]uint8{}
		d := check.Result(w.th.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION))
		effective := map[sid.SID]uint8{}
		for _, a := range d.DACL().Slice() {
			effective[a.SID()] |= a.Flags() &^ sd.Inherited
		}
		for s, flags := range effective {
			got[s] = []uint8{flags}
		}
		// A mapped entry may occur twice, once for the object and once for its children.
		for s, flags := range want {
			check.That(t, len(got[s]) == 1 && got[s][0]&^sd.InheritOnly == flags[0]&^sd.InheritOnly,
				"O-38: the entries of %v have the flags %#x, want %#x", s, got[s], flags)
		}
		check.That(t, len(got) == len(want), "O-38: entries for %d SIDs, want %d", len(got), len(want))
	}
}
