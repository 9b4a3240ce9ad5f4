package wire

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// limited is a process whose connection is charged to a quota block.
type limited struct {
	Process
	block *quota.Block
}

func (l limited) Payer() quota.Payer { return quota.Payer{Block: l.block} }

// A body above the free bytes is charged before it is read. If the user cannot pay, the server skips the body,
// replies with an error, and reads the next frame.
func TestFrameBeyondQuotaIsSkipped(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	for _, c := range []struct {
		name        string
		body, limit int
		want        ntstatus.Status
	}{
		{"within the free bytes", freeBytes, 0, ntstatus.Success},
		{"one byte above the free bytes", freeBytes + 1, 0, ntstatus.QuotaExceeded},
		{"one byte above, and quota for it", freeBytes + 1, frameSize + freeBytes + 1, ntstatus.Success},
		{"one byte above, and too little quota", freeBytes + 1, frameSize + freeBytes, ntstatus.QuotaExceeded},
		{"longest body without quota", MaxBody, frameSize + MaxBody - 1, ntstatus.QuotaExceeded},
		{"longest body with quota", MaxBody, frameSize + MaxBody, ntstatus.Success},
	} {
		block := quota.NewBlock(nil, int64(c.limit), false)
		s := NewServer(theirs, limited{block: block})
		go func() {
			_, _ = ours.Write(AppendFrame(nil, &Frame{Kind: Call, Request: 3, Body: make([]byte, c.body)}))
		}()
		answered := make(chan ntstatus.Status, 1)
		if c.want != ntstatus.Success {
			go func() {
				f, err := ReadFrame(ours)
				if err != nil {
					t.Error(err)
					f = &Frame{Body: make([]byte, headSize)}
				}
				h, _, err := DecodeAnswer(f.Body)
				check.That(t, err == nil && f.Request == 3,
					"%s: reply to request %d, %v, want request 3", c.name, f.Request, err)
				answered <- h.Status
				_, _ = ours.Write(AppendFrame(nil, &Frame{Kind: Call, Request: 4}))
			}()
		}
		f, err := s.partial()
		if c.want == ntstatus.Success {
			check.That(t, err == nil && f != nil && len(f.Body) == c.body && f.paid.Bytes() == int64(c.limit) &&
				block.Used() == int64(c.limit),
				"%s: %v with %d bytes charged, want the frame and its charge", c.name, err, block.Used())
			continue
		}
		check.RequireThat(t, f == nil && err == nil && block.Used() == 0,
			"%s: frame returned %v, %v, %d bytes charged, want no frame and no charge", c.name, f != nil, err,
			block.Used())
		check.Equal(t, <-answered, c.want, "%s: reply", c.name)
		if f, err = s.next(); err != nil || f.Request != 4 {
			t.Errorf("%s: next frame: %v, want request 4", c.name, err)
		}
	}
}

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
		check.That(t, err == nil && f.Request == 3 && string(f.Body) == "body" && slices.Equal(conn.deadlines, want),
			"frame in %d parts: %+v, %v, deadlines set %v, want %v", len(parts), f, err, conn.deadlines, want)
	}
}

// readTimes is a connection that records whether each read deadline was set or cleared.
type readTimes struct {
	net.Conn
	deadlines []bool // one was set
}

func (r *readTimes) SetReadDeadline(at time.Time) error {
	r.deadlines = append(r.deadlines, !at.IsZero())
	return r.Conn.SetReadDeadline(at)
}
