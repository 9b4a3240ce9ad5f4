// Package batch answers questions that come as JSON lines: one line in, one
// line out, in the same order, streaming.
//
// A [Job] is the pipeline: it cuts a reader into bounded chunks of whole lines,
// lets several workers answer chunks at once and writes the answers in the
// order of the questions. Three kinds of question exist: [Checks] (access
// checks, the format of `refmon check --batch`), [Descriptors] (SDDL text to
// bytes and back) and [SIDs]:
//
//	checks := batch.Checks{}
//	sum, err := checks.Job().Run(os.Stdin, os.Stdout)
//	// sum.Lines answered, sum.Malformed of them with an error
//
// Lines are read strictly: JSON as RFC 8259 has it, in UTF-8, no field twice,
// no unknown field, nested at most [strict.MaxDepth] deep and at most [MaxLine] bytes
// long. A line that breaks a rule is answered by
//
//	{"id":…,"error":"line 3: …"}
//
// and the others go on. The id is any JSON value and comes back byte for byte,
// null for a line without one or with one that could not be read.
//
// Memory does not grow with the input: a fixed number of chunks is in flight,
// and the caches of parsed tokens and descriptors are bounded. Only the tokens
// that define lines name stay, up to [MaxDefinitions].
//
// Guards: a Job may run once at a time; what its workers share is immutable
// while they run, because a define line runs alone.
package batch
