// Package access implements the Windows access check. It turns a [Request] into a
// [Decision] and can explain the decision.
//
// The check has the stages of MS-DTYP 2.5.3.2, in the order in which kernels run
// them: the privilege for ACCESS_SYSTEM_SECURITY, the mandatory ceiling (trust
// label, access filters, integrity), privileges, the owner's implicit rights, the
// walk over the DACL, the restricted pass, the AppContainer pass, central access
// policies. Each stage is in one file.
//
//	dec, err := access.Check(tok, d, winnt.FILE_READ_DATA, winnt.FileObject)
//	if err != nil { return err }           // the question was malformed
//	if !dec.Allowed() { return dec.Err() } // errors.Is(err, fs.ErrPermission)
//
// Choose an entry point:
//
//   - [Check]: one token of any type and level, one mask. [CheckBytes] does the
//     same from self-relative bytes that are used once.
//   - [SeAccessCheck]: the kernel's face, with subject, previous access and mode.
//   - [NtAccessCheck], [NtAccessCheckResultList]: the system calls' face, apart
//     from the handling of pointers and buffers.
//   - [Explain], [ExplainResultList]: the same walk with a recorder.
//   - [SeFastTraverseCheck], [PrivilegeCheck], [PrivilegePolicy].
//
// One loop, run, reads the entries of a DACL. Each pass gives it the SIDs that
// match, the object tree and the recorder. Each of these may be nil. The table
// kinds has the effect of each type of entry.
//
// A denial is a Decision, never an error. An error means that the request was
// malformed: it has no token, or no type to map generic rights.
//
// Ids such as A-70 name rules. docs/rules/50-access-check.md lists them with their
// sources.
//
// Guards: none. The package has no state. Every function may be called from any
// goroutine and only reads the data to which a Request points. [Check],
// [CheckBytes] and [SeAccessCheck] allocate nothing, unless the request has an
// object type list or the check reaches a conditional entry.
package access
