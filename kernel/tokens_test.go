package kernel_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// userThread boots a kernel and returns it with a thread of a process that has the token. The test fails if the
// kernel leaks.
func userThread(t *testing.T, spec token.Spec) (*kernel.System, *nt.Thread) {
	t.Helper()
	return threadOf(t, kernel.Config{}, spec)
}

// threadOf is userThread with a configuration.
func threadOf(t *testing.T, cfg kernel.Config, spec token.Spec) (*kernel.System, *nt.Thread) {
	t.Helper()
	sys := kernel.Boot(cfg)
	t.Cleanup(func() {
		check.NoError(t, sys.Close())
	})
	v := must(token.New(spec))
	p := must(sys.NewProcess("p", v))
	th := must(p.NewThread())
	return sys, th
}

// An unwritable output variable is reported before an error of the handles (TC-41, TC-49, T-80, T-100).
func TestOutputsAreProbedFirst(t *testing.T) {
	_, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	fault := ntstatus.AccessViolation
	for _, h := range []winnt.Handle{0, winnt.NtCurrentProcessToken} {
		check.Equal(t, check.Status(th.CallRow(nt.NtTable.Find("NtQueryInformationToken"),
			nt.QueryInformationTokenIn{TokenHandle: h, TokenInformationClass: winnt.TokenUser,
				FaultReturnLength: fault})), fault, "TC-41: NtQueryInformationToken of handle %v", h)
		check.Equal(t, check.Status(th.CallRow(nt.NtTable.Find("NtCompareTokens"),
			nt.CompareTokensIn{FirstTokenHandle: h, SecondTokenHandle: h, FaultEqual: fault})), fault,
			"TC-49: NtCompareTokens of handle %v", h)
	}
}

// An object whose handle was passed to NtCreateLowBoxToken lives until the token ends (T-69).
func TestLowBoxKeepsObjects(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	check.Require(t, st, ntstatus.Success, "NtOpenProcessToken")
	kept, st := th.NtFilterToken(own, 0, nil, nil, nil)
	check.Require(t, st, ntstatus.Success, "NtFilterToken")
	before, _, _ := sys.Counts()
	box, st := th.NtCreateLowBoxToken(own, winnt.TOKEN_QUERY, nil, sid.AppContainer("p"), nil, []winnt.Handle{kept})
	check.Require(t, st, ntstatus.Success, "NtCreateLowBoxToken")
	th.NtClose(kept)
	if n, _, _ := sys.Counts(); n != before+1 {
		t.Errorf("T-69: %d objects after the handle was closed, want %d", n, before+1)
	}
	th.NtClose(box)
	if n, _, _ := sys.Counts(); n != before-1 {
		t.Errorf("T-69: %d objects after the token was closed, want %d", n, before-1)
	}
}

// A failed allocation of a token leaves no object, handle or reference (T-53, T-60, T-69).
func TestFailedTokenAllocationLeavesNothing(t *testing.T) {
	var memory inject.Injector
	sys := kernel.Boot(kernel.Config{Faults: memory.Point})
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.SeCreateTokenPrivilege.Bit()
	v := must(token.New(spec))
	p := must(sys.NewProcess("p", v))
	th := must(p.NewThread())
	own, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	create := nt.CreateTokenIn{TokenType: winnt.TokenPrimary, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
		User:   nt.Cap(&token.Group{SID: sid.LocalSystem}),
		Groups: nt.Cap([]token.Group{}), Privileges: nt.Cap([]nt.LUIDAndAttributes{}),
		PrimaryGroup: nt.Cap(sid.LocalSystem), Source: nt.Cap(&token.Source{Name: "test"})}
	objects, handles, references := sys.Counts()
	for point, call := range map[string]func() ntstatus.Status{
		"se: create token": func() ntstatus.Status { _, st := th.NtCreateToken(create); return st },
		"se: filter token": func() ntstatus.Status { _, st := th.NtFilterToken(own, 0, nil, nil, nil); return st },
	} {
		memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind(point))
		check.Equal(t, call(), ntstatus.InsufficientResources, "%s fails", point)
		if o, h, r := sys.Counts(); o != objects || h != handles || r != references {
			t.Errorf("after %s failed: %d objects, %d handles, %d references; want %d, %d, %d", point, o, h, r,
				objects, handles, references)
		}
		memory.Fail(nil)
	}
	check.NoError(t, sys.Close())
}

// A sandbox runs with a filtered token. Users is disabled, only one privilege remains, and it can write only what
// Everyone may write.
func ExampleKernelThread_SeTokenIsWriteRestricted() {
	sys := kernel.Boot(kernel.Config{})
	defer sys.Close()
	v, _ := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	p, _ := sys.NewProcess("browser", v)
	th, _ := p.NewThread()
	own, _ := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_DUPLICATE)
	box, st := th.NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE|winnt.WRITE_RESTRICTED, []sid.SID{sid.Users}, nil,
		[]sid.SID{sid.Everyone})
	fmt.Println(st)
	k := sys.KernelMode(th)
	o, _, _ := k.ObReferenceObjectByHandle(box, 0, winnt.TokenObject, kernel.KernelMode)
	defer k.ObDereferenceObject(o)
	t := o.(*kernel.AccessToken)
	fmt.Println(k.SeTokenIsWriteRestricted(t), k.SeTokenIsAdmin(t), t.Value().Present().Names())
	// Output:
	// STATUS_SUCCESS
	// true false [SeChangeNotifyPrivilege]
}

