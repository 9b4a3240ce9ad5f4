// Package objects reads objects with their security descriptors from what users
// have: JSON lines, CSV, icacls saves, LDIF, and trees of files.
//
// A [Source] gives batches; [Batch.Each] gives the objects of one. What a batch
// holds is read by the goroutine that calls Each, so that many cores share the
// work of one source. [All] and [Find] are for callers of a few objects.
//
//	source, err := objects.Open("acls.jsonl", file)
//	err = objects.All(ctx, source, domain, winnt.FileObject, func(i objects.Item) bool { … })
//
// Guards: a Source belongs to one goroutine, a Batch to the one that holds it.
package objects
