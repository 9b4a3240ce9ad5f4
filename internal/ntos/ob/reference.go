package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Reference returns the object of a handle, including the pseudo handles NtCurrentProcess and NtCurrentThread, with a
// reference that the caller must release with Deref(TagCall). want are the required rights, specific and standard
// bits only. A nil typ accepts any type that is a T.
//
// Errors, in this order (O-31): INVALID_HANDLE, OBJECT_TYPE_MISMATCH, ACCESS_DENIED. Type comes before rights so that
// a caller with a wrong handle does not get an error about a right that has no meaning for that type. Kernel mode
// skips only the rights (O-32).
func Reference[T Object](c *Caller, v winnt.Handle, want winnt.AccessMask, typ *Type) (T, Granted, ntstatus.Status) {
	h, g, st := c.find(v)
	if st != ntstatus.Success {
		var none T
		return none, Granted{}, c.Fail("O-31", st)
	}
	obj, ok := h.self.(T)
	switch {
	case !ok || typ != nil && h.typ != typ:
		st = ntstatus.ObjectTypeMismatch // the type is checked before the rights (O-31)
	case want&^g.Access != 0 && c.Mode != access.Kernel: // kernel mode skips the rights only (O-32)
		st = ntstatus.AccessDenied
	default:
		return obj, g, ntstatus.Success
	}
	h.Deref(TagCall)
	var none T
	return none, Granted{}, c.Fail("O-31", st)
}

// find returns the object of a handle value, with a reference. -1 and -2 mean the calling process and thread, also
// in calls about another process's handles (O-16). The pseudo handles of tokens, -4 to -6, are not valid here
// (O-15). Any other value without a table is STATUS_INVALID_HANDLE.
func (c *Caller) find(v winnt.Handle) (*Header, Granted, ntstatus.Status) {
	switch {
	case v >= 0 && c.Table != nil:
		return c.Table.Lookup(v, TagCall)
	case v == winnt.NtCurrentProcess && c.Process != nil: // the calling process (O-14)
		h := c.Process.Head()
		h.Ref(TagCall) // the calling thread holds its process
		return h, Granted{Access: c.ProcessAccess()}, ntstatus.Success
	case v == winnt.NtCurrentThread && c.Thread != nil: // the calling thread (O-14)
		h := c.Thread.Head()
		h.Ref(TagCall)
		return h, Granted{Access: c.ThreadAccess}, ntstatus.Success
	}
	if t := c.TableOf(v); t != nil {
		return t.Lookup(v, TagCall)
	}
	return nil, Granted{}, ntstatus.InvalidHandle // a handle that does not exist (O-13, O-31)
}

// Close implements NtClose. Closing a pseudo handle succeeds and has no effect (O-41). The value -3 is reserved and is
// not a handle (O-14). Errors as [Table.Close]. A handle that is protected from closing is STATUS_HANDLE_NOT_CLOSABLE,
// an unknown one STATUS_INVALID_HANDLE.
func (c *Caller) Close(v winnt.Handle) ntstatus.Status {
	switch v {
	case winnt.NtCurrentProcess, winnt.NtCurrentThread,
		winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken, winnt.NtCurrentEffectiveToken:
		// A pseudo handle has no table entry to close (O-41).
		return ntstatus.Success
	}
	t := c.TableOf(v)
	if t == nil {
		return c.Fail("O-40", ntstatus.InvalidHandle)
	}
	var st ntstatus.Status
	if c.Audit != nil {
		st = c.closeRecorded(t, v)
	} else {
		st = t.Close(v)
	}
	switch st {
	case ntstatus.Success:
		return st
	case ntstatus.HandleNotClosable:
		return c.Fail("O-42", st)
	default:
		return c.Fail("O-40", st)
	}
}