func BenchmarkNtFilterToken(b *testing.B) {
	w := newBench(b)
	own, st := w.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
	check.Require(b, st, ntstatus.Success, "NtOpenProcessToken")
	b.ReportAllocs()
	for b.Loop() {
		h, st := w.th.NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE, nil, nil, nil)
		check.Require(b, st, ntstatus.Success, "NtFilterToken")
		w.th.NtClose(h)
	}
}

// SeAssignSecurityEx limits the mask of each effective entry to the rights of GENERIC_ALL (S-65). A subject context
// without a primary token counts as none (S-60).
func TestSeAssignSecurityExLimitsMasks(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k := must(sys.SystemThread())
	s := k.SeCaptureSubjectContext()
	mapping := nt.Cap(winnt.GenericMapping{Read: 0x24001, Write: 0x26002, Execute: 0x25004, All: 0x1F800F})
	parent := sddl.MustParse("D:(A;CI;GRGX;;;WD)")
	in := kernel.SeAssignSecurityExIn{SubjectContext: s, GenericMapping: mapping, IsDirectoryObject: true}
	for _, c := range []struct {
		parent, explicit *sd.Descriptor
		want             winnt.AccessMask
	}{
		{nil, sddl.MustParse("D:(A;;GRGX;;;WD)"), 0x20005},
		{parent, nil, 0x20005},
	} {
		in.ParentDescriptor, in.ExplicitDescriptor = nt.Cap(c.parent), nt.Cap(c.explicit)
		d, st := k.SeAssignSecurityEx(in)
		if st != ntstatus.Success || d.DACL().Len() == 0 || d.DACL().At(0).Mask() != c.want {
			t.Errorf("S-65: SeAssignSecurityEx: %v, %x; want the first mask %#x", st, d.Binary(), uint32(c.want))
		}
	}
	released := k.SeCaptureSubjectContext()
	k.SeReleaseSubjectContext(released)
	for _, none := range []*kernel.SubjectContext{nil, {}, released} {
		in.SubjectContext = none
		if d, st := k.SeAssignSecurityEx(in); st != ntstatus.NoToken || d != nil {
			t.Errorf("S-60: SeAssignSecurityEx without a token: %v, %v; want %v, nil", st, d, ntstatus.NoToken)
		}
	}
	k.SeReleaseSubjectContext(s)
}

// The routines do not treat an unreadable input as missing, because that would drop its restrictions (O-3).
func TestUnreadableInputsAreRefused(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	k := must(sys.SystemThread())
	s := k.SeCaptureSubjectContext()
	d := must(sddl.Parse("O:SYG:SYD:", sddl.Options{}))
	fault := nt.Captured[*sd.Descriptor]{Status: ntstatus.AccessViolation}
	mapping := nt.Cap(winnt.FileObject.Mapping)
	for _, in := range []kernel.SeAssignSecurityExIn{
		{ParentDescriptor: fault, SubjectContext: s, GenericMapping: mapping},
		{ExplicitDescriptor: fault, SubjectContext: s, GenericMapping: mapping},
	} {
		if out, st := k.SeAssignSecurityEx(in); st != ntstatus.AccessViolation || out != nil {
			t.Errorf("O-3: SeAssignSecurityEx with an unreadable descriptor: %v, %v; want nil, %v", out, st,
				ntstatus.AccessViolation)
		}
	}
	for _, in := range []kernel.SeSetSecurityDescriptorInfoExIn{
		{SecurityInformation: 4, ModificationDescriptor: fault, ObjectsSecurityDescriptor: nt.Cap(d),
			GenericMapping: mapping},
		{SecurityInformation: 4, ModificationDescriptor: nt.Cap(d), ObjectsSecurityDescriptor: fault,
			GenericMapping: mapping},
	} {
		if out, st := k.SeSetSecurityDescriptorInfoEx(in); st != ntstatus.AccessViolation || out != nil {
			t.Errorf("O-3: SeSetSecurityDescriptorInfoEx with an unreadable descriptor: %v, %v; want nil, %v", out,
				st, ntstatus.AccessViolation)
		}
	}
	if _, st := k.SeSetSecurityDescriptorInfoEx(kernel.SeSetSecurityDescriptorInfoExIn{SecurityInformation: 4,
		ObjectsSecurityDescriptor: nt.Cap(d), GenericMapping: mapping}); st != ntstatus.InvalidSecurityDescr {
		t.Errorf("SeSetSecurityDescriptorInfoEx without a modification: %v, want %v", st,
			ntstatus.InvalidSecurityDescr)
	}
	out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(d), SubjectSecurityContext: s,
		DesiredAccess:  winnt.GENERIC_ALL,
		GenericMapping: nt.Captured[winnt.GenericMapping]{Status: ntstatus.AccessViolation}})
	check.That(t, !out.Result && out.AccessStatus == ntstatus.AccessViolation,
		"SeAccessCheck with an unreadable mapping: %+v, want result false and status %v", out, ntstatus.AccessViolation)
	for mode, want := range map[access.Mode]ntstatus.Status{access.User: ntstatus.AccessViolation,
		access.Kernel: ntstatus.Success} { // a check in kernel mode does not read the descriptor (A-31)
		out := k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: fault, SubjectSecurityContext: s,
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: mapping, AccessMode: mode})
		if out.AccessStatus != want || out.Result != want.IsSuccess() {
			t.Errorf("A-31: SeAccessCheck in mode %v: %+v, want status %v and result %t", mode, out, want,
				want.IsSuccess())
		}
	}
	k.SeReleaseSubjectContext(s)
	check.NoError(t, sys.Close())
}
