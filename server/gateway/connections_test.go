package gateway

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/lograte"
)

// from is a connection from an address. It counts its closes.
type from struct {
	net.Conn
	addr   net.TCPAddr
	closes int
}

func (c *from) RemoteAddr() net.Addr { return &c.addr }

func (c *from) Close() error {
	c.closes++
	return nil
}

// offered is a listener with a queue of connections.
type offered struct {
	net.Listener
	queue []*from
}

func (l *offered) Accept() (net.Conn, error) {
	if len(l.queue) == 0 {
		return nil, net.ErrClosed
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

// TestNetworkGetsHalfOfConnectionLimit checks that a network with 1,000 open connections gets half of the limit, that
// other networks still get connections, that a closed connection no longer counts, and that the log lines about
// rejections are rate-limited (G-52).
func TestNetworkGetsHalfOfConnectionLimit(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(lograte.New(slog.NewTextHandler(&out, nil))))
	defer slog.SetDefault(before)
	queue := new(offered)
	l := LimitConnections(queue, 200)
	open := func(ip string, n int) (kept []net.Conn) {
		t.Helper()
		var all []*from
		for i := range n {
			all = append(all, &from{addr: net.TCPAddr{IP: net.ParseIP(ip), Port: 1 + i}})
		}
		queue.queue = all
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				break
			}
			kept = append(kept, c)
		}
		closed := 0
		for _, c := range all {
			closed += c.closes
		}
		check.That(t, closed == n-len(kept),
			"%d of %d connections are closed, want the %d refused", closed, n, n-len(kept))
		return kept
	}
	first := open("2001:db8::1", 1000)
	for _, c := range []struct {
		ip   string
		want int
	}{{"2001:db8::2", 0}, {"192.0.2.1", 50}, {"::ffff:192.0.2.1", 0}, {"192.0.2.2", 25}} {
		if got := len(open(c.ip, 1000)); got != c.want {
			t.Errorf("%s has %d connections, want %d", c.ip, got, c.want)
		}
	}
	check.RequireThat(t, len(first) == 100, "the first network has %d connections, want 100", len(first))
	for _, c := range first[:50] {
		_, _ = c.Close(), c.Close() // the second Close changes nothing
	}
	// 125 are open. A network with 50 gets 12 more: 62 of 137, and 63 remain free.
	if got := len(open("2001:db8::3", 1000)); got != 13 {
		t.Errorf("after 50 closes the first network gets %d connections more, want 13", got)
	}
	if n := strings.Count(out.String(), "refused a connection"); n == 0 || n > 20 {
		t.Errorf("L-75: %d lines about refusals, want a few of each network:\n%s", n, out.String())
	}
}
