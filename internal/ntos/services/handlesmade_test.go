package services_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A maker is a service that makes a handle; the test sets its attributes.
type maker struct {
	name    string // of the service, or with what is special behind it
	service string
	in      any
	object  nt.ObjectAttributes
	granted winnt.AccessMask
	never   uint32 // attributes that are taken and have no effect
	refused uint32 // attributes that are not taken in kernel mode
	kernel  bool   // outside the System process it makes kernel handles only
}

// call asks for a handle with these attributes.
func (m *maker) call(th *nt.Thread, attributes uint32) (h winnt.Handle, st ntstatus.Status) {
	in := reflect.New(reflect.TypeOf(m.in)).Elem()
	in.Set(reflect.ValueOf(m.in))
	if f := in.FieldByName("HandleAttributes"); f.IsValid() {
		f.Set(reflect.ValueOf(attributes))
	} else {
		object := m.object
		object.Attributes |= attributes
		in.FieldByName("ObjectAttributes").Set(reflect.ValueOf(nt.Cap(&object)))
	}
	out, st := th.CallRow(nt.NtTable.Find(m.service), in.Interface())
	for i := range reflect.ValueOf(out).NumField() {
		if v, ok := reflect.ValueOf(out).Field(i).Interface().(winnt.Handle); ok {
			h = v
		}
	}
	return h, st
}

