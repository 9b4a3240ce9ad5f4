package npfs_test

import (
	"testing"
	"unicode"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// asked holds the status of each operation on an end in one state of the instance.
type asked struct {
	read, write, peek, listen, disconnect, flush, impersonate, transceive ntstatus.Status
	state                                                                 uint32
	detached                                                              bool
}

// statuses calls each operation on an end and records its status. Operations that change the state when they succeed
// come last.
func statuses(s *site, e *npfs.End) (a asked) {
	_, a.peek = e.Peek(10)
	_, a.read = e.Read(10)
	a.flush = e.Flush()
	a.impersonate = e.Impersonate(s.server).Status
	r := &npfs.Request{End: e, Op: npfs.OpTransceive, Thread: s.client, Data: []byte("x"), Finish: func(npfs.Result) {}}
	a.transceive = r.Start().Status
	r.Cancel()
	a.state, a.detached = e.Local().NamedPipeState, e.Detached()
	a.write = send(e, s.client, []byte("x"))
	a.listen = e.Listen()
	a.disconnect = e.Disconnect()
	return a
}

// TestPipeStateDeterminesOperationStatus checks each operation on each end in each state of the instance, without
// written data (I-85, I-86, I-132, I-134, I-140, I-142).
func TestPipeStateDeterminesOperationStatus(t *testing.T) {
	const (
		good, listening, disconnected = ntstatus.Success, ntstatus.PipeListening, ntstatus.PipeDisconnected
		closing, broken, connected    = ntstatus.PipeClosing, ntstatus.PipeBroken, ntstatus.PipeConnected
		state, illegal, empty         = ntstatus.InvalidPipeState, ntstatus.IllegalFunction, ntstatus.PipeEmpty
		unread, pending, mode         = ntstatus.CannotImpersonate, ntstatus.Pending, ntstatus.InvalidReadMode
	)
	cfg := npfs.Config{Message: true, ReadMessages: true}
	for _, c := range []struct {
		cfg npfs.Config
		end string // s or c, of the first client
		// c or n connects a client, L listens, C and S close the first client's and the server's end, D disconnects.
		steps string
		want  asked
	}{
		{cfg, "s", "", asked{listening, listening, state, listening, listening, good, listening, state,
			winnt.FILE_PIPE_LISTENING_STATE, false}},
		{cfg, "s", "c", asked{empty, good, good, connected, good, good, unread, pending,
			winnt.FILE_PIPE_CONNECTED_STATE, false}},
		{npfs.Config{Message: true}, "s", "c", asked{empty, good, good, connected, good, good, unread, mode,
			winnt.FILE_PIPE_CONNECTED_STATE, false}},
		{cfg, "c", "c", asked{empty, good, good, illegal, illegal, good, illegal, pending,
			winnt.FILE_PIPE_CONNECTED_STATE, false}},
		{cfg, "s", "cC", asked{broken, closing, broken, closing, good, good, unread, state,
			winnt.FILE_PIPE_CLOSING_STATE, false}},
		{cfg, "c", "cS", asked{broken, closing, broken, illegal, illegal, good, illegal, state,
			winnt.FILE_PIPE_CLOSING_STATE, false}},
		{cfg, "s", "cD", asked{disconnected, disconnected, state, listening, listening, good, state, state,
			winnt.FILE_PIPE_DISCONNECTED_STATE, false}},
		{cfg, "c", "cD", asked{disconnected, disconnected, disconnected, illegal, illegal, disconnected, illegal,
			disconnected, winnt.FILE_PIPE_DISCONNECTED_STATE, true}},
		{cfg, "c", "cDn", asked{disconnected, disconnected, disconnected, illegal, illegal, disconnected, illegal,
			disconnected, winnt.FILE_PIPE_CONNECTED_STATE, true}},
		{cfg, "c", "cDL", asked{disconnected, disconnected, disconnected, illegal, illegal, disconnected, illegal,
			disconnected, winnt.FILE_PIPE_LISTENING_STATE, true}},
		{cfg, "s", "cCD", asked{disconnected, disconnected, state, listening, listening, good, state, state,
			winnt.FILE_PIPE_DISCONNECTED_STATE, false}},
		{cfg, "s", "cDnC", asked{empty, good, good, connected, good, good, unread, pending,
			winnt.FILE_PIPE_CONNECTED_STATE, false}},
	} {
		s := newSite(t)
		ends := map[rune]*npfs.End{'s': s.newServerEnd(c.cfg)}
		for _, step := range c.steps {
			switch server := ends['s']; step {
			case 'n':
				want(t, "listen", server.Listen(), listening)
				ends['n'] = s.connected()
				if c.end == "c" { // the first client cannot read these
					want(t, "write", send(server, s.server, []byte("to the other")), good)
					want(t, "write", send(ends['n'], s.client, []byte("to the server")), good)
				}
			case 'c':
				ends['c'] = s.connected()
			case 'L':
				want(t, "listen", server.Listen(), listening)
			case 'D':
				want(t, "disconnect", server.Disconnect(), good)
			default:
				closed := unicode.ToLower(step)
				closeAll(ends[closed])
				delete(ends, closed)
			}
		}
		got := statuses(s, ends[rune(c.end[0])])
		check.Equal(t, got, c.want, "statuses of the operations on %s after %q", c.end, c.steps)
		if l := ends[rune(c.end[0])].Local(); got.detached {
			check.Equal(t, l.ReadDataAvailable+l.WriteQuotaAvailable, 0, "bytes of another client after %q", c.steps)
		}
		for _, e := range ends {
			closeAll(e)
		}
	}
}

// After one end is closed the other can read the data from it, and its own unread data is discarded. The server can
// impersonate the last client until it disconnects it (I-86).
func TestOtherEndReadsAfterClose(t *testing.T) {
	s := newSite(t)
	e, c := s.pair(npfs.Config{})
	want(t, "write", send(c, s.client, []byte("abc")), ntstatus.Success)
	want(t, "write", send(e, s.server, []byte("xyz")), ntstatus.Success)
	want(t, "mode", c.SetModes(nt.PipeInformation{CompletionMode: winnt.FILE_PIPE_COMPLETE_OPERATION}), ntstatus.Success)
	want(t, "I-140: flush of a nonblocking end", c.Flush(), ntstatus.Pending)
	closeAll(c)
	s.wantRead(e, 2, "ab", ntstatus.Success)
	check.DeepEqual(t, check.Result(e.Peek(9)), nt.PipePeekBuffer{Data: []byte("c"), ReadDataAvailable: 1,
		NamedPipeState: winnt.FILE_PIPE_CLOSING_STATE}, "peek after the client closed")
	want(t, "flush to no reader", e.Flush(), ntstatus.Success)
	s.wantRead(e, 2, "c", ntstatus.Success)
	s.wantRead(e, 2, "", ntstatus.PipeBroken)
	want(t, "impersonate a client that has closed its end", e.Impersonate(s.server).Status, ntstatus.Success)
	s.server.RevertToSelf()
	want(t, "disconnect", e.Disconnect(), ntstatus.Success)
	want(t, "impersonate", e.Impersonate(s.server).Status, ntstatus.InvalidPipeState)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	c = s.connected()
	want(t, "write", send(c, s.client, []byte("to no reader")), ntstatus.Success)
	want(t, "write", send(e, s.server, []byte("last")), ntstatus.Success)
	closeAll(e)
	s.wantRead(c, 9, "last", ntstatus.Success)
	check.Equal(t, c.Local().WriteQuotaAvailable, npfs.DefaultQuota, "room without a reader")
	check.Equal(t, c.Local().CurrentInstances, 0, "instances without a server")
	closeAll(c)
}
