// Package ob is the object manager: what an object is, how it is named, how a
// caller gets and gives up access to it.
//
// An object is a Go struct that embeds a [Header]. The header carries its
// [Type], its name, its security descriptor (an atomic pointer to an immutable
// value) and two counts: handles and references. A [Table] maps handle values
// to (object, granted access, attributes); looking a value up takes no lock.
// A [Caller] says who is asking: mode, tables, pseudo handles, subject.
//
//	th, _, st := ob.Reference[*ps.Thread](c, handle, winnt.THREAD_QUERY_INFORMATION, ps.ThreadType)
//	if st != ntstatus.Success {
//		return st
//	}
//	defer th.Head().Deref(ob.TagCall)
//
// Every open is decided before anything changes: [Decide] is pure, inserting
// the handle is the commit. Rights are fixed when the handle is made and are
// never looked at again (O-34).
//
// Named objects live in a [Namespace] of [Directory] objects: [Namespace.Open]
// and [Namespace.Create] walk a path, check it and make the handle.
//
// Guards. Every exported function may be called from any goroutine and takes
// effect at one moment (O-80). Inside the package the order of locks is Table,
// then Directory, then Census; none of them is held while an access check or a
// hook of a type runs. A reference is never taken on an object whose count is
// zero: every reader that holds no reference of its own goes through
// [Header.TryRef].
package ob
