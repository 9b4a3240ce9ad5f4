// Package bulk asks questions of many objects about many principals: it takes
// objects from package objects and principals from package people, drives package
// effective over all cores, and writes rows in the order of the input. The verbs
// who-can, what-can, diff and report are thin callers of it.
//
// A [Run] is one pass: a source gives batches, workers decide them, one
// writer puts the rows out. [Diff] and [Report] are passes through the same
// pipeline. Descriptors are interned by the bytes or text they
// were read from, so that equal ones are parsed and decided once;
// memory is bounded by CacheBytes whatever the input holds: answers are
// forgotten and decided again, the first state of a Diff and sums spill to
// temporary files.
//
//	dir, err := people.Read(yaml)
//	run := bulk.Run{Source: objects.Lines(file, 0, 0), Directory: dir, Rights: rights, Ask: bulk.Who, Out: os.Stdout}
//	sum, err := run.Do(ctx)
//
// Guards: a Run is used once. Batches pass from the reader to one worker to the
// writer and are owned by who holds them; the intern table is guarded by a
// mutex a shard; answers are immutable once published.
package bulk
