package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFrameLengthIsBounded checks that a length from headSize to MaxFrame is accepted and any other is an error. The
// head may arrive in one piece or byte by byte (W-2).
func TestFrameLengthIsBounded(t *testing.T) {
	for _, c := range []struct {
		length uint32
		want   error
	}{{headSize - 1, ErrFrame}, {headSize, nil}, {headSize + 1, io.ErrUnexpectedEOF}, {MaxFrame, io.ErrUnexpectedEOF},
		{MaxFrame + 1, ErrFrame}, {^uint32(0), ErrFrame}} {
		b := AppendFrame(nil, &Frame{Kind: Call})
		binary.LittleEndian.PutUint32(b, c.length)
		for name, r := range map[string]io.Reader{"at once": bufio.NewReader(bytes.NewReader(b)),
			"byte by byte": iotest.OneByteReader(bytes.NewReader(b))} {
			if buffered, ok := r.(*bufio.Reader); ok {
				_, _ = buffered.Peek(1) // the whole head has arrived
			}
			check.ErrorIs(t, check.Err(ReadFrame(r)), c.want, "frame with length %d, %s", c.length, name)
		}
	}
}
