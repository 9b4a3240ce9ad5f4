package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// asked has the status of each operation on an end in one state of the instance.
type asked struct {
	read, write, peek, listen, disconnect, flush, impersonate, transceive ntstatus.Status
	state                                                                 uint32
	detached                                                              bool
}

// ask calls each operation on an end and records its status. Operations that change the state when they succeed
// come last.
func ask(s *site, e *npfs.End) (a asked) {
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
	for name, c := range map[string]struct {
		cfg  npfs.Config
		make func(s *site) (e *npfs.End, others []*npfs.End)
		want asked
	}{
		"listening server": {cfg, func(s *site) (*npfs.End, []*npfs.End) { return s.made(cfg), nil },
			asked{listening, listening, state, listening, listening, good, listening, state,
				winnt.FILE_PIPE_LISTENING_STATE, false}},
		"connected server": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			return e, []*npfs.End{c}
		}, asked{empty, good, good, connected, good, good, unread, pending, winnt.FILE_PIPE_CONNECTED_STATE, false}},
		"connected server of bytes": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(npfs.Config{Message: true})
			return e, []*npfs.End{c}
		}, asked{empty, good, good, connected, good, good, unread, mode, winnt.FILE_PIPE_CONNECTED_STATE, false}},
		"connected client": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			return c, []*npfs.End{e}
		}, asked{empty, good, good, illegal, illegal, good, illegal, pending, winnt.FILE_PIPE_CONNECTED_STATE, false}},
		"server whose client closed": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			closeAll(c)
			return e, nil
		}, asked{broken, closing, broken, closing, good, good, unread, state, winnt.FILE_PIPE_CLOSING_STATE, false}},
		"client whose server closed": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			closeAll(e)
			return c, nil
		}, asked{broken, closing, broken, illegal, illegal, good, illegal, state, winnt.FILE_PIPE_CLOSING_STATE, false}},
		"disconnected server": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			want(s.T, "disconnect", e.Disconnect(), good)
			return e, []*npfs.End{c}
		}, asked{disconnected, disconnected, state, listening, listening, good, state, state,
			winnt.FILE_PIPE_DISCONNECTED_STATE, false}},
		"disconnected client": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			want(s.T, "disconnect", e.Disconnect(), good)
			return c, []*npfs.End{e}
		}, asked{disconnected, disconnected, disconnected, illegal, illegal, disconnected, illegal, disconnected,
			winnt.FILE_PIPE_DISCONNECTED_STATE, true}},
		"disconnected client while another is connected": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			want(s.T, "disconnect", e.Disconnect(), good)
			want(s.T, "listen", e.Listen(), listening)
			n := s.connected()
			want(s.T, "write", send(e, s.server, []byte("to the other")), good)
			want(s.T, "write", send(n, s.client, []byte("to the server")), good)
			return c, []*npfs.End{e, n}
		}, asked{disconnected, disconnected, disconnected, illegal, illegal, disconnected, illegal, disconnected,
			winnt.FILE_PIPE_CONNECTED_STATE, true}},
		"server that disconnected a closed client": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			closeAll(c)
			want(s.T, "disconnect", e.Disconnect(), good)
			return e, nil
		}, asked{disconnected, disconnected, state, listening, listening, good, state, state,
			winnt.FILE_PIPE_DISCONNECTED_STATE, false}},
		"server whose disconnected client closed": {cfg, func(s *site) (*npfs.End, []*npfs.End) {
			e, c := s.pair(cfg)
			want(s.T, "disconnect", e.Disconnect(), good)
			want(s.T, "listen", e.Listen(), listening)
			n := s.connected()
			closeAll(c)
			return e, []*npfs.End{n}
		}, asked{empty, good, good, connected, good, good, unread, pending, winnt.FILE_PIPE_CONNECTED_STATE, false}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			e, others := c.make(s)
			if got := ask(s, e); got != c.want {
				t.Errorf("statuses of the operations\n%+v, want\n%+v", got, c.want)
			}
			closeAll(others...)
			closeAll(e)
		})
	}
}

// After one end is closed the other can read the data from it, and its own unread data is discarded. The server can
// impersonate the last client until it disconnects it (I-86).
func TestOtherEndReadsAfterClose(t *testing.T) {
	s := newSite(t)
	e, c := s.pair(npfs.Config{})
	want(t, "write", send(c, s.client, []byte("abc")), ntstatus.Success)
	want(t, "write", send(e, s.server, []byte("xyz")), ntstatus.Success)
	closeAll(c)
	if got, st := e.Read(2); string(got) != "ab" || st != ntstatus.Success {
		t.Errorf(`read after the client closed = %q, %v, want "ab", %v`, got, st, ntstatus.Success)
	}
	if b, st := e.Peek(9); string(b.Data) != "c" || st != ntstatus.Success || b.ReadDataAvailable != 1 ||
		b.NamedPipeState != winnt.FILE_PIPE_CLOSING_STATE || b.NumberOfMessages != 0 || b.MessageLength != 0 {
		t.Errorf(`peek after the client closed = %+v, %v, want "c" in the closing state`, b, st)
	}
	want(t, "flush to no reader", e.Flush(), ntstatus.Success)
	if got, st := e.Read(2); string(got) != "c" || st != ntstatus.Success {
		t.Errorf(`read of the rest = %q, %v, want "c", %v`, got, st, ntstatus.Success)
	}
	_, st := e.Read(2)
	want(t, "read on", st, ntstatus.PipeBroken)
	want(t, "impersonate who is gone", e.Impersonate(s.server).Status, ntstatus.Success)
	s.server.RevertToSelf()
	want(t, "disconnect", e.Disconnect(), ntstatus.Success)
	want(t, "impersonate", e.Impersonate(s.server).Status, ntstatus.InvalidPipeState)
	want(t, "listen", e.Listen(), ntstatus.PipeListening)
	c = s.connected()
	want(t, "write", send(c, s.client, []byte("to no reader")), ntstatus.Success)
	want(t, "write", send(e, s.server, []byte("last")), ntstatus.Success)
	closeAll(e)
	if got, st := c.Read(9); string(got) != "last" || st != ntstatus.Success {
		t.Errorf(`client's read after the server closed = %q, %v, want "last", %v`, got, st, ntstatus.Success)
	}
	if l := c.Local(); l.WriteQuotaAvailable != npfs.DefaultQuota || l.CurrentInstances != 0 {
		t.Errorf("pipe information = %+v, want room for %d and no instance", l, npfs.DefaultQuota)
	}
	closeAll(c)
}
