// Package objects holds objects with their security descriptors as values and passes them on in batches. Each form
// has a reader package: jsonl, csv, icacls, ldif, and tree for files. Package source detects the form of a file.
//
// A [Source] returns batches; [Batch.Each] visits the objects of one. The goroutine that calls Each also parses the
// batch, so that many cores share the work of one source. [All] and [Find] are for callers with few objects.
//
//	s, err := source.Open("acls.jsonl", file)
//	err = objects.All(ctx, s, domain, winnt.FileObject, func(i objects.Item) bool { … })
//
// A Source belongs to one goroutine, a Batch to the goroutine that holds it.
package objects
