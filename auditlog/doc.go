// Package auditlog keeps audit records on disk: durable before they are
// acknowledged, in a tree that proves each of them and that none is gone.
//
// The types:
//
//   - [Log] writes a folder; it is an [audit.Sink]. One process at a time.
//   - [Reader] reads it, also while another process writes.
//   - [Verify] recomputes everything and says what it covered, from which
//     anchor, and what it cannot know.
//   - [ProveRecord] and [ProveSince] make proofs that need no folder to check.
//
// A log is used as the sink of an audit.Log:
//
//	log, err := auditlog.Open(auditlog.Config{Dir: "/var/log/refmon"})
//	if err != nil { return err }
//	defer log.Close()
//	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: log}})
//
// The folder holds segments of records (audit-<first id>.log), the hashes of
// their RFC 6962 Merkle tree as C2SP tlog-tiles (tile/), and the newest signed
// checkpoint (checkpoint). docs/audit-log.md describes each byte.
//
// A Log may be used from any goroutine. Write waits for the disk when its
// record must be durable; no lock that the disk path needs may be held.
package auditlog
