// Package auditlog stores audit records on disk. A record is durable before it is acknowledged. A hash tree proves
// that each record is in the log and that none is missing. The types:
//
//   - [Log] writes a folder; it is an [audit.Sink]. One process at a time.
//   - [Reader] reads it, even while another process writes.
//   - [Verify] recomputes everything and reports the covered range, its anchor and the limits of its knowledge.
//   - [ProveRecord] and [ProveSince] create proofs that can be checked without the folder.
//
// A log is used as the sink of an audit.Log:
//
//	log, err := auditlog.Open(auditlog.Config{Dir: "/var/log/refmon"})
//	if err != nil {
//		return err
//	}
//	defer log.Close()
//	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: log}})
//
// The folder holds segments of records (audit-<first id>.log), the hashes of their RFC 6962 Merkle tree as C2SP
// tlog-tiles (tile/), and the newest signed checkpoint (checkpoint). docs/audit-log.md describes each byte.
//
// A Log may be used from any goroutine. Write waits for the disk if its record must be durable. Do not call it with a
// lock held that the disk path needs.
package auditlog
