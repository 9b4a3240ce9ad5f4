package gateway

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
)

// TestRefusalsWaitForTheirStep checks that a denial that may hide a name, and a rejected password, are sent only at
// the end of a full time step, and that other responses are not delayed (G-48).
func TestRefusalsWaitForTheirStep(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	w.file("hers", "x", own)
	const short, long = 30 * time.Millisecond, 70 * time.Millisecond
	for _, w.g.levels = range []levels{{name: short, logon: long}, {name: long, logon: short}} {
		for _, c := range []struct {
			user, method, path string
			code               int
			least              time.Duration
		}{{"bob", "GET", "/share/none", 404, w.g.levels.name}, {"bob", "GET", "/share/hers", 403, w.g.levels.name},
			{"bob", "PROPFIND", "/share/none", 404, w.g.levels.name}, {"alice", "PUT", "/share/none/x", 409, w.g.levels.name},
			{"nobody", "GET", "/share/f", 401, w.g.levels.logon}} {
			begun := time.Now()
			w.want(c.code, c.user, c.method, c.path, "", "Depth", "0")
			if took := time.Since(begun); took < c.least {
				t.Errorf("G-48: %s %s as %s: answered after %v, want at least %v", c.method, c.path, c.user, took,
					c.least)
			}
		}
	}
	w.g.levels = levels{name: time.Hour, logon: time.Hour}
	w.want(http.StatusOK, "bob", http.MethodGet, "/share/f", "")
}

// TestHiddenNamesTakeTheCallsOfMissingOnes checks that a request for a hidden name sends refmond as many messages as
// one for a missing name (G-48).
func TestHiddenNamesTakeTheCallsOfMissingOnes(t *testing.T) {
	w := newWorld(t, shared)
	w.folder("deep", own)
	w.file("deep/hidden", "x", own)
	w.must(w.g.Close())
	var left atomic.Int64
	g, err := New(Config{Trees: []string{"share"}, Dial: func() (*client.Conn, error) {
		return w.dialBy(gate, func() (*client.Conn, error) {
			c, err := net.Dial("unix", w.socket)
			if err != nil {
				return nil, err
			}
			return client.New(intruder{c, &left, func() {}})
		})
	}})
	w.must(err)
	t.Cleanup(func() { w.must(g.Close()) })
	sent := func(method, path string) int64 {
		left.Store(1 << 40)
		r := httptest.NewRequestWithContext(t.Context(), method, "https://files.test"+path, nil)
		r.SetBasicAuth("bob", "pw-x")
		if method == "PROPFIND" {
			r.Header.Set("Depth", "0")
		}
		if method == "COPY" || method == "MOVE" {
			r.Header.Set("Destination", "/share/new")
		}
		answer := httptest.NewRecorder()
		g.Files().ServeHTTP(answer, r)
		if answer.Code != http.StatusNotFound && answer.Code != http.StatusConflict && answer.Code != http.StatusForbidden {
			t.Errorf("%s %s: %d", method, path, answer.Code)
		}
		return 1<<40 - left.Load()
	}
	sent("GET", "/share/deep/missng") // logs on
	for _, method := range []string{"GET", "HEAD", "PROPFIND", "DELETE", "COPY", "PUT"} {
		hidden, missing := sent(method, "/share/deep/hidden"), sent(method, "/share/deep/missng")
		if hidden != missing || hidden == 0 {
			t.Errorf("G-48: %s of a hidden name sends %d messages, of a missing one %d", method, hidden, missing)
		}
	}
	// LOCK without a body, which would refresh a lock, is refused for either in the same way (G-12).
	sent("LOCK", "/share/deep/hidden")
	sent("LOCK", "/share/deep/missng")
}
