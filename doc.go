// Package refmon is the map of the module; it holds no code. refmon is the
// Windows NT security reference monitor as a Go library: access tokens,
// impersonation, object handles, security descriptors, the access check and
// the audit trail, with the decision, the status and the reason that the
// documents give.
//
// # Which package do you want
//
// To decide what a token may do with an object:
//
//   - access: the access check. access.Check for one token and one
//     descriptor, access.Explain for the reason, entry by entry.
//   - sddl: descriptors as text. sddl.Parse, sddl.Format.
//   - sd: descriptors as values and as self-relative bytes.
//   - token: the caller's identity. token.New from a Spec, token.Parse from a file.
//   - sid, winnt, ntstatus: identifiers, documented constants, statuses.
//   - claims: attributes and conditions of conditional entries.
//
// To decide for many principals, or to record decisions:
//
//   - effective: the check for many principals and objects at once.
//   - cache: a bounded cache, for example of tokens and descriptors.
//   - ntacl: descriptors as Samba stores them in extended attributes.
//   - adrights: names and GUIDs of the rights of Active Directory.
//   - audit: decides which accesses are recorded, and makes the records.
//   - auditlog: durable records, with proofs that none was altered.
//
// To serve files:
//
//   - fileaccess: open, create, rename, list, inherit and set security.
//
// To act for others, as a server does:
//
//   - kernel: boots a system of processes, threads, handles and token objects.
//   - hostfs: a directory of Linux as files that a kernel opens as the client.
//   - treefs: the same files for Go programs, through io/fs.
//   - client: connects to a kernel in another program; internal/wire carries the calls.
//   - clients: clients for other languages.
//   - logon: a client's account and groups, its token's contents, names and SIDs.
//   - nt: the documented Nt services, called on a thread of that system.
//
// To compare an implementation of your own:
//
//   - cmd/refmon-kit: scores any program that answers JSON lines.
//   - vectors: questions with the decisions they must have.
//
// Commands: cmd/refmon asks all this from a shell, and `refmon run FILE.star`
// calls the same services from a script and prints the transcript.
// cmd/refmon-verify verifies certificates. The module in record records a Windows.
// capi gives C programs the services under their documented prototypes (its C
// is in capi/rtl and capi/win), client
// the same thread of a kernel in another process over a socket. The
// module in server has what needs heavy libraries.
//
// # Three habits
//
// Deny is a value: an access.Decision says no, an error says that the
// question was malformed. A token is a value too, and never changes; a token
// object of NT is a box that holds one. And a goroutine is not a thread: the
// acting thread is passed explicitly, nothing is impersonated behind your back.
//
// Packages import only packages above them in section 2 of docs/DESIGN.md;
// sid to access have no effects and run anywhere, js/wasm included.
package refmon
