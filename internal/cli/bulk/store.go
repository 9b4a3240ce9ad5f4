package bulk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// store is a byte array: the first limit bytes in memory, the rest in a temporary file. The zero value keeps
// everything in the file. Only one goroutine may write. Many may read while nobody writes.
type store struct {
	limit int64 // bytes in memory, a multiple of chunkSize
	mem   [][]byte
	file  *os.File // nil: not needed yet
	size  int64
}

const chunkSize = 1 << 16

// close closes and removes the file, and empties the store. It ignores errors. The store can be used again.
func (s *store) close() {
	if s.file != nil {
		discard(s.file)
	}
	*s = store{}
}

// temporary creates a temporary file, which the caller removes with discard. Where possible the file has no name, so
// that it disappears with the process. The error says that the memory is used up.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "refmon-")
	if err != nil {
		return nil, fmt.Errorf("out of memory, and no temporary file can be created: %w", err)
	}
	if !removedLate {
		_ = os.Remove(f.Name()) // after an error the temporary file remains
	}
	return f, nil
}

// removedLate reports whether the system cannot remove an open file.
const removedLate = runtime.GOOS == "windows"

// discard closes a temporary file, and removes it where the system could not do so while it was open. It
// ignores errors.
func discard(f *os.File) {
	_ = f.Close()
	if removedLate {
		_ = os.Remove(f.Name())
	}
}

// append writes b at the end and returns its address.
func (s *store) append(b []byte) (int64, error) {
	at := s.size
	return at, s.writeAt(b, at)
}

// writeAt writes b at an address, and fills a gap before it with zeros. Bytes beyond the limit go to the temporary
// file. After an error the bytes within the limit are written.
func (s *store) writeAt(b []byte, at int64) error {
	for len(b) > 0 && at < s.limit {
		for int64(len(s.mem))*chunkSize <= at {
			s.mem = append(s.mem, make([]byte, chunkSize))
		}
		n := copy(s.mem[at/chunkSize][at%chunkSize:], b)
		b, at = b[n:], at+int64(n)
		s.size = max(s.size, at)
	}
	if len(b) == 0 {
		return nil
	}
	if s.file == nil {
		f, err := temporary()
		if err != nil {
			return err
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(b, at-s.limit); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	s.size = max(s.size, at+int64(len(b)))
	return nil
}

// readAt fills b from an address. Bytes that were never written are zero, also behind the end.
func (s *store) readAt(b []byte, at int64) error {
	for len(b) > 0 && at < s.limit {
		n := min(len(b), int(chunkSize-at%chunkSize), int(s.limit-at))
		if int(at/chunkSize) < len(s.mem) {
			copy(b[:n], s.mem[at/chunkSize][at%chunkSize:])
		} else {
			clear(b[:n])
		}
		b, at = b[n:], at+int64(n)
	}
	if len(b) == 0 {
		return nil
	}
	n := 0
	if s.file != nil {
		var err error
		if n, err = s.file.ReadAt(b, at-s.limit); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("spill: %w", err)
		}
	}
	clear(b[n:])
	return nil
}
