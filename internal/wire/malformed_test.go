package wire_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// TestShortBodiesDoNotAffectOthers sends frames of known and unknown kinds with empty or short bodies, before and
// after a hello, in both forms. Each one gets a reply or ends its connection as malformed, and affects no other
// connection (W-6).
func TestShortBodiesDoNotAffectOthers(t *testing.T) {
	bodies := []string{"", "\x00", "\x01", "{", "{}", "null", `{"In":{}}`, "\xff\xff\xff\xff", strings.Repeat("\x00", 8),
		strings.Repeat("\x00", 13), strings.Repeat("\x00", 25), strings.Repeat("\xff", 40)}
	const json = `{"Magic":"refmon","Version":1}`
	for _, hello := range []string{"", json, string(wire.AppendHello(nil, wire.HelloBody{}))} {
		for _, body := range bodies {
			for kind := range wire.Kind(68) {
				if hello == "" && kind > wire.Call || kind > wire.AttachAs+2 && kind < wire.Administer {
					continue // one kind that there is not is as good as another
				}
				s := newUnchecked(t)
				s.discardOutput()
				if hello != "" {
					s.send(&wire.Frame{Kind: wire.Hello, Body: []byte(hello)})
				}
				thread := uint32(1)
				switch kind {
				case wire.Hello, wire.NewThread, wire.Cancel, wire.Collect, wire.Confirm, wire.Administer:
					thread = 0
				}
				_, _ = s.conn.Write(wire.AppendFrame(nil, &wire.Frame{Kind: kind, Request: 5, Thread: thread, Body: []byte(body)}))
				_ = s.conn.Close()
				if err := s.awaitEnd(); err != nil && !errors.Is(err, wire.ErrValue) && !errors.Is(err, wire.ErrFrame) &&
					!errors.Is(err, io.ErrClosedPipe) { // nobody reads the reply any more
					t.Errorf("W-6: kind %d with body % x after a hello of %d bytes: %v, want a reply or a "+
						"malformed frame",
						kind, body, len(hello), err)
				}
			}
		}
	}
}

// newUnchecked starts a connection whose final state is not checked.
func newUnchecked(t *testing.T) *served {
	t.Helper()
	s, p, theirs := newServed(t)
	go func() { s.end <- wire.Serve(theirs, p) }()
	return s
}

// A call with invalid parameters ends the connection, after any valid frames before it, and is not executed (W-6).
func TestMalformedCallEndsConnection(t *testing.T) {
	later := wire.AppendLater(nil, new(nt.Later))
	for kind, c := range map[wire.Kind]struct {
		row  string
		head []byte
	}{wire.Call: {"NtClose", nil}, wire.Then: {"NtClose", nil}, wire.CallWith: {"NtCreateFile", nil},
		wire.ThenWith: {"NtCreateFile", nil},
		wire.Wait:     {"NtReadFile", wire.AppendWait(nil, 4, ntstatus.PipeEmpty)},
		wire.Begin:    {"NtReadFile", later}, wire.Attach: {"NtClose", nil}, wire.AttachAs: {"NtClose", nil},
		wire.Restore: {"NtClose", nil}, wire.WaitAny: {"NtClose", nil}, wire.Connected: {"NtClose", nil},
		wire.ReplaceContents: {"NtClose", nil}} {
		for _, tail := range []string{"", "\x02", "\x00", "\x01\x04"} {
			n := &noting{wants: func(ntstatus.Status) bool { return true }}
			s := serveAs(t, func(p process) wire.Process { n.process = p; return n })
			s.exchangeHello()
			s.discardOutput()
			s.send(&wire.Frame{Kind: kind, Request: 5, Thread: 1, Service: rowNumber(c.row),
				Body: append(append([]byte{}, c.head...), tail...)})
			err := s.awaitEnd()
			check.That(t, errors.Is(err, wire.ErrValue) && len(n.calls) <= 0,
				"W-6: kind %d with %q: %v after %d calls, want %v, 0", kind, tail, err, len(n.calls), wire.ErrValue)
		}
	}
}
