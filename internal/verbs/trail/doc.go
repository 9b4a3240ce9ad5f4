// Package trail does what `refmon audit` does with a log: it chooses records
// ([Filter]), prints them ([Line], [Writer]), sums them up, and keeps the audit
// policy in a file in auditpol's words.
//
// A filter is an expression over the fields of a record:
//
//	f, err := trail.Parse(`user=alice and event=4656 and not result=success`)
//	if f.Match(record.Payload()) { … }
//
// It reads the stored bytes where they are; nothing is decoded that is not
// asked for. Guards: a Filter is immutable; a Writer is owned by one goroutine.
package trail
