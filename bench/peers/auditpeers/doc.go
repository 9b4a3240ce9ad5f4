// Package auditpeers holds refmon's audit log against what others wrote: its
// proofs are checked by transparency-dev/merkle, which shares no code with ours, its
// Windows events are read by the OpenTelemetry collector's reader of them, and its
// rate of durable records is measured beside bbolt's and the disk's own, in
// one run:
//
//	cd bench/peers/auditpeers && go test -bench . -v
//
// It has tests only, and is a module of its own. Guards: none.
package auditpeers
