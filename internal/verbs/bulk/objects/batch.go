package objects

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
)

// Source gives the objects of a run, batch by batch.
type Source interface {
	// Next fills b, which is empty. It is called by one goroutine; io.EOF ends the
	// run.
	Next(b *Batch) error
}

// PerBatch is how many objects a batch holds that does not come from
// lines.
const PerBatch = 2048

// Batch is a part of a source on its way through a run. The zero value is empty.
// It belongs to the goroutine that holds it.
type Batch struct {
	First   int          // number of the line before the first
	Lines   int          // lines read
	End     int64        // offset of the input after it; 0 where the source has no bytes
	Stopped *atomic.Bool // true ends Each between two objects; nil: never
	Cut     bool         // Each was ended: First, Lines and End say where

	choice *Choice    // nil: all objects
	data   []byte     // lines
	list   []Object   // instead of data
	found  found      // instead of data: files that Each reads
	files  *files     // with found
	reader fileReader // with found
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.First, b.Lines, b.End, b.Cut = 0, 0, 0, false
	b.data, b.list, b.found, b.choice = b.data[:0], nil, found{}, nil
}

// Add adds an object.
func (b *Batch) Add(o Object) { b.list = append(b.list, o) }

// Len returns the number of objects of a batch that does not hold lines.
func (b *Batch) Len() int { return len(b.list) + len(b.found.list) }

// stop reports whether the run was stopped; rest is how many bytes of the batch
// have not been looked at.
func (b *Batch) stop(number, rest int) bool {
	if b.Stopped == nil || !b.Stopped.Load() {
		return false
	}
	b.Cut = true
	b.Lines = number - b.First
	b.End -= int64(rest)
	return true
}

// Halt ends what a source does ahead of Next, such as a walk.
func Halt(s Source) {
	switch s := s.(type) {
	case *files:
		s.halt()
	case *chosen:
		Halt(s.Source)
	}
}

// Each calls f with every object of the batch that is chosen.
func (b *Batch) Each(f func(o *Object)) {
	if b.choice == nil {
		b.each(f)
		return
	}
	b.each(func(o *Object) {
		if b.choice.has(o) {
			f(o)
		}
	})
}

// each calls f with every object of the batch.
func (b *Batch) each(f func(o *Object)) {
	if b.found.list != nil {
		b.reader.each(b, f)
		return
	}
	if b.list != nil {
		for i := range b.list {
			if b.stop(0, 0) {
				return
			}
			f(&b.list[i])
		}
		return
	}
	data, number := b.data, b.First
	if number == 0 {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	var o Object
	for len(data) > 0 {
		if b.stop(number, len(data)) {
			return
		}
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		number++
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if len(line) == 0 {
			continue
		}
		if !o.fast(line) {
			o.slow(line, number)
		}
		f(&o)
	}
}

// gather fills a batch from a source that gives objects one by one.
func gather(b *Batch, one func(o *Object) error) error {
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
