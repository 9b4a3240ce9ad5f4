package kernel_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtQueryObject for a type accepts the needed length and more, and rejects one byte less (O-61).
func TestObjectTypeQueryNeedsItsLength(t *testing.T) {
	w := newRightsWorld(t)
	for name, h := range w.all {
		ask := func(length uint32) (nt.QueryObjectOut, ntstatus.Status) {
			return w.th.Services().NtQueryObject(nt.QueryObjectIn{Handle: h, ObjectInformationClass: nt.ObjectTypeInformation,
				ObjectInformationLength: length})
		}
		out, _ := ask(0)
		need := out.ReturnLength
		check.That(t, need > 104 && need <= 200,
			"%s: the type information needs %d bytes, want more than 104 and at most 200", name, need)
		for length, want := range map[uint32]ntstatus.Status{need - 1: ntstatus.InfoLengthMismatch, need: ntstatus.Success,
			need + 1: ntstatus.Success} {
			if out, st := ask(length); st != want || out.ReturnLength != need || (out.ObjectInformation != nil) != (st == 0) {
				t.Errorf("O-61: type of %s into %d bytes: %v, %+v; want %v, length %d", name, length, st, out, want, need)
			}
		}
	}
}

// failing boots a kernel that records the services on objects and fails an operation whose record cannot be written.
// The injector makes the audit sink fail.
func failing(t *testing.T) (*kernel.System, *nt.Thread, *inject.Injector) {
	t.Helper()
	sink := new(inject.Injector)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	p := check.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{
			audit.KernelObject:       audit.OnSuccess | audit.OnFailure,
			audit.HandleManipulation: audit.OnSuccess, audit.AuthorizationPolicyChange: audit.OnSuccess,
		},
		Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail},
	}))
	sys.Audit().Policy.Store(p)
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	held := winnt.SeSecurityPrivilege.Bit() | winnt.SeCreatePermanentPrivilege.Bit()
	s.Privileges, s.EnabledPrivileges = s.Privileges|held, s.EnabledPrivileges|held
	process := check.Must(sys.NewProcess("p", check.Must(token.New(s))))
	th := check.Must(process.NewThread())
	t.Cleanup(func() {
		sink.Fail(nil)
		check.NoError(t, sys.Close())
	})
	return sys, th, sink
}

