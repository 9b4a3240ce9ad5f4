package ob_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// refer references v as typ for the rights and gives the status.
func (w *world) refer(v winnt.Handle, rights winnt.AccessMask, typ *ob.Type) ntstatus.Status {
	o, _, st := ob.Reference[*object](w.c, v, rights, typ)
	if st == ntstatus.Success {
		o.Deref(ob.TagCall)
	}
	return st
}

// An invalid handle precedes a wrong type, which precedes a missing right (O-31, O-32, OC-10, OC-11, OC-12, OC-13).
func TestReferenceChecksTypeBeforeRights(t *testing.T) {
	w := newWorld(t)
	event, _ := open(t, w.c.Table, winnt.EVENT_QUERY_STATE, 0)
	th, _ := w.c.Table.Insert(newObject(threadType, nil), winnt.SYNCHRONIZE, 0)
	const query = winnt.THREAD_QUERY_INFORMATION
	wantStatus(t, "OC-10: an event as thread", w.refer(event, query, threadType), ntstatus.ObjectTypeMismatch)
	wantStatus(t, "OC-12: a right the handle lacks", w.refer(th, query, threadType), ntstatus.AccessDenied)
	wantStatus(t, "a right it has", w.refer(th, winnt.SYNCHRONIZE, threadType), ntstatus.Success)
	wantStatus(t, "any type", w.refer(event, winnt.EVENT_QUERY_STATE, nil), ntstatus.Success)
	w.kernel(func() { // O-32: rights are not checked, the rest is
		wantStatus(t, "OC-13", w.refer(th, query, threadType), ntstatus.Success)
		wantStatus(t, "wrong type", w.refer(event, query, threadType), ntstatus.ObjectTypeMismatch)
		wantStatus(t, "no entry", w.refer(400, query, threadType), ntstatus.InvalidHandle)
	})
	_, _, st := ob.Reference[*ob.Directory](w.c, event, 1<<20, nil)
	wantStatus(t, "referencing an event as *Directory", st, ntstatus.ObjectTypeMismatch)
	w.c.Table.Close(event)
	wantStatus(t, "OC-11: a closed value", w.refer(event, query, threadType), ntstatus.InvalidHandle)
	w.c.Table = nil // the process has exited
	wantStatus(t, "no table", w.refer(event, 0, nil), ntstatus.InvalidHandle)
}

// The pseudo handles -1 and -2 mean the calling process and thread, with the rights of SelfAccess (O-14, O-15, O-16,
// O-31, O-41, OC-5, OC-6, OC-14).
func TestPseudoHandlesMeanTheCaller(t *testing.T) {
	w := newWorld(t)
	w.c.ThreadAccess = winnt.THREAD_TERMINATE
	wantStatus(t, "OC-14: -1 as thread", w.refer(winnt.NtCurrentProcess, 0, threadType), ntstatus.ObjectTypeMismatch)
	wantStatus(t, "-2 within SelfAccess", w.refer(winnt.NtCurrentThread, winnt.THREAD_TERMINATE, threadType),
		ntstatus.Success)
	wantStatus(t, "-2 beyond SelfAccess", w.refer(winnt.NtCurrentThread, winnt.THREAD_IMPERSONATE, threadType),
		ntstatus.AccessDenied)
	o, g, _ := ob.Reference[*object](w.c, winnt.NtCurrentProcess, winnt.PROCESS_DUP_HANDLE, processType)
	check.That(t, ob.Object(o) == w.c.Process && g.Access == processType.Valid,
		"O-14, O-16: pseudo handle -1 references %v with rights %v, want the caller's process with all rights", o, g.Access)
	o.Deref(ob.TagCall)
	for _, v := range []winnt.Handle{-3, -4, -5, -6} { // O-15: only token query services know -4 to -6
		wantStatus(t, v.String(), w.refer(v, 0, nil), ntstatus.InvalidHandle)
		w.kernel(func() { wantStatus(t, v.String()+" in kernel mode", w.refer(v, 0, nil), ntstatus.InvalidHandle) })
	}
	for _, v := range []winnt.Handle{-1, -2, -4, -5, -6} { // OC-5
		wantStatus(t, "close "+v.String(), w.c.Close(v), ntstatus.Success) // O-41
	}
	wantStatus(t, "OC-6: close -3", w.c.Close(-3), ntstatus.InvalidHandle)
	w.kernel(func() { wantStatus(t, "close -3 in kernel mode", w.c.Close(-3), ntstatus.InvalidHandle) })
	check.That(t, w.c.Process.Head().PointerCount() == 1 && w.c.Process.Head().HandleCount() == 0,
		"closing a pseudo handle changed the counts of the process, want 1 reference and no handle")
}

