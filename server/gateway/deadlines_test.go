package gateway

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// G-24: on a listener of the gateway's, a client that sends half a request, one that says
// nothing more and one that takes nothing of its answer are left in time, and at most
// lookTime later; one whose deadline is moved on is not.
func TestDeadlinesCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes)
		s := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 64<<10))
		}))
		go func() { _ = s.Serve(gather(l)) }()
		for _, c := range []struct {
			name, sends string
			takes       bool
			after       time.Duration
		}{
			{"half a request", "GET / HTTP/1.1\r\n", true, headerTimeout},
			{"nothing more", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, idleTimeout},
			{"takes nothing", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, stallTimeout},
		} {
			ours, theirs := net.Pipe()
			l <- theirs
			begun := time.Now()
			if _, err := io.WriteString(ours, c.sends); err != nil {
				t.Fatal(err)
			}
			if !c.takes {
				synctest.Wait()
				time.Sleep(c.after + lookTime)
				synctest.Wait()
			}
			_, err := io.Copy(io.Discard, bufio.NewReader(ours))
			if took := time.Since(begun); err != nil || took < c.after || took > c.after+lookTime {
				t.Errorf("G-24: %s: left after %v, want %v, %v", c.name, took, c.after, err)
			}
		}
		close(l)
		_ = s.Close()
	})
}

// G-24: a deadline of a connection holds as one of package net does: it may be near, far, past,
// moved and taken away, before it came and afterwards, for reads and for writes by itself.
func TestDeadlines(t *testing.T) {
	reads := func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }
	writes := func(c net.Conn) error { _, err := c.Write(make([]byte, 1)); return err }
	for _, use := range []struct {
		name     string
		set      func(net.Conn, time.Time) error
		do, peer func(net.Conn) error
	}{{"read", net.Conn.SetReadDeadline, reads, writes}, {"write", net.Conn.SetWriteDeadline, writes, reads},
		{"read of both", net.Conn.SetDeadline, reads, writes}, {"write of both", net.Conn.SetDeadline, writes, reads}} {
		synctest.Test(t, func(t *testing.T) {
			l := make(pipes, 1)
			from := gather(l)
			ours, theirs := net.Pipe()
			l <- ours
			c, err := from.Accept()
			if err != nil {
				t.Fatal(err)
			}
			for _, in := range []time.Duration{-time.Hour, lookTime, time.Hour, 0, 10 * time.Second} {
				begun, late := time.Now(), time.Duration(0)
				if in >= 2*lookTime {
					late = lookTime
				}
				err := use.set(c, begun.Add(in))
				if did := use.do(c); err != nil || !errors.Is(did, os.ErrDeadlineExceeded) {
					t.Errorf("%s in %v: %v, %v", use.name, in, did, err)
				}
				if took := time.Since(begun); took < in || took > max(in, 0)+late {
					t.Errorf("%s in %v: came after %v", use.name, in, took)
				}
			}
			for _, first := range []time.Duration{lookTime, 3 * lookTime} {
				for _, later := range []time.Time{{}, time.Now().Add(time.Hour)} {
					if err := errors.Join(use.set(c, time.Now().Add(first)), use.set(c, later)); err != nil {
						t.Fatal(err)
					}
					go func() {
						time.Sleep(10 * lookTime)
						_ = use.peer(theirs)
					}()
					if err := use.do(c); err != nil {
						t.Errorf("%s: a deadline that was taken away came: %v", use.name, err)
					}
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			from.by.mu.Lock()
			defer from.by.mu.Unlock()
			if n := len(from.by.of); n != 0 {
				t.Errorf("%d connections are looked after that are closed", n)
			}
		})
	}
}