// If a required audit record cannot be written, the operation fails and changes nothing. It leaves no object, name or
// handle, and the old descriptor remains (U-64, U-73).
func TestObjectServicesFailClosed(t *testing.T) {
	sys, th, sink := failing(t)
	audited := sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")
	named := &nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\ev`, SecurityDescriptor: audited}
	h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, named, nt.NotificationEvent, false)
	check.Require(t, st, ntstatus.Success, "NtCreateEvent")
	sink.Fail(errors.New("full"))
	before := [3]int64{}
	before[0], before[1], before[2] = sys.Counts()
	failures := map[string]func() ntstatus.Status{
		"NtCreateEvent": func() ntstatus.Status {
			_, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS,
				&nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\new`,
					SecurityDescriptor: audited}, nt.NotificationEvent, false)
			return st
		},
		// A permanent name outlives its handles, so it must be removed explicitly.
		"NtCreateEvent permanent": func() ntstatus.Status {
			_, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS,
				&nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\stays`, Attributes: winnt.OBJ_PERMANENT,
					SecurityDescriptor: audited}, nt.NotificationEvent, false)
			return st
		},
		"NtCreateEvent unnamed": func() ntstatus.Status {
			_, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{SecurityDescriptor: audited},
				nt.NotificationEvent, false)
			return st
		},
		"NtOpenEvent": func() ntstatus.Status {
			_, st := th.NtOpenEvent(winnt.EVENT_ALL_ACCESS,
				&nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\ev`})
			return st
		},
		"NtDuplicateObject": func() ntstatus.Status {
			_, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
			return st
		},
		"NtSetSecurityObject": func() ntstatus.Status {
			return th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:"))
		},
	}
	for name, f := range failures {
		check.Equal(t, f(), ntstatus.AuditFailed, "%s when its record cannot be written", name)
	}
	if o, n, r := sys.Counts(); before != [3]int64{o, n, r} {
		t.Errorf("%d objects, %d handles, %d references after the failures; want %v", o, n, r, before)
	}
	d, st := th.NtQuerySecurityObject(h, winnt.DACL_SECURITY_INFORMATION)
	text, err := sddl.Format(d, sddl.Options{})
	check.That(t, st == ntstatus.Success && err == nil && text == "D:(A;;0x1f0003;;;WD)",
		`descriptor after the failures: %q, %v, %v; want "D:(A;;0x1f0003;;;WD)", %v, nil`, text, st, err, ntstatus.Success)
	check.Equal(t, check.Status(th.NtOpenEvent(winnt.EVENT_QUERY_STATE,
		&nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\new`})), ntstatus.ObjectNameNotFound,
		"NtOpenEvent of the event that was not created")
	// The handle values that the failed operations used are free again (O-12, U-64).
	again := func() winnt.Handle {
		t.Helper()
		sink.Fail(nil)
		v, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
		check.RequireThat(t, st == ntstatus.Success, "NtDuplicateObject: %v, want success", st)
		th.NtClose(v)
		sink.Fail(errors.New("full"))
		return v
	}
	first := again()
	for name, f := range failures {
		if f(); again() != first {
			t.Errorf("U-64: after a failed %s the next handle value differs, want %v", name, first)
		}
	}
	// U-73: NtClose never fails because of its record
	check.Equal(t, th.NtClose(h), ntstatus.Success, "U-73: NtClose when its record cannot be written")
}

// The object routines check the type, and in user mode also the rights. A nil type accepts every object in kernel
// mode; a user-mode open by pointer needs a type (O-31, O-32, O-33).
func TestObjectRoutinesCheckTypeAndRights(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	k := sys.KernelMode(th)
	const synchronize, modify = winnt.SYNCHRONIZE, winnt.EVENT_MODIFY_STATE
	h, st := th.NtCreateEvent(synchronize, &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT,
		SecurityDescriptor: sddl.MustParse("D:(A;;0x100000;;;WD)")}, nt.NotificationEvent, false)
	check.Require(t, st, ntstatus.Success, "NtCreateEvent")
	const user, inKernel = kernel.UserMode, kernel.KernelMode
	check.Equal(t, [2]string{user.String(), inKernel.String()}, [2]string{"UserMode", "KernelMode"}, "names of the modes")
	const ok, mismatch, denied = ntstatus.Success, ntstatus.ObjectTypeMismatch, ntstatus.AccessDenied
	for _, c := range []struct {
		typ             *winnt.ObjectType
		mode            kernel.ProcessorMode
		desired         winnt.AccessMask
		reference, open ntstatus.Status
	}{
		{winnt.EventObject, user, synchronize, ok, ok},
		{winnt.EventObject, user, modify, denied, denied},
		{winnt.EventObject, inKernel, modify, ok, ok},
		{winnt.TokenObject, inKernel, modify, mismatch, mismatch},
		{winnt.KeyObject, inKernel, modify, mismatch, mismatch}, // a type without objects here
		{nil, inKernel, modify, ok, ok},
		{nil, user, synchronize, ok, mismatch},
	} {
		o, info, st := k.ObReferenceObjectByHandle(h, c.desired, c.typ, c.mode)
		check.Equal(t, st, c.reference, "ObReferenceObjectByHandle of %+v", c)
		if st != ok {
			check.That(t, o == nil && info == kernel.HandleInformation{}, "refused reference: %v, %+v, want nothing", o, info)
			o, info, st = k.ObReferenceObjectByHandle(h, 0, nil, inKernel)
			check.Require(t, st, ok, "ObReferenceObjectByHandle")
		}
		check.Equal(t, info, kernel.HandleInformation{HandleAttributes: winnt.OBJ_INHERIT, GrantedAccess: synchronize},
			"information about the handle")
		opened, st := k.ObOpenObjectByPointer(o, 0, c.desired, c.typ, c.mode)
		check.That(t, st == c.open && (opened != 0) == (st == ok), "ObOpenObjectByPointer of %+v: %v, %v", c, opened, st)
		k.ObDereferenceObject(o)
		if st == ok {
			check.Success(t, k.ZwClose(opened))
		}
	}
	other, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	check.Require(t, st, ok, "NtOpenProcessToken")
	_, _, st = k.ObReferenceObjectByHandle(other, 0, winnt.EventObject, user)
	check.Equal(t, st, mismatch, "a token as an event")
}
