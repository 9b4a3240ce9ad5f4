// Package fileaccess decides what a file server, gateway or store must decide
// before it hands out a handle, and what each later operation on the handle
// needs.
//
// It does no input or output. The caller looks names up and says in [Facts]
// what it found; a [Request] says what was asked; [Open] answers with a
// [Decision]: status, granted access, what was done to the object, the
// descriptor of a new object, privileges used, and what to audit.
//
//	d := fileaccess.Open(&req, &facts)
//	if !d.Allowed() {
//		return d.Status() // d.Rule says which rule refused
//	}
//
// Which function:
//
//   - [Open]: create, open, overwrite, supersede, delete on close; [Explain]
//     does the same and says why, bit by bit.
//   - [Connect]: what a share lets a user do; [Maximal]: what a user could do
//     with an object.
//   - [Handle.May]: each operation of a handle: read, set information,
//     enumerate, change notify and so on.
//   - [DecideRename], [DecideLink]; [QuerySecurity], [SetSecurity].
//   - [Visible], [VisibleEntries]: access-based enumeration.
//   - [Can]: the rights of a descriptor that a subject has, bit by bit.
//   - [FromMode], [FromPOSIX], [FromNFS4] and back: other systems' permissions
//     as descriptors, with the losses stated.
//
// Rights are decided once, at the open. Everything later is a test of the
// handle's granted mask, so that a changed descriptor closes no handle
// (F-52).
//
// Where file servers do something else than the documents, Policy.Profile chooses;
// clients of SMB and their test suites expect [Observed].
//
// Sources: MS-FSA 2.1.4.14 and 2.1.5, MS-SMB2 3.3.5, MS-FSCC, MS-DTYP 2.4.7,
// the Windows driver documentation. docs/rules/80-files.md lists the rules.
//
// Guards: none. The package has no state, every function may be called from
// any goroutine, and what a Request and Facts point to is only read. A granted
// open of an existing object allocates nothing, unless its check does.
package fileaccess
