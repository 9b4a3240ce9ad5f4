// Package access decides who may do what: it answers a [Request] with a
// [Decision] and, when asked, says why.
//
// The pipeline is that of MS-DTYP 2.5.3.2 in the order kernels run it: the
// privilege for ACCESS_SYSTEM_SECURITY, the mandatory ceiling (trust label,
// access filters, integrity), privileges, the owner's implicit rights, the
// walk over the DACL, the restricted pass, the AppContainer pass, central
// access policies. Each stage is one file.
//
//	dec, err := access.Check(tok, d, winnt.FILE_READ_DATA, winnt.FileObject)
//	if err != nil { return err }           // the question was malformed
//	if !dec.Allowed() { return dec.Err() } // errors.Is(err, fs.ErrPermission)
//
// Which entry point:
//
//   - [Check]: one token of any type and level, one mask. [CheckBytes] does the
//     same from self-relative bytes that are used once.
//   - [SeAccessCheck]: the kernel's face, with subject, previous access and mode.
//   - [NtAccessCheck], [NtAccessCheckResultList]: the system calls' face, apart
//     from what concerns pointers and buffers.
//   - [Explain], [ExplainResultList]: the same walk with a recorder.
//   - [SeFastTraverseCheck], [PrivilegeCheck], [PrivilegePolicy].
//
// There is one loop over the entries of a DACL, run. Every pass hands
// it data: which SIDs match, which object tree, which recorder; absent ones
// are nil. Which types of entries take part is a table, kinds.
//
// Deny is a value, never an error. An error means that the question was
// malformed: no token, or no type to map generic rights with.
//
// Ids such as A-70 name rules, which docs/rules/50-access-check.md lists with their
// sources.
//
// Guards: none. The package has no state; every function may be called from
// any goroutine, and what a Request points to is only read. [Check],
// [CheckBytes] and [SeAccessCheck] allocate nothing, unless the request has an
// object type list or a conditional entry is reached.
package access
