// Package kit asks any implementation of Windows access control the same
// questions and counts right answers. docs/kit.md has the protocol.
//
//	for q := range kit.Questions("access") {
//		fmt.Println(q.Line())
//	}
//
// The questions are generated from tables, the same in every run, smallest first
// within a suite. Package oracle answers them; a test asks refmon too, so each
// answer has two witnesses. [Judge] compares answers and collects a [Score].
// [Run] starts an adapter. Answers come from a program that is not trusted:
// every line is bounded, and no answer makes the reader wait or panic.
//
// A Judge belongs to one goroutine. Questions may be read concurrently.
package kit
