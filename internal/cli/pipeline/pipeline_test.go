package pipeline

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// piece is a number and a worker's result for it.
type piece struct{ in, out int }

var errLost = errors.New("lost")

// newSquares is a pipeline of n numbers.
func newSquares(n int, got *[]int) *Pipeline[piece] {
	return &Pipeline[piece]{
		Pieces: 7, Workers: 3,
		Read: func(h *Hand[piece]) error {
			for i := range n {
				p, ok := h.Take()
				if !ok {
					return errors.New("ended early")
				}
				p.Value = piece{in: i}
				h.Send(p)
			}
			return nil
		},
		Worker: func() (func(*piece), error) { return func(v *piece) { v.out = v.in * v.in }, nil },
		Write:  func(v *piece) error { *got = append(*got, v.out); return nil },
	}
}

// TestWriterGetsPiecesInOrder checks that the writer gets pieces in the order of the reader.
func TestWriterGetsPiecesInOrder(t *testing.T) {
	var got, want []int
	for i := range 10_000 {
		want = append(want, i*i)
	}
	if read, write := newSquares(len(want), &got).Run(); read != nil || write != nil || !slices.Equal(got, want) {
		t.Errorf("errors %v and %v after %d pieces, want none and all pieces in order", read, write, len(got))
	}
}

// The errors of both ends are returned, and pieces sent before the reader's error are written.
func TestErrorsOfBothEndsAreReturned(t *testing.T) {
	var got []int
	p := newSquares(1000, &got)
	read := p.Read
	p.Read = func(h *Hand[piece]) error { return errors.Join(read(h), errLost) }
	if r, w := p.Run(); !errors.Is(r, errLost) || w != nil || len(got) != 1000 {
		t.Errorf("%v, %v, %d pieces, want %v, nil, 1000", r, w, len(got), errLost)
	}
	for _, leave := range []bool{false, true} {
		got = nil
		p = newSquares(1000, &got)
		p.Leave = leave
		p.Write = func(v *piece) error {
			if got = append(got, v.in); len(got) == 5 {
				return errLost
			}
			return nil
		}
		if r, w := p.Run(); (r == nil) != leave || !errors.Is(w, errLost) || len(got) != 5 {
			t.Errorf("leave %v: errors %v and %v after %d pieces, want the writer's error and 5 pieces",
				leave, r, w, len(got))
		}
	}
	got, p = nil, newSquares(1000, &got) // an error of Wait is that of the writer, also if later waits succeed
	p.Wait = func(p *Piece[piece], failed bool) error {
		if <-p.Done(); failed {
			return nil
		}
		return errLost
	}
	if r, w := p.Run(); r == nil || !errors.Is(w, errLost) || got != nil {
		t.Errorf("errors %v and %v after %d pieces, want the error of Wait and none", r, w, len(got))
	}
	p = newSquares(10, &got)
	p.Worker = func() (func(*piece), error) { return nil, errLost }
	p.Read = func(*Hand[piece]) error { panic("read without workers") }
	if r, _ := p.Run(); !errors.Is(r, errLost) {
		t.Errorf("%v, want that of the worker", r)
	}
}

// A reader that waits for a free piece ends when the pipeline stops.
func TestStopEndsWaitingReader(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	p := Pipeline[piece]{Workers: 1, Stop: stop,
		Read: func(h *Hand[piece]) error {
			if _, ok := h.Take(); ok {
				return errors.New("there is no free piece")
			}
			return errLost
		},
		Worker: func() (func(*piece), error) { return func(*piece) {}, nil },
		Write:  func(*piece) error { return nil },
	}
	r, w := p.Run()
	check.That(t, errors.Is(r, errLost) && w == nil, "%v, %v, want %v, nil", r, w, errLost)
}

// TestExclusivePieceRunsAlone checks that no other work is in progress during an exclusive piece.
func TestExclusivePieceRunsAlone(t *testing.T) {
	var busy, alone atomic.Int64
	var got []string
	p := Pipeline[piece]{Pieces: 5, Workers: 4,
		Init: func(v *piece) { v.out = -1 },
		Read: func(h *Hand[piece]) error {
			for i := range 300 {
				p, _ := h.Take()
				check.That(t, i != 0 || p.Value.out == -1, "a piece was processed without Init, want Init first")
				p.Value.in = i
				switch i % 10 {
				case 3:
					h.Alone(p, func(v *piece) {
						check.Equal(t, busy.Load(), 0, "other pieces in progress during an exclusive one")
						alone.Add(1)
					})
				case 4:
					h.Return(p)
				default:
					h.Send(p)
				}
			}
			return nil
		},
		Worker: func() (func(*piece), error) {
			return func(v *piece) {
				busy.Add(1)
				v.out = v.in
				busy.Add(-1)
			}, nil
		},
		Wait:  func(p *Piece[piece], failed bool) error { <-p.Done(); return nil },
		Write: func(v *piece) error { got = append(got, fmt.Sprint(v.in)); return nil },
	}
	if r, w := p.Run(); r != nil || w != nil || alone.Load() != 30 || len(got) != 270 || got[4] != "5" {
		t.Errorf("errors %v and %v, %d exclusive pieces, %d written, want none, 30 and 270",
			r, w, alone.Load(), len(got))
	}
}

// TestReaderDoesNotWaitForWorkers checks that all pieces are sent before any worker has finished, and that an
// exclusive piece starts after all earlier ones have finished.
func TestReaderDoesNotWaitForWorkers(t *testing.T) {
	release := make(chan struct{})
	var through atomic.Int64
	var got []int
	p := Pipeline[piece]{Pieces: 7, Workers: 2,
		Read: func(h *Hand[piece]) error {
			for i := range 6 {
				p, _ := h.Take()
				p.Value.in = i
				h.Send(p)
			}
			close(release)
			p, _ := h.Take()
			h.Alone(p, func(v *piece) { v.in = int(through.Load()) })
			return nil
		},
		Worker: func() (func(*piece), error) {
			return func(*piece) {
				<-release
				for range 1000 { // a worker that takes its time
					runtime.Gosched()
				}
				through.Add(1)
			}, nil
		},
		Write: func(v *piece) error { got = append(got, v.in); return nil },
	}
	if r, w := p.Run(); r != nil || w != nil || !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("%v, %v, written %d, want six pieces and the number of those before the last", r, w, got)
	}
}

// TestFailedWriterLeavesWaitingReader checks that with Leave a failed writer does not wait for a reader that waits
// for its input.
func TestFailedWriterLeavesWaitingReader(t *testing.T) {
	input, written := make(chan struct{}), 0
	p := Pipeline[piece]{Pieces: 3, Workers: 1, Leave: true,
		Read: func(h *Hand[piece]) error {
			for range 2 {
				p, _ := h.Take()
				h.Send(p)
			}
			<-input
			return nil
		},
		Worker: func() (func(*piece), error) { return func(*piece) {}, nil },
		Write:  func(*piece) error { written++; return errLost },
	}
	if r, w := p.Run(); r != nil || !errors.Is(w, errLost) || written != 1 {
		t.Errorf("%v, %v, written %d times, want nil, %v, 1", r, w, written, errLost)
	}
	close(input)
}
