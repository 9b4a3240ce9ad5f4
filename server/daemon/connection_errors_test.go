package daemon_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestHalfAFrameBlocksNobody checks that others are served while a program has sent half of a frame, and that it is
// answered once it sends the rest. TestSlowFrameHitsTimeLimit checks the time limit (W-13, W-18).
func TestHalfAFrameBlocksNobody(t *testing.T) {
	d := start(t, nil)
	frame := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread, Request: 5})
	c := d.raw()
	check.NoError(t, check.Err(c.Write(slices.Concat(hello, frame[:7]))))
	check.NoError(t, check.Err(wire.ReadFrame(c)))
	d.works()
	check.NoError(t, check.Err(c.Write(frame[7:])))
	f, err := wire.ReadFrame(c)
	check.That(t, err == nil && f.Request == 5, "after the rest: %+v, %v, want an answer to request 5", f, err)
	_ = c.Close()
}

// TestDisconnectIsNotLoggedAsError checks that a client's disconnect is not an error, be it between frames, within one
// or before its hello, and that a protocol violation is (W-13).
func TestDisconnectIsNotLoggedAsError(t *testing.T) {
	frame := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread, Request: 5})
	for _, c := range []struct {
		name string
		send []byte
		warn bool
	}{
		{"after the hello", hello, false}, {"within a frame", slices.Concat(hello, frame[:7]), false},
		{"after a frame", slices.Concat(hello, frame), false}, {"before the hello", nil, false},
		{"after nonsense", slices.Concat(hello, []byte("this is not a frame of the protocol")), true},
	} {
		var said bytes.Buffer // read once the daemon is closed
		d := start(t, func(cfg *daemon.Config) {
			cfg.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
		})
		conn := check.Must(net.Dial("unix", d.socket))
		check.NoError(t, check.Err(conn.Write(c.send)))
		if c.send != nil {
			check.NoError(t, check.Err(wire.ReadFrame(conn)))
		}
		if c.warn {
			_, _ = io.Copy(io.Discard, conn)
		}
		_ = conn.Close()
		d.settles()
		check.Eventually(t, func() bool { return d.Stats().Connections == 0 }, "%s: the connection remains", c.name)
		check.NoError(t, d.Close())
		check.That(t, strings.Contains(said.String(), "connection ended") == c.warn,
			"%s: the log says %q", c.name, said.String())
	}
}

// TestHalfClosedConnectionGetsItsReplies closes one direction of a connection. A program that stops sending receives
// its replies and counts as exited then. One that stops receiving counts as exited too (W-12, W-13).
func TestHalfClosedConnectionGetsItsReplies(t *testing.T) {
	d := start(t, nil)
	thread := wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread, Request: 5})
	c := d.raw()
	check.NoError(t, check.Err(c.Write(append(append([]byte{}, hello...), thread...))))
	check.NoError(t, c.CloseWrite())
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	for _, want := range []wire.Kind{wire.Hello, wire.Answer} {
		if f, err := wire.ReadFrame(c); err != nil || f.Kind != want {
			t.Errorf("%+v, %v, want kind %d", f, err, want)
		}
	}
	if _, err := wire.ReadFrame(c); !errors.Is(err, io.EOF) {
		t.Errorf("after the answers: %v, want the end", err)
	}
	d.settles()
	for _, sent := range [][]byte{nil, hello, append(append([]byte{}, hello...), thread...)} {
		c := d.raw()
		check.NoError(t, c.CloseRead())
		_, _ = c.Write(sent)
		_, _ = c.Write(thread)
		d.works()
		_ = c.CloseWrite()
		d.settles()
	}
}

// TestUnreadRepliesKeepNoSlot checks that programs that read no replies keep no scheduler slot: others are served
// (W-21, W-44).
func TestUnreadRepliesKeepNoSlot(t *testing.T) {
	d := start(t, nil)
	row := wire.Rows()[nt.NtTable.Find("NtClose").Info().Number]
	body, err := row.AppendCall(nil, nt.CloseIn{Handle: 4000}, false)
	check.NoError(t, err)
	one := wire.AppendFrame(nil, &wire.Frame{Kind: wire.Call, Thread: 1, Service: row.Service, Body: body})
	many := make([]byte, 0, 20000*len(one))
	for range 20000 {
		many = append(many, one...)
	}
	var unread []*net.UnixConn
	for range 16 {
		c := d.raw()
		check.NoError(t, check.Err(c.Write(hello)))
		unread = append(unread, c)
	}
	for _, c := range unread {
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)) // until then, or as far as the daemon reads
		if _, err := c.Write(many); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
	for range 5 {
		d.works()
	}
	for _, c := range unread {
		_ = c.Close()
	}
}

