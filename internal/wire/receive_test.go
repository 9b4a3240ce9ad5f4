package wire

import (
	"net"
	"slices"
	"testing"
	"time"
)

// TestPartialFrameHasDeadline checks that a client may wait between frames without a limit, and that a partial frame
// is read under a deadline that is cleared afterwards (W-18).
func TestPartialFrameHasDeadline(t *testing.T) {
	ours, theirs := net.Pipe()
	conn := &readTimes{Conn: theirs}
	s := NewServer(conn, nil)
	b := AppendFrame(nil, &Frame{Kind: Call, Request: 3, Body: []byte("body")})
	for _, parts := range [][][]byte{{b}, {b[:3], b[3:]}, {b[:20], b[20:]}} {
		conn.deadlines = nil
		go func() {
			for _, p := range parts {
				_, _ = ours.Write(p)
			}
		}()
		f, err := s.next()
		want := []bool{true, false}[:2*(len(parts)-1)]
		if err != nil || f.Request != 3 || string(f.Body) != "body" || !slices.Equal(conn.deadlines, want) {
			t.Errorf("%d parts: %+v, %v, deadlines %v, want %v", len(parts), f, err, conn.deadlines, want)
		}
	}
}

// readTimes is a connection that notes the deadlines of reads.
type readTimes struct {
	net.Conn
	deadlines []bool // one was set
}

func (r *readTimes) SetReadDeadline(at time.Time) error {
	r.deadlines = append(r.deadlines, !at.IsZero())
	return r.Conn.SetReadDeadline(at)
}
