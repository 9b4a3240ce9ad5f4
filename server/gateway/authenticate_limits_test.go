package gateway

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/lsa"
)

// waiting is an authority that sends the name of each logon in the domain EXAMPLE to turns, and then rejects it.
type waiting struct {
	*lsa.Store
	asked atomic.Int64
	turns chan string
}

func (a *waiting) LogOn(q logon.Request) (logon.Result, ntstatus.Status) {
	if q.Domain != "EXAMPLE" {
		return a.Store.LogOn(q)
	}
	a.asked.Add(1)
	a.turns <- q.Name
	return logon.Result{}, ntstatus.LogonFailure
}

// TestLogNamesLimitOfLogon checks that the log tells a logon that met a limit of the gateway from one that met a limit
// of refmond. Both have the same status.
func TestLogNamesLimitOfLogon(t *testing.T) {
	var out bytes.Buffer
	w := newWorldOf(t, shared, func(s *lsa.Store) logon.Authority {
		a := &refusing{Store: s}
		a.status.Store(uint32(ntstatus.InsufficientResources))
		return a
	}, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	p := check.Must(w.g.link.process())
	for _, want := range []string{"or memory of refmond", "logons of refmon-gateway"} {
		out.Reset()
		w.want(503, "bob", "GET", "/share/", "")
		check.That(t, strings.Contains(out.String(), want), "log %q, want %q", out.String(), want)
		p.logons = admission.NewPool(0, 0)
	}
}

// TestWaitingLogonsUseQuarterOfThreads checks that logons that wait for a domain controller use a quarter of the
// threads, in turn for each client network. So a client with a session is served meanwhile (G-55).
func TestWaitingLogonsUseQuarterOfThreads(t *testing.T) {
	a := &waiting{turns: make(chan string)}
	w := newWorldOf(t, shared, func(s *lsa.Store) logon.Authority { a.Store = s; return a },
		func(c *Config) { c.Threads, c.SessionLife = 4, time.Hour })
	w.want(200, "bob", "GET", "/share/", "")
	p := check.Must(w.g.link.process())
	var logons sync.WaitGroup
	for n, c := range [][2]string{{"127.0.0.2:1", "a"}, {"127.0.0.2:2", "b"}, {"127.0.0.2:3", "c"}, {"127.0.0.3:1", "d"}} {
		logons.Go(func() { w.from(c[0], `EXAMPLE\`+c[1], "x") })
		check.Eventually(t, func() bool { return a.asked.Load() > 0 && p.logons.Waiting() == n }, "logon %d does not wait", n)
	}
	check.Equal(t, a.asked.Load(), 1, "G-55: logons that have a thread, of four")
	w.want(200, "bob", "GET", "/share/", "")
	for _, want := range []string{"a", "b", "d", "c"} {
		check.Equal(t, <-a.turns, want, "G-55: the next logon")
	}
	logons.Wait()
}
