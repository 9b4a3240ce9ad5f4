package gateway

import (
	"cmp"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// TestHidingDenialsWaitForTimeStep checks that a denial that may hide a name, and a rejected password, are sent only at
// the end of a full time step, and that other responses are not delayed (G-48).
func TestHidingDenialsWaitForTimeStep(t *testing.T) {
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
		begun := time.Now()
		w.want(412, "alice", "PUT", "/share/f", "x", "If", `</share/none> (["x"])`)
		check.That(t, time.Since(begun) >= w.g.levels.name, "G-48: a 412 comes before a step of %v", w.g.levels.name)
		begun = time.Now()
		w.view("bob", "/tree?path=/share/none")
		check.That(t, time.Since(begun) >= w.g.levels.name, "G-48: the console answers before a step of %v", w.g.levels.name)
	}
	begun := time.Now()
	level(t.Context(), begun.Add(-3*long/2), long) // a refusal that took one and a half steps is sent after two
	check.That(t, time.Since(begun) >= long/2, "G-48: a late refusal is sent after %v", time.Since(begun))
	w.g.levels = levels{name: time.Hour, logon: time.Hour}
	w.want(http.StatusOK, "bob", http.MethodGet, "/share/f", "")
}

// counted returns a gateway of w, and a function that sends a request with a password and returns the number of
// messages that the gateway sent to refmond. A destination may follow the path, after a space. The function fails for a
// status that code does not accept.
func (w *world) counted(code func(int) bool) (*Gateway, func(user, secret, method, path string) int64) {
	w.Helper()
	w.must(w.g.Close())
	var left atomic.Int64
	g := w.newGateway(func(c net.Conn) net.Conn { return intruder{c, &left, func() {}} })
	w.Cleanup(func() { w.must(g.Close()) })
	return g, func(user, secret, method, path string) int64 {
		w.Helper()
		left.Store(1 << 40)
		path, to, _ := strings.Cut(path, " ")
		r := httptest.NewRequestWithContext(w.Context(), method, "https://files.test"+path, nil)
		r.SetBasicAuth(user, secret)
		if method == "PROPFIND" {
			r.Header.Set("Depth", "0")
		}
		if method == "COPY" || method == "MOVE" {
			r.Header.Set("Destination", cmp.Or(to, "/share/new"))
		}
		answer := httptest.NewRecorder()
		g.Files().ServeHTTP(answer, r)
		check.That(w, code(answer.Code), "%s %s as %s: %d", method, path, user, answer.Code)
		return 1<<40 - left.Load()
	}
}

// TestHiddenNamesTakeTheCallsOfMissingOnes checks that a request for a hidden name, in a visible or a hidden folder,
// sends refmond as many messages as one for a missing name. So does a new name in a hidden and in a missing folder
// (G-48).
func TestHiddenNamesTakeTheCallsOfMissingOnes(t *testing.T) {
	w := newWorld(t, shared)
	w.file("his", "x", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.folder("deep", own)
	w.file("deep/hidden", "x", own)
	w.folder("deep/inside", own)
	w.file("deep/inside/hidden", "x", own)
	_, count := w.counted(func(code int) bool {
		return code == http.StatusNotFound || code == http.StatusConflict || code == http.StatusForbidden
	})
	sent := func(method, path string) int64 { return count("bob", "pw-x", method, path) }
	sent("GET", "/share/deep/missng") // logs on
	for _, method := range []string{"GET", "HEAD", "PROPFIND", "DELETE", "COPY", "MOVE", "PUT", "MKCOL", "LOCK",
		"COPY /share/his ", "MOVE /share/his "} {
		method, from, _ := strings.Cut(method, " ")
		for hidden, missing := range map[string]string{"hidden": "missng", "inside": "missng",
			"inside/hidden": "inside/missng", "inside/x": "missng/x"} {
			a, b := sent(method, from+"/share/deep/"+hidden), sent(method, from+"/share/deep/"+missing)
			check.That(t, a == b && a != 0, "G-48: %s %s of %s sends %d messages, of %s %d", method, from, hidden, a,
				missing, b)
		}
	}
}

// TestUnknownUsersTakeTheCallsOfKnownOnes checks that a wrong password of an unknown user sends refmond as many
// messages as one of a known user, leaves as many audit records, and is limited after as many attempts (G-48).
func TestUnknownUsersTakeTheCallsOfKnownOnes(t *testing.T) {
	w := newWorld(t, shared)
	w.auditKind(audit.Logon)
	g, count := w.counted(func(code int) bool {
		return code == http.StatusUnauthorized || code == http.StatusTooManyRequests
	})
	g.levels = levels{}
	count("carol", "wrong", http.MethodGet, "/share/x") // connects
	g.attempts.mu.Lock()
	g.attempts.of = map[attempt]wrong{}
	g.attempts.mu.Unlock()
	type cost struct {
		messages int64
		records  int
	}
	costs := func(name string) (list []cost) {
		for range wrongOfName + 1 {
			w.sink.Drain()
			sent := count(name, "wrong", http.MethodGet, "/share/x")
			list = append(list, cost{sent, len(w.sink.Drain())})
		}
		return list
	}
	known, unknown := costs("carol"), costs("nobody")
	check.That(t, slices.Equal(known, unknown) && known[0] == (cost{2, 1}) && known[wrongOfName] == (cost{}),
		"G-48: a known user costs %v, an unknown one %v", known, unknown)
}
