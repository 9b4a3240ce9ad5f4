package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// With dynamic tracking the server impersonates the client's identity at the time of the write, even if the message
// waited (I-85).
func TestPendingWriteKeepsItsContext(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Message: true, ReadMessages: true, Inbound: 1})
	r := &npfs.Request{End: c, Op: npfs.OpWrite, Data: []byte("one"), Thread: a.client, Finish: func(npfs.Result) {}}
	want(t, "write", r.Start().Status, pending)
	a.wantRead(e, 1, "o", ntstatus.BufferOverflow)
	r.Cancel()
	out := e.Impersonate(a.server)
	want(t, "a part was read", out.Status, good)
	a.server.RevertToSelf()
	closeAll(c, e)
}

// TestReadOfNothingReadsNoMessage checks that a read of 0 bytes leaves a waiting message unread, so that its writer
// is not the client yet. It consumes an empty message (I-154).
func TestReadOfNothingReadsNoMessage(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Message: true, ReadMessages: true})
	want(t, "write", start(a, c, "x"), good)
	a.wantRead(e, 0, "", ntstatus.BufferOverflow)
	want(t, "nothing was read", e.Impersonate(a.server).Status, ntstatus.CannotImpersonate)
	a.wantRead(e, 1, "x", good)
	want(t, "read", e.Impersonate(a.server).Status, good)
	a.server.RevertToSelf()
	closeAll(c)
	want(t, "disconnect", e.Disconnect(), good)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	c = a.connected()
	want(t, "write", start(a, c, ""), good)
	a.wantRead(e, 0, "", good)
	want(t, "an empty message was read", e.Impersonate(a.server).Status, good)
	a.server.RevertToSelf()
	closeAll(c, e)
}

// start writes by a request without Finish and returns the status of Start.
func start(a *asks, e *npfs.End, text string) ntstatus.Status {
	return (&npfs.Request{End: e, Op: npfs.OpWrite, Data: []byte(text), Thread: a.client}).Start().Status
}

// A pipe holds 65,536 messages without a reader. One more waits, although an empty message needs no quota (I-141).
func TestEmptyMessagesAreBounded(t *testing.T) {
	a := &asks{site: newSite(t)}
	s, c := a.pair(npfs.Config{Message: true, ReadMessages: true})
	for i := range 1 << 16 {
		check.Require(t, start(a, c, ""), good, "writing message %d", i)
	}
	a.begin(c, npfs.OpWrite, "one more", 0, "", pending)
	a.wantRead(s, 1, "", good)
	a.end("room for one", "one more: STATUS_SUCCESS 0 ")
	closeAll(c, s)
}
