package daemon_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
)

// gate is an Identity whose logons run until the channel open is closed. It counts those that have begun.
type gate struct {
	open  chan struct{}
	begun atomic.Int32
}

func (g *gate) LogOn(p *peer.Peer, full bool) (logon.Result, error) {
	g.begun.Add(1)
	<-g.open
	return peer.Accounts{}.LogOn(p, full)
}

// TestFloodOfConnectionsStartsFew checks that refmond logs 16 connections of a uid on at once, that as many wait as the
// limit of one user, and that it refuses further ones meanwhile (W-17).
func TestFloodOfConnectionsStartsFew(t *testing.T) {
	const most = 24
	g := &gate{open: make(chan struct{})}
	d := start(t, func(c *daemon.Config) { c.Identity, c.Limits.PerUser = g, most })
	results := make(chan error, 100)
	dial := func() {
		c, err := client.Dial(d.socket)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
		results <- err
	}
	open := sync.OnceFunc(func() { close(g.open) })
	t.Cleanup(open)
	for range 16 + most + 5 {
		go dial()
	}
	check.Eventually(t, func() bool { return len(results) == 5 || g.begun.Load() > 16 }, "no connection is refused")
	check.RequireThat(t, g.begun.Load() <= 16, "%d logons at once, want 16", g.begun.Load())
	for range 5 {
		check.ErrorIs(t, <-results, ntstatus.InsufficientResources.Err(), "a connection beyond those that wait")
	}
	check.Eventually(t, func() bool { return g.begun.Load() == 16 }, "%d logons at once, want 16", g.begun.Load())
	open()
	served := 0
	for range 16 + most {
		if err := <-results; err == nil {
			served++
		} else {
			check.ErrorIs(t, err, ntstatus.InsufficientResources.Err(), "a connection over the limit")
		}
	}
	check.Equal(t, served, most, "connections served")
	check.Equal(t, g.begun.Load(), most, "logons")
}

// TestStopClosesWaitingConnections checks that a stopping daemon closes the connections that wait for a logon and logs
// none of them on (W-19).
func TestStopClosesWaitingConnections(t *testing.T) {
	g := &gate{open: make(chan struct{})}
	d := start(t, func(c *daemon.Config) { c.Identity = g })
	for range 40 {
		c := check.Must(net.Dial("unix", d.socket))
		defer c.Close()
	}
	check.Eventually(t, func() bool { return g.begun.Load() == 16 }, "no 16 logons at once")
	ended := make(chan error)
	go func() { ended <- d.Close() }()
	check.Eventually(t, func() bool {
		c, err := net.Dial("unix", d.socket)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, "the socket is not closed")
	close(g.open)
	check.NoError(t, <-ended)
	check.Equal(t, g.begun.Load(), 16, "logons")
}
