package bulk

import "github.com/refmon/refmon/internal/objects"

// box is a batch of objects on its way through the pipeline: its input, its rows of output, and in part the other
// results of the question. It belongs to the goroutine that holds it.
type box[T any] struct {
	in    objects.Batch
	sum   Summary // of this batch; the place in the input is that of in
	out   []byte  // rows
	part  T
	fatal error // ends the run

	parts chan []byte   // rows that are too many to wait for the end of the batch
	taken chan struct{} // the part has been written
}

// reset empties the box for its next batch, and keeps the memory of in and out.
func (b *box[T]) reset() {
	var none T
	b.in.Reset()
	b.sum, b.out, b.part, b.fatal = Summary{}, b.out[:0], none, nil
}

// maxRows is the number of bytes of rows that a batch buffers while it waits for earlier batches.
const maxRows = 1 << 20

// full sends the rows to the writer when they exceed maxRows bytes, to limit memory. The worker calls it after each
// row. It blocks until the writer has written all earlier batches and these rows.
func (b *box[T]) full() {
	if len(b.out) >= maxRows && b.parts != nil {
		b.parts <- b.out
		<-b.taken
		b.out = b.out[:0]
	}
}

// fail counts an object for which the run has no answer, and keeps the error of the first one for the summary.
func (b *box[T]) fail(o *objects.Object, err error) {
	b.sum.Unreadable++
	if b.sum.FirstError == nil {
		b.sum.FirstError = objects.AddPath(string(o.Path), err)
	}
}

// note counts the remark of the source about an object, such as a stale or unverified descriptor. It keeps the path
// of the first stale one. An object without a remark changes nothing.
func (b *box[T]) note(o *objects.Object) {
	switch o.Note {
	case objects.NoteStale:
		if b.sum.Stale++; b.sum.FirstStale == "" {
			b.sum.FirstStale = string(o.Path)
		}
	case objects.NoteUnverified:
		b.sum.Unverified++
	case objects.NoteNoDACL:
		b.sum.NoDACL++
	}
}
