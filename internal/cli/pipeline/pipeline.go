package pipeline

import "sync"

// A Piece is a piece of work with a signal for its completion.
type Piece[T any] struct {
	Value T
	done  chan struct{} // capacity 1; one token when the worker is through
}

// Done returns a channel that receives one value each time a worker has finished the piece. Pipeline.Wait blocks on it.
func (p *Piece[T]) Done() <-chan struct{} { return p.done }

// A Pipeline has a reader, workers and a writer. Read, Worker and Write are required.
type Pipeline[T any] struct {
	Pieces  int // maximum number of pieces in use
	Workers int

	// Init prepares a new piece. If it is nil, pieces start as zero values.
	Init func(v *T)
	// Read takes free pieces, fills them and sends them on. It returns at the end of the input, when Take returns
	// false, or with an error.
	Read func(h *Hand[T]) error
	// Worker returns a new worker: a function that one goroutine calls for each of its pieces.
	Worker func() (func(v *T), error)
	// Wait blocks until p, the next piece in order, is done. It may be nil. failed means that the writer has failed.
	Wait func(p *Piece[T], failed bool) error
	// Write writes the next piece in order. Run does not call it again after an error.
	Write func(v *T) error

	// Stop makes Take return false when it is closed. It may be nil.
	Stop <-chan struct{}
	// Leave makes Run return as soon as the writer has failed, although the reader may be waiting for its input.
	Leave bool
}

// A Hand is the reader's interface to a pipeline.
type Hand[T any] struct {
	free    chan *Piece[T] // unused
	work    chan *Piece[T] // to the workers
	order   chan *Piece[T] // to the writer
	failed  chan struct{}  // closed when the writer has failed
	stop    <-chan struct{}
	pending sync.WaitGroup // pieces sent and not done
}

// Take blocks until a piece is free and returns it. It returns nil and false if the writer has failed or Stop is
// closed. The caller passes the piece to Send, Alone or Return. The piece still has the value of its last use.
func (h *Hand[T]) Take() (*Piece[T], bool) {
	select {
	case <-h.stop:
		return nil, false
	case <-h.failed:
		return nil, false
	case p := <-h.free:
		return p, true
	}
}

// Return releases a piece without sending it. The caller must not use the piece afterwards. It never blocks.
func (h *Hand[T]) Return(p *Piece[T]) { h.free <- p }

// Send passes a piece to a worker and then to the writer, which receives pieces in the order of Send and Alone. The
// caller must not use the piece afterwards. It never blocks.
func (h *Hand[T]) Send(p *Piece[T]) {
	h.pending.Add(1)
	h.order <- p
	h.work <- p
}

// Alone runs work on a piece in the reader's goroutine, after all earlier pieces are done and before any later one
// starts. It blocks until then. The writer receives the piece in its turn.
func (h *Hand[T]) Alone(p *Piece[T], work func(v *T)) {
	h.pending.Wait()
	work(&p.Value)
	p.done <- struct{}{}
	h.order <- p
}

// Run runs the pipeline until the input ends or the writer fails, and returns the errors of Read and Write. An error of
// Wait counts as a write error. If Worker fails, Run returns its error as read and reads nothing. With Leave, a failed
// writer makes Run return a nil read at once, and Read may still be running.
func (l *Pipeline[T]) Run() (read, write error) {
	h := &Hand[T]{stop: l.Stop, failed: make(chan struct{})}
	h.free, h.work, h.order = make(chan *Piece[T], l.Pieces), make(chan *Piece[T], l.Pieces),
		make(chan *Piece[T], l.Pieces)
	for range l.Pieces {
		p := &Piece[T]{done: make(chan struct{}, 1)}
		if l.Init != nil {
			l.Init(&p.Value)
		}
		h.free <- p
	}
	workers := make([]func(*T), l.Workers)
	for i := range workers {
		var err error
		if workers[i], err = l.Worker(); err != nil {
			return err, nil
		}
	}
	for _, work := range workers {
		go func() {
			for p := range h.work {
				work(&p.Value)
				h.pending.Done()
				p.done <- struct{}{}
			}
		}()
	}
	var ended error
	go func() {
		defer close(h.order) // runs after ended is set, so that a reader of h.order sees it
		defer close(h.work)
		ended = l.Read(h)
	}()
	if write = l.drain(h); write != nil && l.Leave {
		return nil, write
	}
	return ended, write
}

// drain writes the pieces in order and returns the first error. After an error it writes nothing more. With Leave it
// returns at once; without it, it waits for the remaining pieces, so that no goroutine is left.
func (l *Pipeline[T]) drain(h *Hand[T]) (err error) {
	for p := range h.order {
		failed := err != nil
		if l.Wait == nil {
			<-p.done
		} else if lost := l.Wait(p, failed); !failed {
			err = lost
		}
		if err == nil {
			err = l.Write(&p.Value)
		}
		if err != nil && !failed {
			close(h.failed)
			if l.Leave {
				return err
			}
		}
		h.free <- p // never blocks: there is room for every piece
	}
	return err
}
