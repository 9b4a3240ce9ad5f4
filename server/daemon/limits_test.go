package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/token"
)

// TestUnsetLimitsGetDefaults checks that each unset limit has the default that its field documents (W-17).
func TestUnsetLimitsGetDefaults(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ given, want Limits }{
		{Limits{}, Limits{16384, 2048, 8192, 256 * mib, 1024 * mib, 128 * mib}},
		{Limits{Connections: -1, PerUser: 5, Threads: 1, Quota: -1, Total: 9, Reserve: -1},
			Limits{16384, 5, 1, 256 * mib, 9, 128 * mib}},
		{Limits{Connections: 1, PerUser: -1, Threads: -7, Quota: 5, Total: -1, Reserve: 1},
			Limits{1, 2048, 8192, 5, 1024 * mib, 1}},
	} {
		if got := c.given.orDefault(); got != c.want {
			t.Errorf("%+v becomes %+v, want %+v", c.given, got, c.want)
		}
	}
}

// TestLimitsRejectExactlyTheNext checks that each limit, of one user and of all, rejects exactly the next one, that a
// released one makes room, and that all counts end at zero (W-17).
//
// +checklocksignore
func TestLimitsRejectExactlyTheNext(t *testing.T) {
	d := &Daemon{limits: Limits{Connections: 3, PerUser: 2, Threads: 2, Quota: 1 << 20},
		connections: map[*connection]struct{}{},
		users:       map[uint32]user{}}
	of := func(uid uint32) *connection {
		return &connection{d: d, peer: &unix.Peer{Known: true, UID: uid}, account: uid}
	}
	full := func(what string, err error) {
		t.Helper()
		check.That(t, errors.Is(err, ntstatus.InsufficientResources.Err()), "%s: %v", what, err)
	}
	var in []*connection
	admit := func(uid uint32) {
		t.Helper()
		c := of(uid)
		check.Require(t, d.admit(c), nil, "uid %d", uid)
		in = append(in, c)
	}
	admit(7)
	admit(7)
	full("a third of one user", d.admit(of(7)))
	admit(8)
	full("a fourth of all", d.admit(of(9)))
	check.That(t, in[0].quota == in[1].quota && in[0].quota == d.blockOf(payer{uid: 7}) && in[0].quota != in[2].quota,
		"connections of a user do not share a quota, or those of two users do")
	check.That(t, d.refused == 2 && len(d.connections) == 3 && d.users[7].connections == 2 && d.users[8].connections == 1,
		"%d refused, %d connections, users %v", d.refused, len(d.connections), d.users)
	check.That(t, d.thread(7, 1) && d.thread(7, 1) && !d.thread(7, 1) && d.thread(8, 1),
		"two threads of each user, and no third")
	check.Equal(t, d.refused, 3, "refused")
	check.That(t, d.thread(7, -1) && d.thread(7, 1) && !d.thread(7, 1),
		"one released thread must make room for exactly one")
	d.thread(7, -1)
	d.thread(7, -1)
	d.thread(8, -1)
	for i, c := range in {
		d.forget(c)
		if i == 0 {
			admit(9) // its slot
		}
	}
	d.forget(in[len(in)-1])
	check.That(t, len(d.users) == 0 && len(d.connections) == 0,
		"left over: users %v, %d connections, want no users and 0 connections", d.users, len(d.connections))
	d.limits.Quota, d.refused = 1, 0
	if err := d.admit(of(7)); err == nil || d.refused != 1 || len(d.users)+len(d.connections) != 0 {
		t.Errorf("a connection beyond the quota: %v, %d refused, users %v", err, d.refused, d.users)
	}
	check.That(t, d.admit(of(8)) != nil && len(d.blocks) == 1, "%d quota blocks after a user without one, want 1",
		len(d.blocks))
	d.limits.Quota, d.pool = 1<<20, kernel.NewQuotaPool(1<<20, 1<<20)
	admin := of(10)
	admin.full = true
	full("one that needs the reserve (Q-3)", d.admit(of(10)))
	check.NoError(t, d.admit(admin))
	d.forget(admin)
	d.closing = true
	if err := d.admit(of(7)); !errors.Is(err, ntstatus.PortDisconnected.Err()) || len(d.users) != 0 {
		t.Errorf("while the daemon stops: %v", err)
	}
	late := check.Must(net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"),
		Net: "unixgram"}))
	d.begin(late, false)
	check.ErrorIs(t, late.Close(), net.ErrClosed, "a client that connects while the daemon stops")
}

// TestFailedThreadIsNotCounted checks that a thread whose creation failed does not count towards the limit (W-17).
//
// +checklocksignore
func TestFailedThreadIsNotCounted(t *testing.T) {
	tok, err := token.New(token.LocalSystem())
	check.NoError(t, err)
	sys := kernel.Boot(kernel.Config{})
	d := &Daemon{limits: Limits{Threads: 2}, sys: sys, users: map[uint32]user{}}
	c := &connection{d: d, peer: &unix.Peer{Known: true, UID: 7}, account: 7}
	if c.process, err = sys.NewProcess("p", tok); err != nil {
		t.Fatal(err)
	}
	th, err := c.NewThread()
	check.RequireThat(t, err == nil && d.users[7].threads == 1,
		"%v, %v, want d.users[7].threads = 1, no error", err, d.users)
	c.GiveBack(th)
	c.Exit()
	for range 3 {
		if _, err := c.NewThread(); err == nil || errors.Is(err, ntstatus.InsufficientResources.Err()) {
			t.Fatalf("a thread of a process that has ended: %v", err)
		}
	}
	check.Equal(t, len(d.users), 0, "left over: %v", d.users)
	c.process.Close()
	check.NoError(t, sys.Close())
}

// TestFailingAcceptIsLoggedOnce checks that a daemon that cannot accept connections logs the first error only, tries
// again, and stops at its end (W-17).
func TestFailingAcceptIsLoggedOnce(t *testing.T) {
	l := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}))
	defer l.Close()
	check.NoError(t, l.SetDeadline(time.Unix(1, 0)))
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var log bytes.Buffer // read after accept has returned
		d, ended := &Daemon{ctx: ctx, log: slog.New(slog.NewTextHandler(&log, nil))}, make(chan struct{})
		go func() {
			d.accept(l)
			close(ended)
		}()
		time.Sleep(10 * acceptPause)
		stop()
		<-ended
		check.Equal(t, strings.Count(log.String(), "cannot accept connections"), 1, "lines of the log")
	})
}
