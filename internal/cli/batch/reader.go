package batch

import (
	"bytes"
	"errors"
	"io"

	"github.com/refmon/refmon/internal/cli/pipeline"
)

// reader splits the input of one Job.Run into chunks and sends them to the workers. It runs serial lines, such as
// definitions, itself.
type reader struct {
	job    *Job
	in     io.Reader
	hand   *pipeline.Hand[chunk]
	line   int    // number of the next line
	serial Answer // made when a line needs it
}

// cutLine returns the first line, without its newline, and the bytes after it. Without a newline all of b is the line
// and rest is nil.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// errStopped ends the reader after the writer failed.
var errStopped = errors.New("batch stopped")

// read sends the input to the workers in pieces of whole lines. No line waits for a full buffer: complete lines are
// sent after every Read. At the end of the input, and after the writer failed, the result is nil. Too many empty
// reads give io.ErrNoProgress.
func (r *reader) read() error {
	p, err := r.take(nil)
	if err != nil {
		return ended(err)
	}
	idle := 0
	for {
		c := &p.Value
		if len(c.data) == cap(c.data) {
			c.data = append(c.data, 0)[:len(c.data)] // a long line: grow
		}
		old := len(c.data)
		n, err := r.in.Read(c.data[old:min(cap(c.data), old+chunkSize)])
		c.data = c.data[:old+n]
		if idle++; n > 0 {
			idle = 0
		}
		if idle > emptyReads && err == nil {
			err = io.ErrNoProgress
		}
		if p, err = r.cut(p, old, err); err != nil {
			return ended(err)
		}
	}
}

// ended separates a failed reader from one that ended normally. It returns nil for io.EOF and errStopped, and other
// errors unchanged.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// cut sends the complete lines that a Read added to p, and returns the piece to continue with. old is the length of p
// before the Read, and err its error. If err is not nil, the last line is sent too, and err returned. A line longer
// than MaxLine is cut off and its rest skipped. An empty piece is not sent.
func (r *reader) cut(p *piece, old int, err error) (*piece, error) {
	c := &p.Value
	end := bytes.LastIndexByte(c.data[old:], '\n')
	switch {
	case err != nil:
		if len(c.data) > 0 {
			if stopped := r.dispatch(p); stopped != nil {
				return nil, stopped
			}
		}
		return nil, err
	case end >= 0:
		end += old + 1
		next, err := r.take(c.data[end:])
		if err != nil {
			return nil, err
		}
		c.data = c.data[:end]
		return next, r.dispatch(p)
	case len(c.data) > MaxLine:
		// The line is longer than allowed: its beginning is answered with an error, and the rest is skipped.
		c.data = c.data[:MaxLine+1]
		if err := r.dispatch(p); err != nil {
			return nil, err
		}
		return r.skipLine()
	}
	return p, nil
}

// skipLine reads to the next newline, sends the complete lines after it and returns a piece with the rest. It returns
// the read error, or io.ErrNoProgress. An end without a newline gives that error.
func (r *reader) skipLine() (*piece, error) {
	p, err := r.take(nil)
	if err != nil {
		return nil, err
	}
	c := &p.Value
	for idle := 0; idle <= emptyReads; idle++ {
		n, err := r.in.Read(c.data[:cap(c.data)])
		if n > 0 {
			idle = 0
		}
		b := c.data[:n]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			c.data = append(c.data[:0], b[i+1:]...)
			return r.cut(p, 0, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, io.ErrNoProgress
}

// take returns a free piece whose data begins with tail, the start of an incomplete line. It waits until one is free.
// It returns errStopped if the writer has failed. It reuses the memory of the piece unless that has become too large.
func (r *reader) take(tail []byte) (*piece, error) {
	p, ok := r.hand.Take()
	if !ok {
		return nil, errStopped
	}
	c := &p.Value
	if cap(c.data) == 0 || cap(c.data) > keepCap {
		c.data = make([]byte, 0, max(chunkSize, 2*len(tail)))
	}
	if cap(c.out) > keepCap {
		c.out = nil
	}
	c.data = append(c.data[:0], tail...)
	c.bad, c.lines = 0, 0
	return p, nil
}

// dispatch sends a piece to the workers and the writer. It blocks only if p has serial lines, which must run alone
// and in order. It then waits for free pieces and answers these lines itself. If the writer has failed, it returns
// errStopped.
func (r *reader) dispatch(p *piece) error {
	data := p.Value.data
	if r.job.Serial == nil || !bytes.Contains(data, []byte(r.job.SerialWord)) {
		r.number(&p.Value)
		r.hand.Send(p)
		return nil
	}
	for len(data) > 0 {
		n, serial := r.stretch(data)
		part, err := r.take(data[:n])
		if err != nil {
			return err
		}
		data = data[n:]
		r.number(&part.Value)
		if !serial {
			r.hand.Send(part)
			continue
		}
		if r.serial == nil {
			r.serial = r.job.Worker()
		}
		r.hand.Alone(part, func(c *chunk) { c.answer(r.serial) })
	}
	r.hand.Return(p)
	return nil
}

// stretch finds where a chunk changes between serial and parallel lines. It returns the length in bytes of the lines
// at the start of b that are all of one kind, and that kind. It returns 0 for an empty b.
func (r *reader) stretch(b []byte) (n int, serial bool) {
	for rest := b; len(rest) > 0; {
		line, next := cutLine(rest)
		is := bytes.Contains(line, []byte(r.job.SerialWord)) && r.job.Serial(line)
		if n > 0 && is != serial {
			return n, serial
		}
		serial = is
		n, rest = len(b)-len(next), next
	}
	return n, serial
}

// number sets the number of c's first line and counts its lines. A last line without a newline counts. The data must
// not be empty.
func (r *reader) number(c *chunk) {
	c.first = r.line
	r.line += bytes.Count(c.data, []byte{'\n'})
	if c.data[len(c.data)-1] != '\n' {
		r.line++
	}
}
