// Package lograte limits the log lines that one client can cause. [New] wraps a log/slog handler. Lines with a client
// attribute (uid or client) have a rate limit for each client and cause, which is the level and the message. The IPv6
// addresses of one network of 64 bits are one client, and so are the subordinate uids of one user. The next line of the
// same client and cause reports how many were suppressed. Lines without such an attribute and lines below level Info
// are never suppressed.
package lograte

import (
	"context"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/internal/subids"
)

// Limits of the lines of one client with one cause.
const (
	perWindow = 5
	window    = time.Minute
	maxKeys   = 4096 // counted pairs of client and cause; beyond it further clients share one count for each cause
)

// Client is the attribute for a client without a uid: its address, or the program that acts for it.
const Client = "client"

// clientOf returns the text that counts the lines of a client together, if a log attribute names the client that caused
// the line.
func (c *counts) clientOf(a slog.Attr) (client string, ok bool) {
	switch a.Key {
	case "uid":
		client = a.Value.String()
		if uid, err := strconv.ParseUint(client, 10, 32); err == nil {
			return c.subids.Requester(uint32(uid)), true // one user has thousands of subordinate uids
		}
		return client, true
	case Client:
		return network(a.Value.String()), true
	}
	return "", false
}

// network returns the text that counts the lines of a client together. It is the network of an address, "address IP" or
// "IP", because the owner of an IPv6 network has 2^64 addresses. It is the client's own text otherwise.
func network(client string) string {
	at, err := netip.ParseAddr(strings.TrimPrefix(client, "address "))
	if err != nil {
		return client
	}
	return logon.Network(at).String()
}

// Handler is a slog.Handler. Create it with New; the zero value has no inner handler. It is safe
// for concurrent use.
type Handler struct {
	inner  slog.Handler // immutable
	client string       // immutable: the client of WithAttrs, as clientOf returns it; "" for none
	counts *counts      // immutable pointer, shared by the handlers of WithAttrs and WithGroup
}

// New returns a handler that passes lines within the limits to inner, which must not be nil.
func New(inner slog.Handler) *Handler {
	return &Handler{inner: inner, counts: &counts{of: map[key]count{},
		subids: subids.Files{Names: subids.UIDs}}}
}

// Enabled reports whether the inner handler handles the level. It ignores the rate. It implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.inner.Enabled(ctx, l) }

// WithAttrs returns a handler that adds the attributes to each record. The value of a client attribute selects the
// rate. It implements slog.Handler. The last client attribute applies. h stays unchanged, and shares its counts with
// the new handler.
func (h *Handler) WithAttrs(all []slog.Attr) slog.Handler {
	c := *h
	c.inner = h.inner.WithAttrs(all)
	for _, a := range all {
		if client, ok := h.counts.clientOf(a); ok {
			c.client = client
		}
	}
	return &c
}

// WithGroup returns a handler that puts later attributes into a group. It shares the rates with h. It implements
// slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	c := *h
	c.inner = h.inner.WithGroup(name)
	return &c
}

// Handle implements slog.Handler. It drops a line beyond the limit. The next line of the same client and cause gets
// the attribute suppressed with the number of dropped lines (L-75). It never drops a line without a client, or one
// below [slog.LevelInfo].
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	client := h.client
	r.Attrs(func(a slog.Attr) bool {
		own, ok := h.counts.clientOf(a)
		if ok {
			client = own
		}
		return !ok
	})
	if client == "" || r.Level < slog.LevelInfo {
		return h.inner.Handle(ctx, r)
	}
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	suppressed, pass := h.counts.take(key{client, r.Level, r.Message}, at)
	if !pass {
		return nil
	}
	if suppressed > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return h.inner.Handle(ctx, r)
}

// key identifies the lines that share a limit: a client and a cause.
type key struct {
	client string
	level  slog.Level
	cause  string
}

// count has the lines of one key since its window began.
type count struct {
	since      time.Time
	written    int
	suppressed int // lines suppressed since the last written line
}

type counts struct {
	subids subids.Files

	mu sync.Mutex
	// +checklocks:mu
	of map[key]count // guarded by mu
	// +checklocks:mu
	swept time.Time // guarded by mu: time of the last sweep
}

// take counts a log line of a client and cause; pass reports whether to write the line. suppressed is the number of
// lines dropped since the last written line, and 0 for a dropped line. If too many clients are known, new clients
// share a limit. A clock that goes back begins a new window.
func (c *counts) take(k key, at time.Time) (suppressed int, pass bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, known := c.of[k]
	if !known && len(c.of) >= maxKeys {
		c.sweepLocked(at)
		if len(c.of) >= maxKeys {
			k.client = "" // clients beyond the limit share a rate
			n, known = c.of[k]
		}
	}
	if !known || at.Sub(n.since) >= window || at.Before(n.since) {
		n.since, n.written = at, 0
	}
	if n.written >= perWindow {
		n.suppressed++
		c.of[k] = n
		return 0, false
	}
	suppressed, n.suppressed = n.suppressed, 0
	n.written++
	c.of[k] = n
	return suppressed, true
}

// sweepLocked removes expired windows, at most once a second. Their numbers of suppressed lines are
// lost.
//
// +checklocks:c.mu
func (c *counts) sweepLocked(at time.Time) {
	if since := at.Sub(c.swept); since >= 0 && since < time.Second {
		return
	}
	c.swept = at
	for k, n := range c.of {
		if at.Sub(n.since) >= window {
			delete(c.of, k)
		}
	}
}
