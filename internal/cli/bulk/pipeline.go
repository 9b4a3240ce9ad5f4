package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	ordered "github.com/refmon/refmon/internal/cli/pipeline"
	"github.com/refmon/refmon/internal/objects"
)

// pipeline passes the batches of a source through workers to one writer, in input order. Source, worker and write are
// required.
type pipeline[T any] struct {
	source   objects.Source
	workers  int                                // 0: one a core
	worker   func() (func(b *box[T]), error)    // makes a worker, which belongs to one goroutine
	write    func(b *box[T], so *Summary) error // takes a batch; so is the sum before it
	out      io.Writer                          // where rows go, once it is their turn
	progress func(Position)                     // called at intervals; may be nil
	save     func(Position) error               // called at intervals, when all up to a position is written; may be nil

	sum          Summary
	cut          bool // the run was stopped inside a batch
	stopped      atomic.Bool
	saved, shown time.Time
}

// do runs the pipeline, halts the source and returns the counts. If ctx is cancelled, it stops between two objects
// and returns the error of ctx. The output is then complete up to the summary's position. It does not wait for a
// source that blocks in Next. A write error takes precedence over a read error.
func (p *pipeline[T]) do(ctx context.Context) (Summary, error) {
	defer context.AfterFunc(ctx, func() { p.stopped.Store(true) })()
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	p.saved = time.Now()
	l := ordered.Pipeline[box[T]]{
		Pieces: 4 * p.workers, Workers: p.workers, Stop: ctx.Done(),
		Init: func(b *box[T]) {
			b.parts, b.taken = make(chan []byte), make(chan struct{})
			b.in.Stopped = &p.stopped
		},
		Read:   func(h *ordered.Hand[box[T]]) error { return p.read(ctx, h) },
		Worker: p.worker,
		Wait:   p.parts,
		Write:  p.batch,
	}
	read, err := l.Run()
	objects.Halt(p.source)
	if err == nil && p.save != nil {
		err = p.save(p.sum.Position)
	}
	if p.progress != nil {
		p.progress(p.sum.Position)
	}
	if err == nil {
		if err = read; err == nil && p.cut {
			err = ctx.Err()
		}
	}
	return p.sum, err
}

// read sends batches until the source ends. It returns nil at the end and after the writer failed, the error of ctx, or
// the error of the source.
func (p *pipeline[T]) read(ctx context.Context, h *ordered.Hand[box[T]]) error {
	for {
		b, ok := h.Take()
		if err := ctx.Err(); err != nil || !ok {
			return err
		}
		b.Value.reset()
		got := make(chan error, 1)
		go func() { got <- p.source.Next(&b.Value.in) }() // Next may block for ever
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
		h.Send(b)
	}
}

// How often a checkpoint is saved and progress shown.
const (
	saveEvery = 2 * time.Second
	showEvery = 200 * time.Millisecond
)

// parts waits until the worker has finished a batch. During the wait it writes rows that the worker cannot buffer, or
// drops them if the writer has failed. It returns the first write error.
func (p *pipeline[T]) parts(b *ordered.Piece[box[T]], failed bool) (err error) {
	keep := !failed && !p.cut
	for {
		select {
		case <-b.Done():
			return err
		case part := <-b.Value.parts:
			if keep && err == nil {
				if _, err = p.out.Write(part); err != nil {
					err = fmt.Errorf("write: %w", err)
				}
			}
			b.Value.taken <- struct{}{}
		}
	}
}

// batch writes a finished batch, unless an earlier batch was the last. A cancelled batch is the last one. The error
// is the fatal one of the batch, or that of the output.
func (p *pipeline[T]) batch(b *box[T]) error {
	if p.cut {
		return nil
	}
	if b.fatal != nil {
		return b.fatal
	}
	p.cut = b.in.Cut
	if err := p.put(b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// put writes a batch and adds its counts to the run's. At intervals it reports progress and then saves a checkpoint.
// An error of save ends the run. An error of write ends the run before the batch is counted.
func (p *pipeline[T]) put(b *box[T]) error {
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
