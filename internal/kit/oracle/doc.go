// Package oracle answers the questions of the kit a second time. It is a slow
// and plain implementation of the rules in docs/rules, on the plain data of a
// question. It imports nothing of refmon, so an answer on which both agree does
// not come from refmon alone.
//
//	want := oracle.Access(&oracle.AccessCheck{Token: t, SD: d, Desired: 1, Mapping: oracle.File})
//
// It answers only the questions that package kit asks: no compound entries, no
// intent, no rights granted before. Values may be read concurrently; no function
// changes its arguments.
package oracle
