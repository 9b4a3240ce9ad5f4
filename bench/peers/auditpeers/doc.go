// Package auditpeers compares refmon's audit log with independent implementations. transparency-dev/merkle, which
// shares no code with ours, checks its proofs. The OpenTelemetry collector's reader parses its Windows events. Its
// rate of durable records is measured in one run with that of bbolt and of the disk itself:
//
//	cd bench/peers/auditpeers && go test -bench . -v
//
// It contains only tests, and is a module of its own.
package auditpeers
