// Package pipeline carries pieces of work from one reader through several workers to one writer, which takes them in
// the order of the reader.
//
//	p := pipeline.Pipeline[chunk]{
//		Pieces: 8, Workers: 4,
//		Read:   func(h *pipeline.Hand[chunk]) error { … h.Take … h.Send … },
//		Worker: func() (func(*chunk), error) { … },
//		Write:  func(c *chunk) error { … },
//	}
//	read, write := p.Run()
//
// A fixed number of pieces is under way, which bounds the memory: the reader waits when the writer does. No goroutine
// is left behind, but for a reader that waits for its input when the writer has failed (Leave).
//
// Guards: a piece belongs to the reader, then to one worker, then to the writer. No field changes while a pipeline
// runs.
package pipeline
