// Package rules tests that each numbered rule in docs/rules is cited in code and in a test, and that each cited rule
// exists.
//
// The files of docs/rules list every rule that is built, one line each:
//
//   - **A-56** Sentences in our own words. *Source: MS-DTYP 2.5.3.2.*
//
// A rule is cited in a comment at the branch that decides it, and it is named
// by the test that checks it, in a _test.go file or in testdata. An id that is
// an argument of Fail, refuse, probe and their like is cited there. The test
// fails on a rule of docs/rules that lacks either, and on an id in a comment,
// or alone in a string, that docs/rules does not list. To see it work:
//
//	go test ./internal/test/rules
//
// Ids are a letter, a hyphen, a number and at most one small letter: O objects
// and handles, T tokens, I impersonation, P properties of impersonation, S
// security descriptors, A access check, U audit, F files, K Kerberos. Names of cases
// (AC-001, TC-6), of specifications (MS-DTYP) and SIDs (S-1-5-32) look
// similar and are not rules; [FindAll] tells them apart.
package rules
