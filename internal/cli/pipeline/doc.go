// Package pipeline passes pieces of work from one reader through several workers to one writer. The writer receives
// them in the order of the reader.
//
//	p := pipeline.Pipeline[chunk]{
//		Pieces: 8, Workers: 4,
//		Read:   func(h *pipeline.Hand[chunk]) error { … h.Take … h.Send … },
//		Worker: func() (func(*chunk), error) { … },
//		Write:  func(c *chunk) error { … },
//	}
//	read, write := p.Run()
//
// The number of pieces is fixed, which bounds the memory: the reader waits for the writer. All goroutines end with
// Run, except a reader that blocks in its input after the writer failed (Leave). A piece belongs to the reader, then
// to one worker, then to the writer. Do not change a field while a pipeline runs.
package pipeline
