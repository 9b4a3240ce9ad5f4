package daemon_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

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
		var said bytes.Buffer // read after the daemon is closed
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
		d.awaitRelease()
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
	d.awaitRelease()
	for _, sent := range [][]byte{nil, hello, append(append([]byte{}, hello...), thread...)} {
		c := d.raw()
		check.NoError(t, c.CloseRead())
		_, _ = c.Write(sent)
		_, _ = c.Write(thread)
		d.checkServed()
		_ = c.CloseWrite()
		d.awaitRelease()
	}
}

// TestReconnectingProgramGetsUserToken checks that a token restricts only the program's own process. A program in an
// AppContainer that connects again has its user's token, so among programs of one user such a token is
// advisory (W-14, W-40).
func TestReconnectingProgramGetsUserToken(t *testing.T) {
	d := start(t, nil)
	user := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))))
	boxed, st := user.LowBox(token.LowBoxSpec{Package: sid.MustParse("S-1-15-2-1-2-3-4-5-6-7")})
	check.Success(t, st)
	inherited := check.Must(d.Attach("boxed", boxed))
	conn, err := net.FileConn(inherited)
	_ = inherited.Close()
	check.NoError(t, err)
	given := check.Must(client.New(conn))
	defer given.Close()
	for _, c := range []struct {
		conn *client.Conn
		want uint32
	}{{given, 1}, {d.dial(), 0}} {
		check.Equal(t, information[uint32](c.conn.Thread(), winnt.TokenIsAppContainer), c.want, "in an AppContainer")
	}
}

// TestStatsCountAnsweredCalls checks that ten calls in one write count as ten, from the moment the client has the last
// answer, and still after its connection has ended. A hello is not a call.
func TestStatsCountAnsweredCalls(t *testing.T) {
	d := start(t, nil)
	row := wire.Rows()[nt.NtTable.Find("NtClose").Info().Number]
	body := check.Must(row.AppendCall(nil, nt.CloseIn{Handle: 4}, false))
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
		d.awaitRelease()
		check.Eventually(t, func() bool { return d.Stats().Connections == 0 }, "the connection remains")
		check.Equal(t, d.Stats().Calls, calls, "calls after the connection ended")
	}
}
