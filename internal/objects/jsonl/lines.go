// Package jsonl reads objects from JSON lines.
package jsonl

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/utf16text"
)

// batchSize is the number of bytes in a batch of lines. A longer line is a batch of its own.
const batchSize = 1 << 20

// lines is the source of an objects file in JSON lines.
type lines struct {
	in     io.Reader
	rest   []byte // begun but not ended by the last batch
	offset int64  // of the byte after the last batch
	number int    // of lines before the next batch
	done   bool
}

// Lines returns the source of a file of JSON lines. Each line has path, one of sd, sdHex and sdBase64, and optionally
// type and sid. offset and number are the position of in in bytes and lines, 0 for the start. A malformed line is an
// object with an error. A line longer than [objects.MaxLine] ends the run with an error.
func Lines(in io.Reader, offset int64, number int) objects.Source {
	return &lines{in: in, offset: offset, number: number}
}

// IsLines reports whether Lines returned s. Only then can a run resume at the End of a batch.
func IsLines(s objects.Source) bool {
	_, ok := s.(*lines)
	return ok
}

// AppendEnd appends the last line of an export of count objects, which shows that the file was not cut off.
func AppendEnd(b []byte, count int64) []byte { return fmt.Appendf(b, "{\"end\":%d}\n", count) }

// IsEnd reports whether a line is one that [AppendEnd] writes. Readers of objects skip it.
func IsEnd(line []byte) bool {
	digits, is := bytes.CutPrefix(line, []byte(`{"end":`))
	digits, ends := bytes.CutSuffix(digits, []byte{'}'})
	return is && ends && len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0
}

// content holds the lines of a batch.
type content struct{ data []byte }

// Reset removes all lines and keeps the buffer for the next batch.
func (c *content) Reset() { c.data = c.data[:0] }

// Len returns 0: lines are not counted as objects.
func (c *content) Len() int { return 0 }

// Each parses the lines and calls f with each object, until b is stopped. The object and its slices are valid only
// during the call. It skips empty lines and those of [AppendEnd]. A malformed line is an object with Err.
func (c *content) Each(b *objects.Batch, f func(o *objects.Object)) {
	data, number := c.data, b.First
	if number == 0 {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	var o object
	for len(data) > 0 {
		if b.Stop(number, len(data)) {
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
			if IsEnd(line) {
				continue
			}
			o.slow(line, number)
		}
		o.Line = number
		f((*objects.Object)(&o))
	}
}

// Next fills b with whole lines, or returns io.EOF at the end. It blocks until at least one line has arrived. An
// incomplete line longer than [objects.MaxLine], and a text in UTF-16, are errors. An incomplete last line is returned
// at the end of the input. The content of b is reused.
func (l *lines) Next(b *objects.Batch) error {
	if l.done && len(l.rest) == 0 {
		return io.EOF
	}
	c, ok := b.Content.(*content)
	if !ok {
		c = &content{}
		b.Content = c
	}
	c.data = append(c.data[:0], l.rest...)
	l.rest = l.rest[:0]
	searched := len(c.data) // the bytes before have no line feed, and a long line is searched once
	for !l.done {
		if cap(c.data)-len(c.data) < batchSize/2 {
			grown := make([]byte, len(c.data), max(cap(c.data)*2, batchSize+batchSize/2))
			copy(grown, c.data)
			c.data = grown
		}
		room := cap(c.data) - len(c.data)
		n, err := l.in.Read(c.data[len(c.data):cap(c.data)])
		c.data = c.data[:len(c.data)+n]
		switch {
		case errors.Is(err, io.EOF):
			l.done = true
		case err != nil:
			return fmt.Errorf("read objects: %w", err)
		case len(c.data) < batchSize && (n == room || bytes.IndexByte(c.data[len(c.data)-n:], '\n') < 0):
			continue // do not wait for a full batch: the writer of a pipe may wait for an answer
		}
		if l.done {
			break
		}
		if end := searched + bytes.LastIndexByte(c.data[searched:], '\n') + 1; end > searched {
			l.rest = append(l.rest, c.data[end:]...)
			c.data = c.data[:end]
			break
		}
		searched = len(c.data)
		if len(c.data) > objects.MaxLine {
			return fmt.Errorf("read objects: the line after byte %d is longer than %d bytes: is this a file of JSON "+
				"lines?", l.offset, objects.MaxLine)
		}
	}
	if len(c.data) == 0 {
		return io.EOF
	}
	if wide, _, _ := utf16text.Detect(c.data); wide && l.offset == 0 {
		return errors.New("read objects: the file is UTF-16: save it as UTF-8")
	}
	l.offset += int64(len(c.data))
	b.End, b.First = l.offset, l.number
	l.number += bytes.Count(c.data, []byte{'\n'})
	if c.data[len(c.data)-1] != '\n' {
		l.number++
	}
	b.Lines = l.number - b.First
	return nil
}
