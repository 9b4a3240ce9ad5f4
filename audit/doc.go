// Package audit decides which operations are audited and creates the audit records. It has the audit policy, the
// evaluation of SACLs, the security events of Windows with their documented fields, and sinks for them. The types:
//
//   - [Policy]: the operations to record, by [Subcategory], [Outcome] and account; an immutable value. [Active] holds
//     the current one behind an atomic pointer and answers "is anything on?" with one load.
//   - [Policy.Evaluate]: whether the SACL of an object requests a record; its answer is a [Verdict].
//   - [Event]: one record, an immutable value. Each kind has a constructor: [HandleRequested] makes event 4656,
//     [PrivilegedService] 4673, and so on.
//   - [Sink], [Names]: supplied by the caller. [Memory] and [Lines] are sinks.
//   - [Log]: all of it together, with one method for each moment at which a kernel has something to record.
//
// An open, as a kernel records it:
//
//	if log.Policy.Opens() { // one load; false while auditing is off
//		h, st := log.Opened(&audit.Opening{Origin: from, Object: obj, Request: &req, Decision: dec})
//		if st != ntstatus.Success {
//			return st // fail-closed policy: nothing is granted
//		}
//		handle.audit = h
//	}
//
// Sources: the security audit event reference and the event manifests of Windows, MS-GPAC for the subcategories, and
// MS-DTYP 2.4.4 for audit entries.
//
// A Policy, an Event and a HandleAudit are immutable. Active, Memory, Lines and Log may be used from any goroutine
// and never wait for each other. Do not call a function with a lock held that the sink or the Names need.
package audit
