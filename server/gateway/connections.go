package gateway

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/refmon/refmon/server/internal/lograte"
)

// limited is a listener with a limit on open connections, in total and for each network.
type limited struct {
	net.Listener
	most int // connections; immutable

	mu sync.Mutex
	// +checklocks:mu
	all int // open connections; guarded by mu
	// +checklocks:mu
	of map[netip.Prefix]int // open connections of each network that has some; guarded by mu
}

// LimitConnections returns a listener on l that keeps at most most connections open. One network, an IPv4 address or
// an IPv6 prefix of 64 bits, has at most as many as remain free for all others, so it cannot lock them out (G-52). A
// connection beyond that is closed and logged. Closing the listener closes l.
func LimitConnections(l net.Listener, most int) net.Listener {
	return &limited{Listener: l, most: most, of: map[netip.Prefix]int{}}
}

// Accept waits for a connection within the limits. It closes a connection beyond the limits, logs a warning and waits
// for the next one. It returns the error of the underlying listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := networkOf(c.RemoteAddr().String())
		if l.enter(from) {
			return &admitted{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close()
		slog.Warn("refused a connection: this client has too many open, or limits.connections is too small",
			lograte.Client, "address "+from.Addr().String())
	}
}

// enter admits a connection of a network and counts it. It returns false, and counts nothing, beyond the limits. One
// network may have at most as many connections as remain free for all others.
func (l *limited) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The share of one network shrinks as the total grows (G-52).
	if l.of[from] >= l.most-l.all {
		return false
	}
	l.all++
	l.of[from]++
	return true
}

// leave uncounts a connection that enter counted. Call it once for each enter that returned true.
func (l *limited) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

// admitted is a connection that limited counts as open until Close.
type admitted struct {
	net.Conn
	leave func()
}

// Close closes the connection and uncounts it. A second call only returns the error of the connection.
func (c *admitted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
