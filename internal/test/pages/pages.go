// Package pages tests that a rewritten document still states its facts: code, flags, links and numbers.
//
// A fact is a line of a code block, a code span, the target of a link, or a
// number. testdata/facts has the facts of each page as they were before the
// page was rewritten. Each must still be in a document, or be named in
// testdata/removed.txt with the reason why it is gone.
//
//	go test ./internal/test/pages -freeze docs/install.md   # before you rewrite a page
//	go test ./internal/test/pages                           # afterwards
//
// The package exports nothing.
package pages
