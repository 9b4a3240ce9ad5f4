// Package clients has refmond's clients in other languages and their tests. Each test runs against the server of
// package internal/wire, and is skipped with a reason if the language is not installed.
//
// python/refmon needs Python 3.9 or later and nothing else. Its table.json is
// made of the table of services; docs/wire.md says what it means.
//
//	go test ./clients -args -write # rewrites it
package clients
