package npfs_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// asks starts requests and records their results in order.
type asks struct {
	*site
	ended []string
}

// begin starts a request. When it completes, its result is recorded as "name: status count data".
func (a *asks) begin(e *npfs.End, op npfs.Op, name string, n int, data string, st ntstatus.Status) *npfs.Request {
	a.T.Helper()
	r := &npfs.Request{End: e, Op: op, Length: n, Data: []byte(data), Thread: a.client}
	r.Finish = func(res npfs.Result) {
		a.ended = append(a.ended, fmt.Sprintf("%s: %v %d %s", name, res.Status, res.Count, res.Data))
	}
	check.Equal(a.T, r.Start().Status, st, "starting %s", name)
	return r
}

// end checks that exactly these requests have completed since the last call, in this order.
func (a *asks) end(what string, ends ...string) {
	a.T.Helper()
	check.SlicesEqual(a.T, a.ended, ends, "%s: completed requests", what)
	a.ended = nil
}

const (
	good, pending = ntstatus.Success, ntstatus.Pending
	cancelled     = ntstatus.Cancelled
)

// Waiting reads complete in order when data is written (I-135).
func TestWaitingReadsCompleteInOrder(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{})
	a.begin(e, npfs.OpRead, "one", 2, "", pending)
	a.begin(e, npfs.OpRead, "two", 9, "", pending)
	a.begin(c, npfs.OpRead, "client's", 9, "", pending)
	a.end("nothing yet")
	want(t, "write", send(c, a.client, []byte("abc")), good)
	a.end("written", "one: STATUS_SUCCESS 2 ab", "two: STATUS_SUCCESS 1 c")
	r := (&npfs.Request{End: e, Op: npfs.OpWrite, Data: []byte("xy"), Thread: a.client,
		Finish: func(npfs.Result) { t.Error("Finish was called, want no call") }}).Start()
	check.DeepEqual(t, r, npfs.Result{Count: 2}, "write that completes a read")
	a.end("written back", "client's: STATUS_SUCCESS 2 xy")
	want(t, "write", send(c, a.client, []byte("de")), good)
	r = (&npfs.Request{End: e, Op: npfs.OpRead, Length: 1}).Start()
	check.DeepEqual(t, r, npfs.Result{Count: 1, Data: []byte("d")}, "read")
	want(t, "no operation", (&npfs.Request{End: e}).Start().Status, ntstatus.InvalidParameter)
	want(t, "no such operation", (&npfs.Request{End: e, Op: npfs.OpFlush + 1}).Start().Status,
		ntstatus.InvalidParameter)
	a.begin(c, npfs.OpRead, "left", 1, "", pending)
	closeAll(e)
	a.end("closed", "left: STATUS_PIPE_BROKEN 0 ")
	closeAll(c)
}

// A read of a part of a message makes room for a write that waits (I-152).
func TestPartialReadCompletesWaitingWrite(t *testing.T) {
	for _, waits := range []bool{false, true} {
		a := &asks{site: newSite(t)}
		e, c := a.pair(npfs.Config{Message: true, ReadMessages: true, Inbound: 4})
		a.begin(c, npfs.OpWrite, "fits", 0, "abcd", good)
		a.begin(c, npfs.OpWrite, "waits", 0, "e", pending)
		changed := e.Changed()
		if waits {
			a.begin(e, npfs.OpRead, "read", 1, "", ntstatus.BufferOverflow)
		} else {
			a.wantRead(e, 1, "a", ntstatus.BufferOverflow)
		}
		a.end("read a part", "waits: STATUS_SUCCESS 1 ")
		<-changed
		closeAll(c, e)
	}
}

// TestDisconnectFailsWaitingRequests checks that requests that wait at either end fail as disconnected when the
// server disconnects the client (I-134, I-138).
func TestDisconnectFailsWaitingRequests(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Inbound: 1, Outbound: 1})
	a.begin(c, npfs.OpWrite, "fits", 0, "a", good)
	a.begin(e, npfs.OpWrite, "fits", 0, "b", good)
	a.begin(c, npfs.OpWrite, "client", 0, "c", pending)
	a.begin(e, npfs.OpWrite, "server", 0, "d", pending)
	a.begin(c, npfs.OpFlush, "flush", 0, "", pending)
	want(t, "disconnect", e.Disconnect(), good)
	a.end("disconnected", "client: STATUS_PIPE_DISCONNECTED 0 ", "server: STATUS_PIPE_DISCONNECTED 0 ",
		"flush: STATUS_PIPE_DISCONNECTED 0 ")
	a.begin(e, npfs.OpListen, "listen", 0, "", pending)
	a.begin(e, npfs.OpRead, "read", 1, "", ntstatus.PipeListening)
	n := a.connected()
	a.end("another came", "listen: STATUS_SUCCESS 0 ")
	a.begin(e, npfs.OpListen, "again", 0, "", ntstatus.PipeConnected)
	a.begin(n, npfs.OpListen, "the client", 0, "", ntstatus.IllegalFunction)
	closeAll(c, n, e)
}

