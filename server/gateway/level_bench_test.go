package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// timing measures the duration of requests for tests that compare two kinds of requests. The tests never fail because
// of a figure; docs/gateway.md states the figures.
type timing struct {
	*world
	tries int
}

// newTiming returns a timing, or skips the test unless REFMON_TIMING is the number of tries.
func newTiming(t *testing.T) *timing {
	t.Helper()
	tries := 0
	if _, err := fmt.Sscan(os.Getenv("REFMON_TIMING"), &tries); err != nil {
		t.Skip("REFMON_TIMING is not the number of tries")
	}
	return &timing{newWorld(t, shared), tries}
}

// request returns the duration of a rejected request.
func (w *timing) request(user, secret, method, path string) time.Duration {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), method, "https://files.test"+path, nil)
	r.SetBasicAuth(user, secret)
	if method == "PROPFIND" {
		r.Header.Set("Depth", "0")
	}
	rec := httptest.NewRecorder()
	begun := time.Now()
	w.g.Files().ServeHTTP(rec, r)
	if rec.Code != http.StatusNotFound && rec.Code != http.StatusConflict && rec.Code != http.StatusUnauthorized {
		w.Fatal(rec.Code)
	}
	return time.Since(begun)
}

// compare prints how often the smaller mean of ten interleaved pairs of requests identifies the kind of request.
func (w *timing) compare(what string, one, other func(i int) time.Duration) {
	w.Helper()
	smaller := 0
	var all [2]time.Duration
	for range w.tries {
		var a, b time.Duration
		for i := range 10 {
			if i%2 == 0 {
				a += one(i)
				b += other(i)
			} else {
				b += other(i)
				a += one(i)
			}
		}
		if a > b {
			smaller++
		}
		all[0] += a
		all[1] += b
	}
	n := time.Duration(w.tries * 10)
	w.Logf("steps %v, %s: %d of %d tries tell which (%v, %v)", w.g.levels, what, max(smaller, w.tries-smaller), w.tries,
		all[0]/n, all[1]/n)
}

// TestHiddenAndMissingNamesTakeEqualTime compares the response times of a hidden and a missing name.
func TestHiddenAndMissingNamesTakeEqualTime(t *testing.T) {
	w := newTiming(t)
	w.folder("deep", own)
	w.file("deep/hidden", "x", own)
	for _, w.g.levels = range []levels{{}, {nameStep, logonStep}} {
		for _, method := range []string{"GET", "HEAD", "PROPFIND", "DELETE"} {
			of := func(path string) func(int) time.Duration {
				return func(int) time.Duration { return w.request("bob", "pw-x", method, path) }
			}
			w.compare(method+" of a hidden and a missing name", of("/share/deep/hidden"), of("/share/deep/missng"))
			w.compare(method+" of two missing names", of("/share/deep/missin"), of("/share/deep/missng"))
		}
	}
}

// TestUnknownUserTakesAsLongAsKnown compares the response times of a wrong password for a known and an unknown user.
// Before each request of either kind it resets the failures of all names, or it would measure a lock.
func TestUnknownUserTakesAsLongAsKnown(t *testing.T) {
	w := newTiming(t)
	who := func(name string) func(int) time.Duration {
		return func(i int) time.Duration {
			w.g.attempts.mu.Lock()
			clear(w.g.attempts.of)
			w.g.attempts.mu.Unlock()
			w.must(w.store.Unlock("carol")) // the unknown users have no lock
			return w.request(name, fmt.Sprint("wrong", i), http.MethodGet, "/share/x")
		}
	}
	for _, w.g.levels = range []levels{{}, {nameStep, logonStep}} {
		w.compare("a known and an unknown user", who("carol"), who("nobo1"))
		w.compare("two unknown users", who("nobo2"), who("nobo3"))
	}
}
