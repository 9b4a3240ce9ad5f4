// Package batch answers questions in JSON lines: one line in, one line out, in the same order, streaming.
//
// A [Job] splits the input into bounded chunks of whole lines, answers chunks with several workers and writes the
// answers in the order of the questions. There are three kinds: [Checks] (access checks, the format of `refmon check
// --batch`), [Descriptors] (SDDL to bytes and back) and [SIDs]:
//
//	checks := batch.Checks{}
//	sum, err := checks.Job().Run(os.Stdin, os.Stdout)
//	// sum.Lines were answered, sum.Malformed of them with an error
//
// Lines are parsed strictly: JSON by RFC 8259 in UTF-8, no repeated or unknown field, nesting up to
// [strict.MaxDepth], and at most [MaxLine] bytes. The answer to a malformed line is {"id":…,"error":"line 3: …"};
// the job continues. The id may be any JSON value. The answer repeats it byte for byte, or has null if the line has
// no readable id.
//
// Memory does not grow with the input: the number of chunks is fixed, and the caches of parsed tokens and descriptors
// are bounded. Only the tokens of define lines are kept, up to [MaxDefinitions].
//
// A Job may run only once at a time. Its workers share only data that is immutable while they run, because a define
// line runs alone.
package batch