// A transceive sends a message and reads the next one, if there is no unread data. A refused one sends nothing
// (I-142).
func TestTransceiveReadsOnlyTheReply(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Message: true, ReadMessages: true, Inbound: 4})
	a.begin(c, npfs.OpTransceive, "ask", 2, "abc", pending)
	noRoom := a.begin(c, npfs.OpTransceive, "no room", 2, "de", pending)
	noRoom.Cancel()
	a.end("cancelled", "no room: STATUS_CANCELLED 0 ")
	want(t, "modes", c.SetModes(nt.PipeInformation{ReadMode: 1, CompletionMode: 1}), good)
	a.begin(c, npfs.OpTransceive, "no room, and the end does not wait", 2, "de", ntstatus.PipeBusy)
	a.begin(c, npfs.OpTransceive, "no answer yet, and the end does not wait", 2, "", ntstatus.PipeEmpty)
	want(t, "modes", c.SetModes(nt.PipeInformation{ReadMode: 1}), good)
	check.Equal(t, c.Local().WriteQuotaAvailable, 1, "room")
	want(t, "answer", send(e, a.server, []byte("xyz")), good)
	a.end("answered", "ask: STATUS_BUFFER_OVERFLOW 2 xy")
	a.begin(c, npfs.OpTransceive, "unread data", 2, "d", ntstatus.PipeBusy)
	a.wantRead(e, 9, "abc", good)
	a.wantRead(e, 9, "", good) // of the end that did not wait
	a.wantRead(e, 9, "", ntstatus.PipeEmpty)
	_, _ = c.Read(9)
	check.That(t, a.begin(c, npfs.OpTransceive, "sent", 2, "d", pending).Cancel(), "the transceive does not wait")
	a.end("cancelled after it was sent", "sent: STATUS_CANCELLED 0 ")
	a.wantRead(e, 9, "d", good)
	want(t, "a message without bytes", send(e, a.server, nil), good)
	a.begin(c, npfs.OpTransceive, "an unread message without bytes", 2, "d", ntstatus.PipeBusy)
	closeAll(c, e)
	e, c = a.pair(npfs.Config{Message: true}) // the server's end reads bytes
	want(t, "write", send(c, a.client, []byte("x")), good)
	a.begin(e, npfs.OpTransceive, "a transceive of a byte-mode end with unread data", 2, "d", ntstatus.InvalidReadMode)
	closeAll(c, e)
}

// TestPendingRequestsAreBounded checks that 256 requests can wait at each end, with at most twice the largest quota
// of bytes, and that a completed one frees its place (I-141).
func TestPendingRequestsAreBounded(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Message: true, ReadMessages: true, Inbound: 1})
	var all []*npfs.Request
	for range 256 {
		all = append(all, a.begin(c, npfs.OpRead, "r", 1, "", pending))
	}
	const full = ntstatus.InsufficientResources
	a.begin(c, npfs.OpRead, "read 257", 1, "", full)
	a.begin(c, npfs.OpTransceive, "transceive", 1, "x", full)
	a.begin(c, npfs.OpWrite, "what needs not wait", 1, "x", good)
	a.begin(c, npfs.OpWrite, "what would wait", 1, "y", full)
	a.begin(c, npfs.OpFlush, "flush", 1, "", full)
	a.begin(e, npfs.OpWrite, "the other end", 1, "", good)
	a.end("one is read", "r: STATUS_SUCCESS 0 ")
	a.begin(c, npfs.OpRead, "again 256", 1, "", pending)
	a.begin(c, npfs.OpRead, "again 257", 1, "", full)
	a.wantRead(e, 9, "x", good)
	check.That(t, !all[0].Cancel() && all[1].Cancel(),
		"want Cancel = false for the completed request and true for the waiting one")
	a.end("cancelled", "r: STATUS_CANCELLED 0 ")
	closeAll(c)
	check.That(t, len(a.ended) == 255, "%d requests completed, want 255", len(a.ended))
	closeAll(e)
}

// Waiting data has a limit in addition to the quota (I-141).
func TestWaitingDataIsBounded(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Inbound: npfs.MaxQuota})
	big := string(make([]byte, npfs.MaxQuota))
	a.begin(c, npfs.OpWrite, "more than all", 0, big+big+"x", ntstatus.InsufficientResources)
	a.begin(c, npfs.OpWrite, "fits", 0, big, good)
	a.begin(c, npfs.OpWrite, "too much", 0, big+"x", ntstatus.InsufficientResources)
	a.begin(c, npfs.OpWrite, "waits", 0, big[1:], pending)
	a.begin(c, npfs.OpWrite, "waits, too", 0, "x", pending)
	a.begin(c, npfs.OpWrite, "one byte more", 0, "y", ntstatus.InsufficientResources)
	a.wantRead(e, 1, "\x00", good)
	closeAll(c) // without the first write, the second would fit
	a.end("closed", "waits: "+cancelled.String()+" 0 ", "waits, too: "+cancelled.String()+" 0 ")
	check.Equal(t, e.Local().ReadDataAvailable, npfs.MaxQuota-1, "bytes that are left of the writes")
	closeAll(e)
}

// TestOptionsSetWhetherOperationsWait checks whether and how operations wait for each combination of an end's
// options.
func TestOptionsSetWhetherOperationsWait(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{})
	for options, c := range map[uint32][2]bool{0: {false, false}, winnt.FILE_SYNCHRONOUS_IO_ALERT: {true, true},
		winnt.FILE_SYNCHRONOUS_IO_NONALERT: {true, false}, 1: {false, false},
		winnt.FILE_SYNCHRONOUS_IO_ALERT | winnt.FILE_SYNCHRONOUS_IO_NONALERT: {true, true}} {
		e.Options = options
		waits, alertable := e.Waits()
		check.Equal(t, [2]bool{waits, alertable}, c, "options %#x: waits, alertable", options)
	}
	closeAll(e)
}
