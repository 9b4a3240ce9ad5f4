// Package ob is the object manager. It defines objects and their names, and how a caller gets and releases access to
// them.
//
// An object is a Go struct that embeds a [Header]. The header has its [Type], its name, its security descriptor (an
// atomic pointer to an immutable value) and two counts: handles and references. A [Table] maps handle values to
// (object, granted access, attributes); a lookup takes no lock. A [Caller] describes the caller: mode, tables, pseudo
// handles, subject.
//
//	th, _, st := ob.Reference[*ps.Thread](c, handle, winnt.THREAD_QUERY_INFORMATION, ps.ThreadType)
//	if st != ntstatus.Success {
//		return st
//	}
//	defer th.Head().Deref(ob.TagCall)
//
// Every open is decided before anything changes: [Decide] is pure, and inserting the handle is the commit. The rights
// of a handle are fixed at creation and never checked again (O-34). Named objects are in a [Namespace] of [Directory]
// objects. [Namespace.Open] and [Namespace.Create] walk a path, check it and create the handle.
//
// Any goroutine may call the exported functions, and each call is atomic (O-80). Inside the package the lock
// order is Table, Directory, Census. No caller holds one of them during an access check or a hook of a type.
// Code never takes a reference on an object whose count is zero: a reader without its own reference must use
// [Header.TryRef].
package ob
