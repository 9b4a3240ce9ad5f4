package stages

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// errorText returns the beginning of an error, "" for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestDialNeedsTheRolesKey checks that Dial requires the role's key, that errors do not contain the key, and that
// Close ends the connection.
func TestDialNeedsTheRolesKey(t *testing.T) {
	h := newOpenSite(t, 1)
	for role, seed := range map[site.Role]string{site.Work: h.seeds[site.Follow], site.Follow: "SUA",
		"stranger": h.seeds[site.Work]} {
		if _, err := Dial(h.site, role, seed, Options{InProcess: h.server}); err == nil || strings.Contains(err.Error(),
			seed) {
			t.Errorf("as %s: %v", role, err)
		}
	}
	c, err := Dial(h.site, site.Follow, " "+h.seeds[site.Follow]+"\n", Options{InProcess: h.server})
	check.NoError(t, err)
	c.warn(errMayPass) // it is dropped
	check.That(t, c.Site() == h.site && !c.nc.IsClosed(), "of another site, or closed")
	if c.Close(); !c.nc.IsClosed() {
		t.Error("the connection is open after Close, want closed")
	}
	var warnings []error
	c, err = Dial(h.site, site.Follow, h.seeds[site.Follow], Options{InProcess: h.server,
		Warn: func(err error) { warnings = append(warnings, err) }})
	check.NoError(t, err)
	if c.warn(errMayPass); len(warnings) != 1 {
		t.Errorf("warnings %v: %d warnings, want 1", warnings, len(warnings))
	}
	c.Close()
	check.ErrorIs(t, check.Err(c.last(t.Context(), site.StreamFence, "fence.x")), nats.ErrConnectionClosed,
		"after the end")
}

var errMayPass = errors.New("what may pass")

// TestPatientDialWaits checks that a patient connection without a server reports one line and waits until its context
// ends, and that an impatient one is an error (N-122).
func TestPatientDialWaits(t *testing.T) {
	s, seeds, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}},
		Servers: []string{"nats://127.0.0.1:1"}})
	check.NoError(t, err)
	if c, err := Dial(s, site.Work, seeds[site.Work], Options{}); err == nil {
		c.Close()
		t.Error("N-122: an impatient Dial without a server returned no error")
	}
	warnings := &warned{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c, err := Dial(s, site.Work, seeds[site.Work], Options{Patient: true, Warn: func(err error) {
		warnings.warn(err)
		time.AfterFunc(4*firstWait, stop) // time for a second line, which would be wrong
	}})
	check.NoError(t, err)
	defer c.Close()
	check.ErrorIs(t, c.Wait(ctx), context.Canceled, "N-122: Wait")
	lines := warnings.take()
	if len(lines) != 1 || !strings.Contains(lines[0], "work has no NATS server, and waits for one: ") ||
		!strings.HasSuffix(lines[0], "127.0.0.1:1: connect: connection refused") {
		t.Errorf("N-122: the lines are %q, want one that it waits, with the reason", lines)
	}
	for attempts, most := range map[int]time.Duration{-1: firstWait, 0: firstWait, 3: 8 * firstWait, 60: lastWait} {
		if got := backoff(attempts); got < most/2 || got > most {
			t.Errorf("N-122: the wait after %d attempts is %s, want %s to %s", attempts, got, most/2, most)
		}
	}
}

// door is an in-process server that rejects connections until it is open.
type door struct {
	*server.Server
	open atomic.Bool
}

func (d *door) InProcessConn() (net.Conn, error) {
	if !d.open.Load() {
		return nil, errors.New("closed")
	}
	return d.Server.InProcessConn()
}

// TestConnectedRoleReportsEndOfWait checks that a role that waited for a server says so when it is connected (N-122).
func TestConnectedRoleReportsEndOfWait(t *testing.T) {
	h := newOpenSite(t, 1)
	d, said, done := &door{Server: h.server}, make(chan string, 8), make(chan error, 1)
	c, err := Dial(h.site, site.Work, h.seeds[site.Work],
		Options{InProcess: d, Patient: true, Warn: func(err error) { said <- err.Error() }})
	check.NoError(t, err)
	defer c.Close()
	go func() { done <- c.Wait(t.Context()) }()
	first := <-said
	d.open.Store(true)
	check.NoError(t, <-done)
	if last := <-said; !strings.Contains(first, "has no NATS server") || last != "work: connected to a NATS server" {
		t.Errorf("N-122: %q, then %q", first, last)
	}
	check.NoError(t, c.nc.ForceReconnect())
	last := <-said
	check.That(t, strings.HasPrefix(last, "work lost its NATS server, and waits for one: "), "N-122: %q", last)
}

// TestRolesAwaitTheStreams checks that each role waits for the streams that it reads with one line, and that a keeper
// and a role whose streams exist do not wait (N-122).
func TestRolesAwaitTheStreams(t *testing.T) {
	h := newOpenSite(t, 1)
	k := h.dial(site.Keeper)
	for _, r := range h.site.Roles() {
		check.Equal(t, h.dial(r).AwaitStreams(t.Context()), nil, "N-122: %s", r)
	}
	for _, name := range site.Streams() {
		check.NoError(t, k.js.DeleteStream(t.Context(), name))
	}
	said, done := make(chan string, 100), make(chan error, 10)
	waiting := 0
	for _, r := range h.site.Roles() {
		c, err := Dial(h.site, r, h.seeds[r], Options{InProcess: h.server, Warn: func(err error) { said <- err.Error() }})
		check.NoError(t, err)
		defer c.Close()
		if r == site.Keeper {
			if err := c.AwaitStreams(t.Context()); err != nil {
				t.Error(err)
			}
			continue
		}
		waiting++
		go func() { done <- c.AwaitStreams(t.Context()) }()
		if line := <-said; !strings.Contains(line, string(r)+" waits for a NATS server or a keeper") {
			t.Errorf("N-122: %s: %q", r, line)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	check.That(t, h.dial(site.Work).AwaitStreams(ended) != nil, "N-122: an ended context ends no wait")
	time.Sleep(3 * firstWait)
	check.That(t, len(said) == 0 && len(done) == 0,
		"N-122: %d more lines and %d ends without streams, want none", len(said), len(done))
	keep(t, k)
	for range waiting {
		if err := <-done; err != nil {
			t.Error(err)
		}
		if line := <-said; !strings.Contains(line, "the streams are ready") {
			t.Errorf("N-122: %q, want that the streams are ready", line)
		}
	}
}
