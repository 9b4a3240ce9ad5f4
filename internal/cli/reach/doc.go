// Package reach finds the objects that a principal can take control of step by step: an object whose rights it may
// change, an account whose password it may set, a group whose members it may change. Each step continues with the new
// token.
//
//	s := reach.Search{Directory: dir, From: dir.Find("mallory"), Objects: items}
//	result, err := s.Do(ctx)
//	for _, p := range result.Paths { … p.Steps … }
//
// Each step is an access check with the token at that point (B-7). Package effective decides it for all tokens of a
// depth together. Unlike tools that read entries one by one, it considers deny entries, their order, groups,
// conditions, property sets and OWNER RIGHTS.
//
// The search is breadth-first. The path to an object is a shortest one, and among those the first in input order. A
// [Search] is used once, by one goroutine.
package reach
