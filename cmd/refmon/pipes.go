package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// pipe is an input that can be read only once, such as standard input or /dev/fd/63, of which several readers need
// the beginning or all. It belongs to one goroutine.
type pipe struct {
	in   io.ReadCloser
	info os.FileInfo // of in; nil: unknown
	head []byte      // the bytes read so far, until open returns them
	used bool        // open was called
	file *os.File    // all bytes, after keep; nil: not kept
	size int64       // of file

	broken error // why keep failed; what it read is lost
}

// pipeHead is the least number of bytes that show the form of a pipe.
const pipeHead = 4 << 10

// pipe returns the pipe with a name, as find does, and reads its beginning unless that or more was read before. It
// returns nil for streams without pipes.
func (s *streams) pipe(name string) *pipe {
	if s.pipes == nil {
		return nil
	}
	p := s.find(name)
	if p == nil || p.used || p.head != nil {
		return p
	}
	p.head = make([]byte, 64<<10)
	n, _ := io.ReadAtLeast(p.in, p.head, pipeHead) // the next read of p.in returns the error again
	p.head = p.head[:n]
	return p
}

// find returns the pipe with a name, "-" for standard input. It reads nothing. It returns nil for a regular file, a
// directory, a file that cannot be opened and an empty name. Two names of one pipe, such as - and /dev/stdin, give the
// same pipe.
func (s *streams) find(name string) *pipe {
	if p := s.pipes[name]; p != nil || name == "" {
		return p
	}
	p := s.stdin()
	if name != "-" {
		info, err := os.Stat(name)
		if err != nil || info.Mode().IsRegular() || info.IsDir() {
			return nil
		}
		p = &pipe{info: info}
	}
	for _, known := range s.pipes {
		if os.SameFile(p.info, known.info) {
			return known
		}
	}
	if p.in == nil {
		in, err := os.Open(name)
		if err != nil {
			return nil
		}
		p.in = in
	}
	if s.pipes != nil {
		s.pipes[name] = p
	}
	return p
}

// stdin returns standard input as a pipe that nothing was read from.
func (s *streams) stdin() *pipe {
	p := &pipe{in: io.NopCloser(s.in)}
	if f, ok := s.in.(*os.File); ok {
		p.info, _ = f.Stat() // nil after an error: then no other name equals this pipe
	}
	return p
}

// open returns a reader of all bytes. A second reader of a pipe that was not kept gets an error, unless the pipe is a
// device such as /dev/null.
func (p *pipe) open() io.ReadCloser {
	if p.file != nil {
		return io.NopCloser(io.NewSectionReader(p.file, 0, p.size))
	}
	if p.used && (p.info == nil || p.info.Mode()&os.ModeDevice == 0) {
		return io.NopCloser(failing{errPipeTwice})
	}
	p.used = true
	head := bytes.NewReader(p.head)
	p.head = nil
	return io.NopCloser(io.MultiReader(head, p.in))
}

// errPipeTwice means that two inputs of a command are one pipe.
var errPipeTwice = errors.New("two inputs are one pipe, which can be read only once: write it to a file first")

// failing is a reader that always returns its error.
type failing struct{ err error }

// Read returns the error.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// keep copies the pipe to a temporary file, so that open can be called again. A nil pipe and a pipe that was copied
// stay unchanged. After a failed copy, each later call returns the error. The temporary file has no name where the
// system allows that.
func (p *pipe) keep() (err error) {
	if p == nil || p.file != nil {
		return nil
	}
	if p.broken != nil {
		return p.broken
	}
	f, err := os.CreateTemp("", "refmon-pipe-")
	if err != nil {
		return fmt.Errorf("a pipe that is read twice needs a temporary file: %w", err)
	}
	if !removedLate {
		_ = os.Remove(f.Name()) // after an error the temporary file remains
	}
	if p.size, err = io.Copy(f, p.open()); err != nil {
		p.broken = err
		_ = f.Close() // the incomplete copy is not used
		if removedLate {
			_ = os.Remove(f.Name())
		}
		return err
	}
	p.file = f
	return nil
}

// removedLate reports whether the system cannot remove an open file.
const removedLate = runtime.GOOS == "windows"

// closePipes closes the pipes and removes their temporary files.
func (s *streams) closePipes() {
	for _, p := range s.pipes {
		_ = p.in.Close() // only read
		if p.file != nil {
			_ = p.file.Close() // only read since
			if removedLate {
				_ = os.Remove(p.file.Name())
			}
		}
	}
	s.pipes = nil
}
