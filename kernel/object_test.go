package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The object routines check the type, and in user mode also the rights. A nil type accepts every object in kernel
// mode; a user-mode open by pointer needs a type (O-31, O-32, O-33).
func TestObjectRoutinesCheckTypeAndRights(t *testing.T) {
	sys, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	k := sys.KernelMode(th)
	const synchronize, modify = winnt.SYNCHRONIZE, winnt.EVENT_MODIFY_STATE
	h := check.Result(th.NtCreateEvent(synchronize, &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT,
		SecurityDescriptor: sddl.MustParse("D:(A;;0x100000;;;WD)")}, nt.NotificationEvent, false))
	const user, inKernel = kernel.UserMode, kernel.KernelMode
	check.Equal(t, [2]string{user.String(), inKernel.String()}, [2]string{"UserMode", "KernelMode"},
		"names of the modes")
	const ok, mismatch, denied = ntstatus.Success, ntstatus.ObjectTypeMismatch, ntstatus.AccessDenied
	inTable, st := k.ObOpenObjectByPointer(k.Thread(), winnt.OBJ_KERNEL_HANDLE, 0, nil, inKernel)
	check.That(t, st == ok && inTable < 0, "OBJ_KERNEL_HANDLE: %v, %v, want a kernel handle", inTable, st)
	check.Success(t, k.ZwClose(inTable))
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
			check.That(t, o == nil && info == kernel.HandleInformation{}, "refused reference: %v, %+v, want nothing",
				o, info)
			o, info, st = k.ObReferenceObjectByHandle(h, 0, nil, inKernel)
			check.Require(t, st, ok, "ObReferenceObjectByHandle")
		}
		check.Equal(t, info, kernel.HandleInformation{HandleAttributes: winnt.OBJ_INHERIT, GrantedAccess: synchronize},
			"information about the handle")
		opened, st := k.ObOpenObjectByPointer(o, 0, c.desired, c.typ, c.mode)
		check.That(t, st == c.open && (opened != 0) == (st == ok), "ObOpenObjectByPointer of %+v: %v, %v", c, opened,
			st)
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
