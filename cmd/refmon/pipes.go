package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
)

// pipe is an input that can be read only once, such as standard input or /dev/fd/63, of which several readers need
// the beginning or all. It belongs to one goroutine.
type pipe struct {
	in   io.ReadCloser
	head []byte   // the bytes read so far, until open returns them
	file *os.File // all bytes, after keep; nil: not kept
	size int64    // of file

	broken error // why keep failed; what it read is lost
}

// pipeHead is the least number of bytes that show the form of a pipe.
const pipeHead = 4 << 10

// pipe returns the pipe with a name, "-" for standard input. The first call reads the beginning of the pipe. It
// returns nil for a regular file, a directory, a file that cannot be opened, an empty name and streams without pipes.
func (s *streams) pipe(name string) *pipe {
	if p := s.pipes[name]; p != nil || s.pipes == nil || name == "" {
		return p
	}
	in := io.NopCloser(s.in)
	if name != "-" {
		info, err := os.Stat(name)
		if err != nil || info.Mode().IsRegular() || info.IsDir() {
			return nil
		}
		if in, err = os.Open(name); err != nil {
			return nil
		}
	}
	p := &pipe{in: in, head: make([]byte, 64<<10)}
	n, _ := io.ReadAtLeast(p.in, p.head, pipeHead) // a reader of the pipe gets the error again
	p.head = p.head[:n]
	s.pipes[name] = p
	return p
}

// open returns a reader of all bytes if the pipe was kept. Otherwise it returns one for the bytes that no earlier
// reader got.
func (p *pipe) open() io.ReadCloser {
	if p.file != nil {
		return io.NopCloser(io.NewSectionReader(p.file, 0, p.size))
	}
	head := bytes.NewReader(p.head)
	p.head = nil
	return io.NopCloser(io.MultiReader(head, p.in))
}

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
		_ = os.Remove(f.Name()) // at worst it stays behind
	}
	if p.size, err = io.Copy(f, p.open()); err != nil {
		p.broken = err
		_ = f.Close() // its bytes are not used
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
