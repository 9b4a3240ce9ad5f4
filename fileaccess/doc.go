// Package fileaccess makes the access decisions of a file server, gateway or
// store. It decides each open, and which rights each later operation on the handle
// needs.
//
// It does no input or output. The caller looks up names and puts the results into
// [Facts]. A [Request] has the parameters of the open. [Open] returns a
// [Decision]: the status, the granted access, the action on the object, the
// descriptor of a new object, the privileges used, and the audit data.
//
//	d := fileaccess.Open(&req, &facts)
//	if !d.Allowed() {
//		return d.Status() // d.Rule says which rule refused
//	}
//
// Choose a function:
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
//   - [Private]: whether anyone but one user may read or change an object, and who.
//   - [FromMode], [FromPOSIX], [FromNFS4] and back: other systems' permissions
//     as descriptors, with the losses stated.
//
// Rights are decided once, at the open. Later operations only test the handle's
// granted mask, so a changed descriptor does not affect open handles (F-52).
//
// Where file servers behave differently from the documents, Policy.Profile
// chooses. SMB clients and their test suites expect [Observed].
//
// Sources: MS-FSA 2.1.4.14 and 2.1.5, MS-SMB2 3.3.5, MS-FSCC, MS-DTYP 2.4.7, the
// Windows driver documentation. docs/rules/80-files.md lists the rules.
//
// Guards: none. The package has no state. Every function may be called from any
// goroutine and only reads the data to which a Request and Facts point. A granted
// open of an existing object allocates nothing, unless its access check does.
package fileaccess