// TestKernelHandlesNeedKernelMode checks that kernel mode opens and uses kernel handles in every process, and user
// mode cannot (O-13, O-28, OC-15, OC-16, OC-17).
func TestKernelHandlesNeedKernelMode(t *testing.T) {
	p, q := newWorld(t), newWorld(t)
	q.c.Kernel = p.c.Kernel // one table for the whole system
	o := newObject(eventType, nil)
	var v winnt.Handle
	p.kernel(func() { v, _ = ob.OpenByPointer(p.c, o, p.self, winnt.EVENT_QUERY_STATE, winnt.OBJ_KERNEL_HANDLE) })
	check.RequireThat(t, v < 0, "kernel handle = %v, want less than 0", v)
	wantStatus(t, "OC-15: in user mode", p.refer(v, 0, nil), ntstatus.InvalidHandle)
	wantStatus(t, "closing it there", p.c.Close(v), ntstatus.InvalidHandle)
	q.kernel(func() { // OC-16
		x, _, st := ob.Reference[*object](q.c, v, 0, eventType)
		check.That(t, st == ntstatus.Success && x == o,
			"kernel handle used in another process = %v, %v, want %v, %v", x, st, o, ntstatus.Success)
		x.Deref(ob.TagCall)
		wantStatus(t, "close", q.c.Close(v), ntstatus.Success)
	})
	p.kernel(func() { // O-28: also where the access is checked
		v, st := ob.OpenByPointer(p.c, o, p.self, winnt.EVENT_QUERY_STATE,
			winnt.OBJ_KERNEL_HANDLE|winnt.OBJ_FORCE_ACCESS_CHECK)
		check.That(t, st == ntstatus.Success && v < 0,
			"open with OBJ_FORCE_ACCESS_CHECK = handle %v, %v, want less than 0, %v", v, st, ntstatus.Success)
		wantStatus(t, "close", p.c.Close(v), ntstatus.Success)
	})
	p.kernel(func() { // other attributes mean a handle of the process
		v, st := ob.OpenByPointer(p.c, o, p.self, winnt.EVENT_QUERY_STATE, winnt.OBJ_INHERIT)
		check.That(t, st == ntstatus.Success && v == 4, "open with OBJ_INHERIT = handle %v, %v, want 4", v, st)
		wantStatus(t, "close", p.c.Close(v), ntstatus.Success)
	})
	u, st := ob.OpenByPointer(p.c, o, p.self, winnt.EVENT_QUERY_STATE, winnt.OBJ_KERNEL_HANDLE)
	check.That(t, st == ntstatus.Success && u == 4, // O-28, OC-17: ignored from user mode
		"OBJ_KERNEL_HANDLE in user mode = handle %v, %v, want 4, %v", u, st, ntstatus.Success)
	wantStatus(t, "close", p.c.Close(u), ntstatus.Success)
}

func TestRefusedCloseHasItsRule(t *testing.T) { // O-40, O-42
	w := newWorld(t)
	w.c.Why = &ob.Why{}
	v, _ := open(t, w.c.Table, 1, winnt.OBJ_PROTECT_CLOSE)
	wantStatus(t, "protected", w.c.Close(v), ntstatus.HandleNotClosable)
	check.Equal(t, w.c.Why.Rule, "O-42", "rule of closing a protected handle")
	wantStatus(t, "OC-1: zero", w.c.Close(0), ntstatus.InvalidHandle)
	check.Equal(t, w.c.Why.Rule, "O-40", "rule of closing handle 0")
}
