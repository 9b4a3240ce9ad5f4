package auditlog

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	testcheck "github.com/refmon/refmon/internal/test/check"
)

// zerosThen is a segment of a header and zeros whose bytes from len(head)+zeros on return an error.
type zerosThen struct {
	head  []byte
	zeros int
	err   error
}

// ReadAt implements [io.ReaderAt].
func (z zerosThen) ReadAt(b []byte, at int64) (int, error) {
	n := min(len(b), max(0, len(z.head)+z.zeros-int(at)))
	clear(b[:n])
	if at < int64(len(z.head)) {
		copy(b[:n], z.head[at:])
	}
	if n < len(b) {
		return n, z.err
	}
	return n, nil
}

// A read error within the zeros after the last record is returned as it is, and not as a torn record or as damage.
func TestScannerReturnsReadErrorsBehindRecords(t *testing.T) {
	head := (&header{first: 1}).encode()
	for _, err := range []error{errors.New("the disk fails"), io.EOF} {
		s := testcheck.Must(scan(zerosThen{head, 2 * chunk, err}))
		_, got := s.next()
		testcheck.That(t, errors.Is(got, err), "next after a segment of zeros = %v, want %v", got, err)
		got = (&replay{w: new(writer)}).frames(s, true)
		testcheck.That(t, (got == nil) == errors.Is(err, io.EOF) && !errors.Is(got, ErrDamaged), "replay: %v", got)
	}
	for _, zeros := range []int{frameFixed, 2 * chunk} {
		s := testcheck.Must(scan(bytes.NewReader(slices.Concat(head, make([]byte, zeros), []byte{1}))))
		testcheck.ErrorIs(t, testcheck.Err(s.next()), errTorn, "next at %d zeros before another byte", zeros)
	}
}
