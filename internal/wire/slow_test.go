package wire_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
)

// serveOne serves one connection in the bubble of a synctest.
func serveOne(t *testing.T, patient bool) (conn net.Conn, ended <-chan error) {
	t.Helper()
	_, conn, ended = pair(t, func(s *wire.Server) {
		if patient {
			s.Patient()
		}
	})
	return conn, ended
}

// TestSlowFrameHitsTimeLimit sends slowly. There is no time limit between frames, but one within a frame, before the
// hello and for unread replies (W-18, W-3). A program that was started with its connection may send its hello at any
// time (W-51).
func TestSlowFrameHitsTimeLimit(t *testing.T) {
	thread := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread})
	for _, c := range []struct {
		name  string
		send  [][]byte // a day of silence lies before each but the first
		reads bool
		after time.Duration // the end of the connection after the last; 0: a day later
		want  error
	}{
		{"no data between frames", [][]byte{helloFrame, thread, thread}, true, 0, nil},
		{"no hello of a started program", [][]byte{{}}, true, 0, nil},
		{"a late hello of a started program", [][]byte{{}, helloFrame, thread[:9]}, true, wire.FrameTimeout, wire.ErrFrame},
		{"no hello", [][]byte{{}}, true, wire.HelloTimeout, nil},
		{"half a hello", [][]byte{helloFrame[:9]}, true, wire.HelloTimeout, nil},
		{"half a frame", [][]byte{helloFrame, thread[:9]}, true, wire.FrameTimeout, wire.ErrFrame},
		{"one byte of a frame", [][]byte{helloFrame, thread[:1]}, true, wire.FrameTimeout, wire.ErrFrame},
		{"an unread reply", [][]byte{helloFrame}, false, wire.WriteTimeout, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, ended := serveOne(t, strings.HasSuffix(c.name, "of a started program"))
				if c.reads {
					go func() { _, _ = io.Copy(io.Discard, conn) }()
				}
				for i, b := range c.send {
					if i > 0 {
						time.Sleep(24 * time.Hour)
					}
					check.NoError(t, check.Err(conn.Write(b)))
				}
				begun := time.Now()
				select {
				case err := <-ended:
					if c.after == 0 || time.Since(begun) != c.after || err == nil || !errors.Is(err, c.want) && c.want != nil {
						t.Errorf("connection ended after %s with %v, want %s, %v",
							time.Since(begun), err, c.after, c.want)
					}
				case <-time.After(24 * time.Hour):
					check.That(t, c.after == 0, "the connection is still open, want it closed after %s", c.after)
				}
			})
		})
	}
}

// TestSlowFrameHasOneTimeLimit checks that a program that sends a frame, or reads a reply, byte by byte has the time
// of one frame for all of it (W-3, W-18).
func TestSlowFrameHasOneTimeLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		pause time.Duration // between two bytes
		reads bool          // it is the answer that is taken byte by byte
		bytes int           // until the one that fails, about; -1: all go over
	}{
		{"a frame in time", time.Second, false, -1},
		{"a frame too slowly", 2100 * time.Millisecond, false, 16},
		{"an answer in time", time.Millisecond, true, -1},
		{"an answer too slowly", 1100 * time.Millisecond, true, 28},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, _ := serveOne(t, false)
				check.NoError(t, check.Err(conn.Write(helloFrame)))
				n, all := 0, 0
				var err error
				if c.reads {
					for b := make([]byte, 1); err == nil && n < 1000; n++ {
						time.Sleep(c.pause)
						_, err = conn.Read(b)
					}
					all = 1000 // of a hello that is longer
				} else {
					go func() { _, _ = io.Copy(io.Discard, conn) }()
					b := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread})
					for all = len(b); err == nil && n < all; n++ {
						_, err = conn.Write(b[n : n+1])
						time.Sleep(c.pause)
					}
				}
				check.That(t, c.bytes >= 0 || err == nil && n == all,
					"write ended after %d of %d bytes with %v, want all bytes", n, all, err)
				check.That(t, c.bytes < 0 || err != nil && n >= c.bytes-1 && n <= c.bytes+1,
					"%d bytes were transferred before %v, want about %d", n, err, c.bytes)
			})
		})
	}
}
