package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
)

// TestHealthIs503WhenCheckIsCancelled checks that refmond is healthy if its check grants the expected right, and that a
// check that takes too long is a 503.
func TestHealthIs503WhenCheckIsCancelled(t *testing.T) {
	w := newExactly(t, shared)
	ok := answered(200, "ok\n", "Cache-Control: no-store", "Content-Type: text/plain; charset=utf-8")
	for range 2 {
		w.diff("health", w.askOf(w.g.Console(), "", "GET", "/health", ""), ok)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	check.That(t, !w.g.decides(ended), "decides = true for a cancelled request, want false")
	w.diff("its header", w.askOf(w.g.Console(), "", "HEAD", "/health", ""), ok)
	w.diff("another method", w.askOf(w.g.Console(), "", "POST", "/health", ""), inLine(405,
		"this method is not supported here", "Allow: GET, HEAD"))
	w.diff("a call by GET", w.askOf(w.g.Console(), "", "GET", "/refmon.v1.Access/Check", ""), inLine(405,
		"this method is not supported here", "Allow: POST"))
	w.diff("an absent page", w.askOf(w.g.Console(), "", "GET", "/none", ""), saysAbsent)
}

// TestHealthNeedsCorrectGrantAndDenial checks that refmond is healthy only if it both grants and denies correctly,
// and is reachable.
func TestHealthNeedsCorrectGrantAndDenial(t *testing.T) {
	w := newExactly(t, shared)
	all, none := yes, no
	defer func() { yes, no = all, none }()
	for _, c := range []struct {
		name                  string
		grants, refuses, want bool
	}{{"both", true, true, true}, {"it grants everything", true, false, false},
		{"it refuses everything", false, true, false}, {"the other way round", false, false, false}} {
		yes, no = all, none
		if !c.grants {
			yes = none
		}
		if !c.refuses {
			no = all
		}
		check.Equal(t, w.g.decides(t.Context()), c.want, "%s: healthy", c.name)
		w.checkClean(c.name)
	}
	g := check.Must(New(Config{Dial: func() (*client.Conn, error) { return nil, http.ErrServerClosed }}))
	w.diff("no refmond", w.askOf(g.Console(), "", "GET", "/health", ""), inLine(503,
		"refmond is not available now: try again later", "Retry-After: 5"))
}

// TestConcurrentHealthRequestsShareOneCheck checks that requests for /health during a check wait for it, at most three
// seconds, so that a client without a logon keeps one thread busy at most (G-55). A later request makes a check of its
// own.
func TestConcurrentHealthRequestsShareOneCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks atomic.Int32
		release := make(chan struct{})
		g := check.Must(New(Config{Dial: func() (*client.Conn, error) {
			checks.Add(1)
			<-release
			return nil, http.ErrServerClosed
		}}))
		console := g.Console()
		request := func() {
			w := httptest.NewRecorder()
			console.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
			check.Equal(t, w.Code, http.StatusServiceUnavailable, "status without refmond")
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(request)
		}
		synctest.Wait()
		check.Equal(t, checks.Load(), 1, "G-55: checks for 20 concurrent requests")
		began := time.Now()
		all.Wait()
		check.Equal(t, time.Since(began), 3*time.Second, "G-55: the time until the requests give up")
		close(release)
		synctest.Wait()
		request()
		check.Equal(t, checks.Load(), 2, "G-55: checks after one more request")
	})
}
