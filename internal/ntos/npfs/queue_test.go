package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// A write larger than the whole quota waits on an empty pipe until the part that the reader has not read fits
// (I-152).
func TestWriteAboveQuotaPends(t *testing.T) {
	for _, message := range []bool{false, true} {
		a := &asks{site: newSite(t)}
		e, c := a.pair(npfs.Config{Message: message, ReadMessages: message, Inbound: 4})
		a.begin(c, npfs.OpWrite, "large", 0, "123456789", pending)
		a.begin(c, npfs.OpWrite, "behind it", 0, "", pending)
		check.Equal(t, e.Local().ReadDataAvailable, 9, "readable bytes")
		more := good
		if message {
			more = ntstatus.BufferOverflow
		}
		a.reads(e, 4, "1234", more)
		a.end("five bytes are more than the quota")
		a.reads(e, 1, "5", more)
		a.end("four bytes fit", "large: STATUS_SUCCESS 9 ", "behind it: STATUS_SUCCESS 0 ")
		a.reads(e, 9, "6789", good)
		closeAll(c, e)
	}
}

// TestCancelledWriteKeepsReadBytes checks that a cancelled write removes its unread bytes. Bytes that the reader has
// read are counted and stay (I-138).
func TestCancelledWriteKeepsReadBytes(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Message: true, ReadMessages: true, Inbound: 2})
	r := a.begin(c, npfs.OpWrite, "large", 0, "123456", pending)
	a.begin(c, npfs.OpWrite, "next", 0, "ab", pending)
	a.reads(e, 3, "123", ntstatus.BufferOverflow)
	r.Cancel()
	a.end("cancelled", "large: STATUS_CANCELLED 3 ", "next: STATUS_SUCCESS 2 ")
	a.reads(e, 9, "ab", good)
	closeAll(c, e)
}

// TestNowaitWriteStoresWhatFits checks writes of an end in no-wait mode: on a byte pipe it writes as many bytes as
// fit, on a message pipe the whole message or nothing (I-153).
func TestNowaitWriteStoresWhatFits(t *testing.T) {
	for _, c := range []struct {
		message bool
		counts  []int // of writes of 3, 3, 9 and 0 bytes where 4 fit
		left    uint32
	}{{false, []int{3, 1, 0, 0}, 0}, {true, []int{3, 0, 0, 0}, 1}} {
		a := &asks{site: newSite(t)}
		e, cl := a.pair(npfs.Config{Message: c.message, Outbound: 4, Completes: true})
		for i, text := range []string{"abc", "def", "123456789", ""} {
			r := &npfs.Request{End: e, Op: npfs.OpWrite, Data: []byte(text), Thread: a.server}
			res := r.Start()
			check.That(t, res.Status == good && res.Count == c.counts[i],
				"messages %v: write %d: %v, %d bytes, want success and %d bytes", c.message, i, res.Status, res.Count,
				c.counts[i])
		}
		check.Equal(t, e.Local().WriteQuotaAvailable, c.left, "messages %v: quota left", c.message)
		closeAll(cl, e)
	}
}

// With dynamic tracking the server impersonates the client's identity at the time of the write, even if the message
// waited (I-85).
func TestPendingWriteKeepsItsContext(t *testing.T) {
	a := &asks{site: newSite(t)}
	e, c := a.pair(npfs.Config{Message: true, ReadMessages: true, Inbound: 1})
	r := &npfs.Request{End: c, Op: npfs.OpWrite, Data: []byte("one"), Thread: a.client, Finish: func(npfs.Result) {}}
	want(t, "write", r.Start().Status, pending)
	a.reads(e, 1, "o", ntstatus.BufferOverflow)
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
	a.reads(e, 0, "", ntstatus.BufferOverflow)
	want(t, "nothing was read", e.Impersonate(a.server).Status, ntstatus.CannotImpersonate)
	a.reads(e, 1, "x", good)
	want(t, "read", e.Impersonate(a.server).Status, good)
	a.server.RevertToSelf()
	closeAll(c)
	want(t, "disconnect", e.Disconnect(), good)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	c = a.connected()
	want(t, "write", start(a, c, ""), good)
	a.reads(e, 0, "", good)
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
	a.reads(s, 1, "", good)
	a.end("room for one", "one more: STATUS_SUCCESS 0 ")
	closeAll(c, s)
}
