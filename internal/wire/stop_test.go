package wire_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A stopping server ends a waiting call with STATUS_CANCELLED, which the client receives before the connection closes
// (W-19).
func TestStopCancelsWaitingCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, ours, end := pair(t, func(*wire.Server) {})
		conn := check.Must(client.New(ours))
		tr, err := conn.NewTransport()
		check.NoError(t, err)
		h, st := conn.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, false)
		check.Require(t, st, ntstatus.Success, "Thread")
		waited := make(chan ntstatus.Status, 1)
		go func() {
			_, st := tr.CallWhenReady(nt.NtTable.Find("NtWaitForSingleObject"), nt.WaitForSingleObjectIn{Handle: h},
				nt.Wait{Handle: h, NotYet: ntstatus.Timeout})
			waited <- st
		}()
		synctest.Wait()
		server.Stop()
		check.Equal(t, <-waited, ntstatus.Cancelled, "waiting call")
		if err := <-end; err != nil {
			t.Error(err)
		}
		check.Equal(t, server.Answered()-(*wire.Server)(nil).Answered(), 2, "calls that are over")
		_ = conn.Close()
	})
}

// TestStopCompletesCallInProgress checks that a stopping server replies to a call in progress (W-19).
func TestStopCompletesCallInProgress(t *testing.T) {
	s, p, theirs := newServed(t)
	defer func() { check.NoError(t, s.sys.Close()) }()
	b := &busy{open: open{process: p}, called: make(chan struct{}), exited: make(chan struct{}),
		released: make(chan struct{})}
	server := wire.NewServer(theirs, b)
	go func() { s.end <- server.Serve() }()
	s.exchangeHello()
	s.send(call(t, "NtClose", nt.CloseIn{Handle: 400}))
	<-b.called
	server.Stop()
	time.AfterFunc(20*time.Millisecond, func() { close(b.released) }) // a server that does not wait has closed by then
	head, _, err := wire.DecodeAnswer(s.receive().Body)
	check.That(t, err == nil && head.Status == ntstatus.InvalidHandle,
		"call in progress: %v, %v, want %v, nil", head.Status, err, ntstatus.InvalidHandle)
	check.NoError(t, s.awaitEnd())
	_ = s.conn.Close()
}

// TestFrameInPiecesLeavesNoTimeLimit checks that a frame that arrived in pieces, in time, leaves no time limit until
// the next frame (W-18).
func TestFrameInPiecesLeavesNoTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serveOne(t, false)
		frame := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread})
		for _, piece := range [][]byte{
			helloFrame, nil, frame[:9], frame[9:], nil, frame, nil, frame[:1], frame[1:], nil, frame, nil} {
			if piece == nil { // its answer
				check.NoError(t, check.Err(wire.ReadFrame(conn)))
				time.Sleep(24 * time.Hour)
				continue
			}
			check.NoError(t, check.Err(conn.Write(piece)))
			time.Sleep(time.Second)
		}
	})
}

// TestStopHasTimeLimit checks that a client that reads no replies delays a stopping server only up to the time limit
// (W-19).
func TestStopHasTimeLimit(t *testing.T) {
	for _, f := range []wire.Frame{{Kind: wire.NewThread, Request: 1}, // answered before Stop
		{Kind: wire.WaitAny, Request: 1, Thread: 1, Body: wire.AppendAny(nil, nil, false)}} { // and because of it
		synctest.Test(t, func(t *testing.T) {
			server, conn, end := pair(t, func(*wire.Server) {})
			check.NoError(t, check.Err(conn.Write(helloFrame)))
			check.NoError(t, check.Err(wire.ReadFrame(conn)))
			check.NoError(t, check.Err(conn.Write(wire.AppendFrame(nil, &f))))
			synctest.Wait()
			begun := time.Now()
			server.Stop()
			err := <-end
			check.That(t, err == nil && time.Since(begun) == wire.StopTimeout,
				"kind %d: server stopped after %s with %v, want %s", f.Kind, time.Since(begun), err, wire.StopTimeout)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
}
