// Package accessquery runs one access check with the options of a user's query: the routine, a result for each
// object type, and an explanation.
//
//	q := accessquery.Query{Request: access.Request{…}, Explain: true}
//	a, err := q.Ask()
//	// a.Allowed(), a.Status(), a.Why
//
// Batches of refmon check, refmon why, expectation files and the browser page use it.
//
// The package has no state. A [Query] is not safe for concurrent use.
package accessquery
