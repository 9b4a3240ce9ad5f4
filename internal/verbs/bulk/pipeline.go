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
type pipeline[T any] struct {
	source   objects.Source
	workers  int                                // 0: one a core
	worker   func() (func(b *box[T]), error)    // makes a worker, which belongs to one goroutine
	write    func(b *box[T], so *Summary) error // takes a batch; so is the sum before it
	out      io.Writer                          // where rows go, once it is their turn
	progress func(Position)                     // called now and then; nil: not
	save     func(Position) error               // called when all up to a position has been written; nil: not

	sum          Summary
	cut          bool // the run was stopped inside a batch
	stopped      atomic.Bool
	saved, shown time.Time
}

// do runs. When ctx is cancelled it ends between two objects, and the error is
// that of ctx: the output is then complete up to the position of the summary. A
// source that waits for input at that moment is left waiting.
func (p *pipeline[T]) do(ctx context.Context) (Summary, error) {
	defer context.AfterFunc(ctx, func() { p.stopped.Store(true) })()
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	stop := make(chan struct{}) // closed when the output fails
	free := make(chan *box[T], 4*p.workers)
	for range cap(free) {
		b := &box[T]{done: make(chan struct{}, 1), parts: make(chan []byte), taken: make(chan struct{})}
		b.in.Stopped = &p.stopped
		free <- b
	}
	work, order := make(chan *box[T], cap(free)), make(chan *box[T], cap(free))
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
func (p *pipeline[T]) read(ctx context.Context, stop chan struct{}, free, work, order chan *box[T]) error {
	for {
		var b *box[T]
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
func (p *pipeline[T]) drain(order, free chan *box[T], stop chan struct{}) (err error) {
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
func (p *pipeline[T]) parts(b *box[T], keep bool) (err error) {
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

func (p *pipeline[T]) batch(b *box[T]) error {
	if err := p.write(b, &p.sum); err != nil {
		return err
	}
	b.sum.Offset, b.sum.Lines = b.in.End, b.in.First+b.in.Lines
	p.sum.add(&b.sum)
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
