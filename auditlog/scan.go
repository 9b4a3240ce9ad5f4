package auditlog

import (
	"errors"
	"io"
)

// chunk is how many bytes of a segment are read at a time; a frame fits.
const chunk = 1 << 20

// scanner reads the frames of one segment in order.
type scanner struct {
	f    io.ReaderAt
	head header
	buf  []byte // unread bytes of the segment, from at on
	at   int64
	eof  bool
	room []byte
}

// scan returns a scanner of the segment in f, set to its first frame, after it has read the header. It fails for an
// invalid header. The caller keeps f open and closes it.
func scan(f io.ReaderAt) (*scanner, error) {
	s := &scanner{f: f, room: make([]byte, chunk/64)}
	if err := s.fill(); err != nil {
		return nil, err
	}
	h, err := decodeHeader(s.buf)
	if err != nil {
		return nil, err
	}
	s.head = h
	s.skip(int(h.size()))
	return s, nil
}

// fill reads more bytes behind the unread ones, and sets eof at the end of the file, which is not an error. It moves
// the unread bytes, so earlier slices of the buffer become invalid.
func (s *scanner) fill() error {
	room := s.room
	if s.at > 0 && len(room) < chunk { // a segment of some length: read more at a time
		room = make([]byte, min(4*len(room), chunk))
	}
	n := copy(room, s.buf)
	s.room = room
	got, err := s.f.ReadAt(s.room[n:], s.at+int64(n))
	s.buf = s.room[:n+got]
	s.eof = errors.Is(err, io.EOF)
	if s.eof {
		return nil
	}
	return err
}

// skip advances by n bytes of the buffer, which must have as many.
func (s *scanner) skip(n int) { s.buf, s.at = s.buf[n:], s.at+int64(n) }

// rewind drops the bytes that were read ahead, so that next reads them again: the segment may have grown.
func (s *scanner) rewind() { s.buf, s.eof = nil, false }

// next returns the next frame, which is valid until the next call. It returns io.EOF at the end of the segment, also
// if only zeros follow, and errTorn for other bytes that are not a frame. The position then stays before them.
func (s *scanner) next() (frame, error) {
	f, n, err := decodeFrame(s.buf)
	for err != nil && !s.eof && len(s.buf) < frameFixed+MaxRecord {
		if err := s.fill(); err != nil {
			return frame{}, err
		}
		f, n, err = decodeFrame(s.buf)
	}
	if err != nil {
		return frame{}, s.ending()
	}
	s.skip(n)
	return f, nil
}

// openSegment opens the segment that starts with a RecordId. The caller must close the file. A header with another
// first RecordId is an error. After an error no file is open.
func openSegment(d disk, first uint64) (file, *scanner, error) {
	f, err := d.Open(segmentName(first))
	if err != nil {
		return nil, nil, err
	}
	s, err := scan(f)
	if err == nil && s.head.first != first {
		err = errors.New("the header names another first RecordId")
	}
	if err != nil {
		_ = f.Close() // only read
		return nil, nil, err
	}
	return f, s, nil
}

// ending returns the error of next for bytes that are no frame: io.EOF if nothing but zeros follows, which the writer
// writes ahead, and otherwise errTorn. A read error is returned as it is.
func (s *scanner) ending() error {
	if !isZero(s.buf) {
		return errTorn
	}
	at, room := s.at+int64(len(s.buf)), make([]byte, chunk/16)
	for !s.eof {
		n, failed := s.f.ReadAt(room, at)
		if at += int64(n); !isZero(room[:n]) {
			return errTorn
		}
		if isEnd(failed) {
			break
		}
		if failed != nil {
			return failed
		}
	}
	return io.EOF
}

// isZero reports whether all bytes are zero. It returns true for no bytes.
func isZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
