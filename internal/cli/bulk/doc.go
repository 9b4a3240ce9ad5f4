// Package bulk decides access to many objects for many principals. It takes objects from package objects and
// principals from package directory, evaluates them with package effective on all cores, and writes rows in the order
// of the input. The commands who-can, what-can, diff and report call it.
//
// A [Run] is one pass: a source returns batches, workers decide them, and one writer writes the rows. [Diff] and
// [Report] use the same pipeline. Descriptors are interned by their source bytes or text, so equal ones are parsed
// and decided once. CacheBytes bounds the memory for any input: old answers are dropped and computed again,
// and the first state of a Diff and sums spill to temporary files.
//
//	dir, err := dirfile.Read(yaml)
//	run := bulk.Run{Source: jsonl.Lines(file, 0, 0), Directory: dir, Rights: rights,
//		Ask: bulk.Who, Out: os.Stdout}
//	sum, err := run.Do(ctx)
//
// A Run is used once. A batch passes from the reader to one worker to the writer, and its holder owns it. A mutex
// guards each shard of the intern table. Answers are immutable once published.
package bulk
