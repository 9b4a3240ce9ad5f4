package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
)

// pipeline takes batches of a source through workers to one writer, in the
// order of the input. Source, worker and write are needed.
type pipeline struct {
	source   objects.Source
	workers  int                                 // 0: one a core
	worker   func() (func(b *portion), error)    // makes a worker, which belongs to one goroutine
	write    func(b *portion, so *Summary) error // takes a batch; so is the sum before it
	out      io.Writer                           // where rows go, once it is their turn
	progress func(Position)                      // called now and then; nil: not
	save     func(Position) error                // called when all up to a position has been written; nil: not

	sum          Summary
	cut          bool // the run was stopped inside a batch
	stopped      atomic.Bool
	saved, shown time.Time
}

// portion is a part of the input on its way to the output.
type portion struct {
	in objects.Batch

	out        []byte
	rows       int
	unreadable int
	allowed    int64
	notes      [3]int        // rows by their Note
	stale      string        // path of the first with objects.NoteStale
	err        error         // of the first unreadable row
	fresh      []*answer     // Run: sets that may not have been written yet
	gathered   *gathered     // Report
	compared   compared      // Diff
	fatal      error         // ends the run
	parts      chan []byte   // rows that are too many to wait for the end of the batch
	taken      chan struct{} // the part has been written
	done       chan struct{}
}

func (b *portion) reset() {
	b.in.Reset()
	b.out, b.fresh, b.rows, b.unreadable, b.allowed, b.err = b.out[:0], b.fresh[:0], 0, 0, 0, nil
	b.notes, b.stale = [3]int{}, ""
	b.gathered, b.compared, b.fatal = nil, compared{}, nil
}

// do runs. When ctx is cancelled it ends between two objects, and the error is
// that of ctx: the output is then complete up to the position of the summary. A
// source that waits for input at that moment is left waiting.
func (p *pipeline) do(ctx context.Context) (Summary, error) {
	defer context.AfterFunc(ctx, func() { p.stopped.Store(true) })()
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	stop := make(chan struct{}) // closed when the output fails
	free := make(chan *portion, 4*p.workers)
	for range cap(free) {
		b := &portion{done: make(chan struct{}, 1), parts: make(chan []byte), taken: make(chan struct{})}
		b.in.Stopped = &p.stopped
		free <- b
	}
	work, order := make(chan *portion, cap(free)), make(chan *portion, cap(free))
	var sourceErr error
	go func() {
		defer close(order)
		defer close(work)
		defer objects.Halt(p.source)
		sourceErr = p.read(ctx, stop, free, work, order)
	}()
	for range p.workers {
		decide, err := p.worker()
		if err != nil {
			close(stop)
			for range order {
			}
			return Summary{}, err
		}
		go func() {
			for b := range work {
				decide(b)
				b.done <- struct{}{}
			}
		}()
	}
	err := p.drain(order, free, stop)
	if err == nil {
		if err = sourceErr; err == nil && p.cut { // set before order was closed
			err = ctx.Err()
		}
	}
	return p.sum, err
}

// read hands out batches until the source ends.
func (p *pipeline) read(ctx context.Context, stop chan struct{}, free, work, order chan *portion) error {
	for {
		var b *portion
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-stop:
			return nil
		case b = <-free:
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b.reset()
		got := make(chan error, 1)
		go func() { got <- p.source.Next(&b.in) }() // it may wait for its input for ever
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-got:
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		order <- b
		work <- b
	}
}

// How often a checkpoint is saved and progress shown.
const (
	saveEvery = 2 * time.Second
	showEvery = 200 * time.Millisecond
)

// drain writes batch after batch. After an error of the output it only takes
// what is under way, so that no goroutine is left behind.
func (p *pipeline) drain(order, free chan *portion, stop chan struct{}) (err error) {
	p.saved = time.Now()
	for b := range order {
		if lost := p.parts(b, err == nil && !p.cut); lost != nil {
			err = lost
			close(stop)
		}
		if err == nil && !p.cut { // after a cut all else is cut as well, or too late
			p.cut = b.in.Cut
			if err = p.batch(b); err != nil {
				err = fmt.Errorf("write: %w", err)
				close(stop)
			}
		}
		select {
		case free <- b:
		default: // cannot be: there are as many places as batches
		}
	}
	if err == nil && p.save != nil {
		err = p.save(p.sum.Position)
	}
	if p.progress != nil {
		p.progress(p.sum.Position)
	}
	return err
}

// parts waits until a batch is done, and meanwhile writes, or drops, what there
// are too many rows of to keep.
func (p *pipeline) parts(b *portion, keep bool) (err error) {
	for {
		select {
		case <-b.done:
			return err
		case part := <-b.parts:
			if keep && err == nil {
				if _, err = p.out.Write(part); err != nil {
					err = fmt.Errorf("write: %w", err)
				}
			}
			b.taken <- struct{}{}
		}
	}
}

// maxRows is how many bytes of rows a batch keeps until it is its turn.
const maxRows = 1 << 20

// full hands rows to the writer if there are many, when it is their turn. It is
// the worker's.
func (b *portion) full() {
	if len(b.out) >= maxRows && b.parts != nil {
		b.parts <- b.out
		<-b.taken
		b.out = b.out[:0]
	}
}

func (p *pipeline) batch(b *portion) error {
	if err := p.write(b, &p.sum); err != nil {
		return err
	}
	p.sum.add(b)
	if p.save == nil && p.progress == nil {
		return nil
	}
	now := time.Now()
	if p.progress != nil && now.Sub(p.shown) >= showEvery {
		p.shown = now
		p.progress(p.sum.Position)
	}
	if p.save != nil && now.Sub(p.saved) >= saveEvery {
		p.saved = now
		return p.save(p.sum.Position)
	}
	return nil
}

// add counts a batch that has been written.
func (s *Summary) add(b *portion) {
	s.Objects += b.rows
	s.Unreadable += b.unreadable
	s.Allowed += b.allowed
	s.Stale += b.notes[objects.NoteStale]
	s.Unverified += b.notes[objects.NoteUnverified]
	s.Changed += b.compared.objects
	s.Changes += b.compared.changes
	s.Offset, s.Lines = b.in.End, b.in.First+b.in.Lines
	if s.FirstStale == "" {
		s.FirstStale = b.stale
	}
	if s.FirstError == nil {
		s.FirstError = b.err
	}
}

// note counts the note of an object.
func (b *portion) note(o *objects.Object) {
	if o.Note == objects.NoteStale && b.stale == "" {
		b.stale = string(o.Path)
	}
	b.notes[o.Note]++
}

// fail counts an object that could not be decided.
func (b *portion) fail(o *objects.Object, err error) {
	b.unreadable++
	if b.err == nil {
		b.err = fmt.Errorf("%s: %w", o.Path, err)
	}
}
