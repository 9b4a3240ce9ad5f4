package objects

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/refmon/refmon/internal/strict"
)

// Source returns the objects of a run in batches. One goroutine at a time uses it.
type Source interface {
	// Next fills b, which must be empty. It returns io.EOF, with b empty, after the last object.
	Next(b *Batch) error
}

// PerBatch is the number of objects in a full batch, unless the batch holds lines.
const PerBatch = 2048

// Batch is a part of a source. The zero value is empty. It belongs to the goroutine that holds it.
type Batch struct {
	First   int          // number of the line before the first
	Lines   int          // lines read
	End     int64        // offset of the input after it; 0 where the source has no bytes
	Stopped *atomic.Bool // true ends Each between two objects; nil: never
	Cut     bool         // Each was ended: First, Lines and End say where

	Content Content // of the source that fills the batch; it may be used for its next one

	choice *Choice // nil: all objects
	list   []Object
}

// Content holds objects that the source has not read yet. A worker reads them by calling Each.
type Content interface {
	Each(b *Batch, visit func(o *Object)) // calls visit with each object, until b.Stop
	Len() int                             // how many objects there are; 0: not known
	Reset()                               // empties it and keeps its memory
}

// Reset empties the batch for the next call of Next. It keeps the memory of Content, and Stopped.
func (b *Batch) Reset() {
	b.First, b.Lines, b.End, b.Cut = 0, 0, 0, false
	b.list, b.choice = nil, nil
	if b.Content != nil {
		b.Content.Reset()
	}
}

// Add appends an object without a copy: the batch keeps the object's slices, which the caller must not change.
func (b *Batch) Add(o Object) { b.list = append(b.list, o) }

// Len returns the number of objects. For a batch of lines, which are not counted, it returns 0.
func (b *Batch) Len() int {
	if b.Content != nil {
		return len(b.list) + b.Content.Len()
	}
	return len(b.list)
}

// Stop ends the reading of a batch early if the run was stopped, and reports whether it was. It then sets Cut, and
// sets Lines and End to the part that was read: number is the current line, rest the number of unread bytes.
func (b *Batch) Stop(number, rest int) bool {
	if b.Stopped == nil || !b.Stopped.Load() {
		return false
	}
	b.Cut = true
	b.Lines = number - b.First
	b.End -= int64(rest)
	return true
}

// Halt stops the goroutines of a source that work ahead of Next, such as a walk. It does not wait for them, and does
// nothing for other sources. Every caller that does not read a source to the end must call it.
func Halt(s Source) {
	if s, halts := s.(interface{ Halt() }); halts {
		s.Halt()
	}
}

// Each calls f with every object of the batch that the source's choice selects, in order, and the choice's LeftOut with
// the others. If Stopped becomes true it returns early and sets Cut. f must not keep the object.
func (b *Batch) Each(f func(o *Object)) {
	if b.choice == nil {
		b.each(f)
		return
	}
	b.each(func(o *Object) {
		if b.choice.has(o) {
			f(o)
		} else if b.choice.LeftOut != nil {
			b.choice.LeftOut(o.Path)
		}
	})
}

// each calls f with every object of the batch, chosen or not, in order. It returns early once the batch is stopped,
// and calls nothing for an empty batch.
func (b *Batch) each(f func(o *Object)) {
	if b.list == nil {
		if b.Content != nil {
			b.Content.Each(b, f)
		}
		return
	}
	for i := range b.list {
		if b.Stop(0, 0) {
			return
		}
		f(&b.list[i])
	}
}

// Gather fills b with up to PerBatch objects by calling one for each. If one has no object left, it returns io.EOF
// for an empty batch and nil for any other. On another error it returns that error, and the batch holds the objects
// before it.
func Gather(b *Batch, one func(o *Object) error) error {
	b.Content = nil
	b.list = make([]Object, 0, PerBatch)
	for len(b.list) < PerBatch {
		var o Object
		err := one(&o)
		if errors.Is(err, io.EOF) {
			if len(b.list) == 0 {
				return io.EOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		b.list = append(b.list, o)
	}
	return nil
}

// MaxLine is the longest line, in bytes, that readers of text accept.
const MaxLine = 4 << 20

// LineError wraps err, the error of a scanner that has read number lines. If the next line is longer than [MaxLine],
// the result names that line. It returns nil for nil.
func LineError(number int, err error) error {
	if err = strict.LineError(err, number+1, MaxLine); err != nil {
		err = fmt.Errorf("read objects: %w", err)
	}
	return err
}