// makers returns the services that make handles, with what they need in the world.
func makers(t *testing.T, w *world, th *nt.Thread, k *kernel.KernelThread) (all []maker) {
	t.Helper()
	add := func(service, special string, in any, name string, granted winnt.AccessMask) *maker {
		all = append(all, maker{name: service + special, service: service, in: in, granted: granted,
			object: nt.ObjectAttributes{ObjectName: name}})
		return &all[len(all)-1]
	}
	const base = `\BaseNamedObjects\`
	for _, special := range []string{"", " with a name"} {
		name := func(n string) string {
			if special == "" {
				return ""
			}
			return base + n
		}
		add("NtCreateEvent", special, nt.CreateEventIn{DesiredAccess: 3}, name("a"), 3)
		add("NtCreateMutant", special, nt.CreateMutantIn{DesiredAccess: 1}, name("b"), 1)
		add("NtCreateSemaphore", special, nt.CreateSemaphoreIn{DesiredAccess: 3, MaximumCount: 1}, name("c"), 3)
		add("NtCreateTimer", special, nt.CreateTimerIn{DesiredAccess: 2}, name("d"), 2)
		add("NtCreateJobObject", special, nt.CreateJobObjectIn{DesiredAccess: 5}, name("e"), 5)
		add("NtCreateDirectoryObject", special, nt.CreateDirectoryObjectIn{DesiredAccess: 3}, name("f"), 3)
		add("NtCreateSymbolicLinkObject", special,
			nt.CreateSymbolicLinkObjectIn{DesiredAccess: 1, LinkTarget: nt.Cap(`\x`)}, name("g"), 1)
	}
	must := func(what string, st ntstatus.Status) {
		t.Helper()
		want(t, what, st, ntstatus.Success)
	}
	_, st := th.NtCreateEvent(1, &nt.ObjectAttributes{ObjectName: base + "there"}, nt.NotificationEvent, false)
	must("make an event", st)
	add("NtOpenEvent", "", nt.OpenEventIn{DesiredAccess: 2}, base+"there", 2)
	add("NtOpenDirectoryObject", "", nt.OpenDirectoryObjectIn{DesiredAccess: 3}, `\BaseNamedObjects`, 3)
	if err := w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")); err != nil {
		t.Fatal(err)
	}
	add("NtOpenFile", " of a plain name", nt.OpenFileIn{DesiredAccess: 3}, "f", 3)
	add("NtOpenFile", " of a path", nt.OpenFileIn{DesiredAccess: 3}, `\Files\f`, 3)
	add("NtCreateFile", "", nt.CreateFileIn{DesiredAccess: 3, CreateDisposition: winnt.FILE_OPEN}, `\Files\f`, 3)
	add("NtOpenFile", " of a device", nt.OpenFileIn{DesiredAccess: 1}, `\Device\Null`, 1)
	add("NtCreateNamedPipeFile", "", nt.CreateNamedPipeFileIn{DesiredAccess: 1}, `\??\pipe\made`, 1)
	me, st := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
	must("who it is", st)
	id := me.(nt.ThreadBasic).ClientID
	add("NtOpenProcess", "", nt.OpenProcessIn{DesiredAccess: 2, ClientID: nt.Cap(&id)}, "", 2)
	add("NtOpenThread", "", nt.OpenThreadIn{DesiredAccess: 2, ClientID: nt.Cap(&id)}, "", 2)
	add("NtGetNextProcess", "", nt.GetNextProcessIn{DesiredAccess: 2}, "", 2)
	add("NtGetNextThread", "", nt.GetNextThreadIn{DesiredAccess: 2, ProcessHandle: winnt.NtCurrentProcess}, "", 2)
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	must("open the token", st)
	must("let it be inherited", th.NtSetInformationObject(own, nt.HandleFlagInformation{Inherit: true}))
	d := sddl.MustParse("D:(A;;GA;;;WD)")
	duplicate := nt.DuplicateTokenIn{ExistingTokenHandle: own, DesiredAccess: 10, TokenType: winnt.TokenPrimary}
	add("NtDuplicateToken", "", duplicate, "", 10).never = winnt.OBJ_INHERIT
	add("NtDuplicateToken", " with a descriptor", duplicate, "", 10).object.SecurityDescriptor = d
	plain := plainToken(winnt.TokenPrimary)
	plain.DesiredAccess = 10
	add("NtCreateToken", "", plain, "", 10)
	add("NtCreateLowBoxToken", "", nt.CreateLowBoxTokenIn{ExistingTokenHandle: own, DesiredAccess: 10,
		PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))}, "", 10)
	m := add("NtOpenProcessTokenEx", "", nt.OpenProcessTokenExIn{ProcessHandle: winnt.NtCurrentProcess,
		DesiredAccess: 10}, "", 10)
	m.refused, m.kernel = winnt.OBJ_INHERIT, true
	tok := w.token(k, svc, winnt.SecurityImpersonation)
	must("act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
	m = add("NtOpenThreadTokenEx", "", nt.OpenThreadTokenExIn{ThreadHandle: winnt.NtCurrentThread, DesiredAccess: 10,
		OpenAsSelf: true}, "", 10)
	m.refused, m.kernel = winnt.OBJ_INHERIT, true
	k.PsRevertToSelf()
	return all
}

// O-28, O-29, O-34, T-47: each service that makes a handle makes one, in the table and with the
// attributes and rights that are asked for, and its object is gone from there with the handle.
func TestHandlesAreMadeAsAsked(t *testing.T) {
	privileges := []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeCreateGlobalPrivilege}
	for _, debug := range []bool{false, true} { // opens by id take another way with SeDebugPrivilege
		if debug {
			privileges = append(privileges, winnt.SeDebugPrivilege)
		}
		w := newWorld(t, kernel.Config{})
		th, k := w.thread(w.process("p", privileges...))
		// The first of the processes that the next one is asked for is one that may be opened.
		all := makers(t, w, th, k)
		tok := w.token(k, svc, winnt.SecurityImpersonation, privileges...)
		want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
		for _, m := range all {
			for mode, by := range map[string]*nt.Thread{"user": th, "kernel": k.Zw()} {
				for _, attributes := range []uint32{0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE,
					winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE} {
					inKernel := mode == "kernel" && attributes&winnt.OBJ_KERNEL_HANDLE != 0
					if mode == "kernel" && (attributes&m.refused != 0 || m.kernel && attributes == 0) {
						continue // TestAttributesOfTokenHandles
					}
					before := len(handles(t, th))
					h, st := m.call(by, attributes)
					if st != ntstatus.Success {
						t.Errorf("%s, %s mode, attributes %#x: %v", m.name, mode, attributes, st)
						continue
					}
					v, st := by.NtQueryObject(h, nt.ObjectBasicInformation)
					want(t, "query", st, ntstatus.Success)
					got := v.(nt.BasicInformation)
					wanted := attributes & winnt.OBJ_INHERIT &^ m.never
					if (h < 0) != inKernel || got.Attributes&^winnt.OBJ_PERMANENT != wanted || got.GrantedAccess != m.granted {
						t.Errorf("%s, %s mode, attributes %#x: handle %#x with %#x for %v, want %#x for %v", m.name, mode,
							attributes, int64(h), got.Attributes, got.GrantedAccess, wanted, m.granted)
					}
					made := 1
					if inKernel {
						made = 0
					}
					if n := len(handles(t, th)); n != before+made {
						t.Errorf("%s, %s mode, attributes %#x: %d handles, want %d", m.name, mode, attributes, n, before+made)
					}
					want(t, "close", by.NtClose(h), ntstatus.Success)
				}
			}
		}
		k.PsRevertToSelf()
	}
}

// T-60: a filtered token's handle has the rights of the other one, not its attributes.
func TestFilteredIsNotInherited(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY_SOURCE)
	want(t, "open the token", st, ntstatus.Success)
	want(t, "let it be inherited", th.NtSetInformationObject(own, nt.HandleFlagInformation{Inherit: true,
		ProtectFromClose: true}), ntstatus.Success)
	out, st := th.Services().NtFilterToken(nt.FilterTokenIn{ExistingTokenHandle: own})
	want(t, "filter", st, ntstatus.Success)
	all := handles(t, th)
	if got := all[out.NewTokenHandle]; got != "0x12 0x0" || all[own] != "0x12 0x3" {
		t.Errorf("the filtered token's handle is %q, the other one %q", got, all[own])
	}
	want(t, "let it be closed", th.NtSetInformationObject(own, nt.HandleFlagInformation{}), ntstatus.Success)
}
