// Package clients holds the clients of refmond in other languages, and their
// tests: each runs against the server of package internal/wire with what its
// language has at hand, and is skipped with a reason where the language is not
// there.
//
// python/refmon needs Python 3.9 or later and nothing else. Its table.json is
// made of the table of services; docs/wire.md says what it means.
//
//	go test ./clients -args -write # writes it anew
package clients
