package gateway

import (
	"net/http"
	"testing"
	"time"
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
