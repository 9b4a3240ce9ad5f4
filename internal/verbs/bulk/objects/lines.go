package objects

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 4 << 20

// batchSize is how many bytes a batch of lines holds. A longer line is alone.
const batchSize = 1 << 20

// lines is the source of an objects file in JSON lines.
type lines struct {
	in     io.Reader
	rest   []byte // begun but not ended by the last batch
	offset int64  // of the byte after the last batch
	number int    // of lines before the next batch
	done   bool
}

// Lines reads an objects file in JSON lines: one object with path, one of sd,
// sdHex and sdBase64, and type a line. offset and number are the place in the
// input that in stands at, 0 for its start.
func Lines(in io.Reader, offset int64, number int) Source {
	return &lines{in: in, offset: offset, number: number}
}

// IsLines reports whether a source reads JSON lines in UTF-8: the offsets of its batches
// are then places of the file that Lines can go on from.
func IsLines(s Source) bool {
	l, ok := s.(*lines)
	if !ok {
		return false
	}
	_, wide := l.in.(*utf16Reader)
	return !wide
}

func (l *lines) Next(b *Batch) error {
	if l.done && len(l.rest) == 0 {
		return io.EOF
	}
	b.data = append(b.data[:0], l.rest...)
	l.rest = l.rest[:0]
	for !l.done {
		if cap(b.data)-len(b.data) < batchSize/2 {
			grown := make([]byte, len(b.data), max(cap(b.data)*2, batchSize+batchSize/2))
			copy(grown, b.data)
			b.data = grown
		}
		room := cap(b.data) - len(b.data)
		n, err := l.in.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case errors.Is(err, io.EOF):
			l.done = true
		case err != nil:
			return fmt.Errorf("read objects: %w", err)
		case len(b.data) < batchSize && (n == room || bytes.IndexByte(b.data[len(b.data)-n:], '\n') < 0):
			continue // else a pipe gave what it has, and its writer may wait for an answer
		}
		if l.done {
			break
		}
		if end := bytes.LastIndexByte(b.data, '\n') + 1; end > 0 {
			l.rest = append(l.rest, b.data[end:]...)
			b.data = b.data[:end]
			break
		}
		if len(b.data) > MaxLine {
			return fmt.Errorf("read objects: the line after byte %d is longer than %d bytes: is this a file of JSON "+
				"lines?", l.offset, MaxLine)
		}
	}
	if len(b.data) == 0 {
		return io.EOF
	}
	if l.offset == 0 && bytes.HasPrefix(b.data, []byte("\xff\xfe")) {
		return errors.New("read objects: the file is UTF-16: save it as UTF-8")
	}
	l.offset += int64(len(b.data))
	b.End, b.First = l.offset, l.number
	l.number += bytes.Count(b.data, []byte{'\n'})
	if b.data[len(b.data)-1] != '\n' {
		l.number++
	}
	b.Lines = l.number - b.First
	return nil
}
