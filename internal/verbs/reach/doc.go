// Package reach finds what a principal gets control of step by step: an object whose
// rights it may change, an account whose password it may set, a group it may write
// the members of; and from what it is then, on.
//
//	s := reach.Search{Directory: dir, From: dir.Find("mallory"), Objects: items}
//	result, err := s.Do(ctx)
//	for _, p := range result.Paths { … p.Steps … }
//
// Every step is an access check with the token that the principal has there (B-7),
// decided by package effective for all tokens of a depth at once. So deny entries,
// their order, groups, conditions, property sets and OWNER RIGHTS count, which tools
// that read entries one by one leave out.
//
// The search goes breadth first: the path to an object is a shortest one, and of
// those the first in the order of the input. A [Search] is used once, by one
// goroutine.
package reach
