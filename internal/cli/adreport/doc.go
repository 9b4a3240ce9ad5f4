// Package adreport reports who controls the objects of a directory such as Active Directory.
//
//	r := adreport.Report{Title: "corp.test", Now: adreport.State{Objects: items, Directory: dir}}
//	page, err := r.Do(ctx)
//	err = page.HTML(out)
//
// The page lists, for each important object, the principals that reach it with a shortest path (package reach), the
// principals with a direct right on it, the direct rights on all other objects, the changes since a baseline, and
// what the report does not consider. Every right is an access check, so deny entries and their order count (B-47).
//
// A [Report] is used once, by one goroutine.
package adreport
