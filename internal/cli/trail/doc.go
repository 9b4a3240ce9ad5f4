// Package trail implements `refmon audit`. It selects records ([Filter]), prints them ([Line], [Writer]), summarizes
// them, and stores the audit policy in a file with auditpol's words.
//
// A filter is an expression over the fields of a record:
//
//	f, err := trail.Parse(`user=alice and event=4656 and not result=success`)
//	if f.Match(record.Payload()) { … }
//
// It compares the stored bytes and decodes only the fields that the expression needs. A Filter is immutable. A Writer
// belongs to one goroutine.
package trail