// TestGuessedNumbersReachNothing checks that a program that guesses threads, handles, process and thread ids of
// another program reaches none of them (W-7, W-27).
func TestGuessedNumbersReachNothing(t *testing.T) {
	d := start(t, nil)
	owner, guesser := d.dial(), d.dial()
	h, st := owner.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	check.Success(t, st)
	for range 3 {
		check.NoError(t, check.Err(owner.NewThread()))
	}
	check.Equal(t, guesser.Thread().NtClose(h), ntstatus.InvalidHandle, "the other's handle %#x", h)
	raw := d.raw()
	check.NoError(t, check.Err(raw.Write(hello)))
	check.NoError(t, check.Err(wire.ReadFrame(raw)))
	for _, thread := range []uint32{0, 2, 3, 4, 5, 1 << 31, ^uint32(0)} {
		for _, kind := range []wire.Kind{wire.Call, wire.Save, wire.EndThread, wire.Inspect} {
			check.NoError(t, check.Err(raw.Write(wire.AppendFrame(nil, &wire.Frame{Kind: kind, Thread: thread}))))
			f, err := wire.ReadFrame(raw)
			check.NoError(t, err)
			if head, _, err := wire.DecodeAnswer(f.Body); err != nil || head.Status != ntstatus.InvalidCid {
				t.Errorf("thread %d, kind %d: %s, %v, want %s, nil", thread, kind, head.Status, err,
					ntstatus.InvalidCid)
			}
		}
	}
	check.Equal(t, owner.Thread().NtClose(h), ntstatus.Success, "the owner's own handle")
}

// TestReconnectingProgramGetsUserToken checks that a token restricts only the program's own process. A program in an
// AppContainer that connects again has its user's token, so among programs of one user such a token is
// advisory (W-14, W-40).
func TestReconnectingProgramGetsUserToken(t *testing.T) {
	d := start(t, nil)
	user := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))))
	boxed, st := user.LowBox(token.LowBoxSpec{Package: sid.MustParse("S-1-15-2-1-2-3-4-5-6-7")})
	check.Success(t, st)
	inherited, err := d.Attach("boxed", boxed)
	check.NoError(t, err)
	conn, err := net.FileConn(inherited)
	_ = inherited.Close()
	check.NoError(t, err)
	given, err := client.New(conn)
	check.NoError(t, err)
	defer given.Close()
	for _, c := range []struct {
		conn *client.Conn
		want uint32
	}{{given, 1}, {d.dial(), 0}} {
		th := c.conn.Thread()
		h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
		check.Success(t, st)
		if got, st := th.NtQueryInformationToken(h, winnt.TokenIsAppContainer); st != ntstatus.Success || got != c.want {
			t.Errorf("in an AppContainer: %v, %s, want %d", got, st, c.want)
		}
	}
}

// TestStatsCountAnsweredCalls checks that ten calls in one write count as ten, from the moment the client has the last
// answer, and still after its connection has ended. A hello is not a call.
func TestStatsCountAnsweredCalls(t *testing.T) {
	d := start(t, nil)
	row := wire.Rows()[nt.NtTable.Find("NtClose").Info().Number]
	body, err := row.AppendCall(nil, nt.CloseIn{Handle: 4}, false)
	check.NoError(t, err)
	sent := slices.Clone(hello)
	for i := range uint64(10) {
		sent = wire.AppendFrame(sent, &wire.Frame{Kind: wire.Call, Request: i, Thread: 1, Service: row.Service, Body: body})
	}
	for calls := uint64(10); calls <= 20; calls += 10 {
		c := d.raw()
		check.NoError(t, check.Err(c.Write(sent)))
		from := bufio.NewReader(c)
		for range 11 {
			check.NoError(t, check.Err(wire.ReadFrame(from)))
		}
		check.Equal(t, d.Stats().Calls, calls, "calls")
		_ = c.Close()
		d.settles()
		check.Eventually(t, func() bool { return d.Stats().Connections == 0 }, "the connection remains")
		check.Equal(t, d.Stats().Calls, calls, "calls after the connection ended")
	}
}
