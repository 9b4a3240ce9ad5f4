package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// TestTimingOfHiddenNames measures how often ten interleaved pairs of requests tell a hidden name from a missing one,
// and an unknown user from a known one, by the smaller mean. It fails for no figure: docs/gateway.md states them. It
// runs where REFMON_TIMING is set, with the number of tries.
func TestTimingOfHiddenNames(t *testing.T) {
	tries := 0
	if _, err := fmt.Sscan(os.Getenv("REFMON_TIMING"), &tries); err != nil {
		t.Skip("REFMON_TIMING is not the number of tries")
	}
	w := newWorld(t, shared)
	w.folder("deep", own)
	w.file("deep/hidden", "x", own)
	spent := func(user, secret, method, path string) time.Duration {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://files.test"+path, nil)
		r.SetBasicAuth(user, secret)
		if method == "PROPFIND" {
			r.Header.Set("Depth", "0")
		}
		rec := httptest.NewRecorder()
		begun := time.Now()
		w.g.Files().ServeHTTP(rec, r)
		if rec.Code != http.StatusNotFound && rec.Code != http.StatusConflict && rec.Code != http.StatusUnauthorized {
			t.Fatal(rec.Code)
		}
		return time.Since(begun)
	}
	measure := func(what string, one, other func(int) time.Duration) {
		smaller := 0
		var all [2]time.Duration
		for range tries {
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
		n := time.Duration(tries * 10)
		t.Logf("%s: %d of %d tries tell which (%v, %v)", what, max(smaller, tries-smaller), tries, all[0]/n, all[1]/n)
	}
	for _, w.g.levels = range []levels{{}, {nameStep, logonStep}} {
		t.Logf("steps %v", w.g.levels)
		for _, method := range []string{"GET", "HEAD", "PROPFIND", "DELETE"} {
			of := func(path string) func(int) time.Duration {
				return func(int) time.Duration { return spent("bob", "pw-x", method, path) }
			}
			measure(method+" of a hidden and a missing name", of("/share/deep/hidden"), of("/share/deep/missng"))
			measure(method+" of two missing names", of("/share/deep/missin"), of("/share/deep/missng"))
		}
		who := func(name string) func(int) time.Duration {
			return func(i int) time.Duration {
				w.g.attempts.mu.Lock()
				clear(w.g.attempts.of)
				w.g.attempts.mu.Unlock()
				_ = w.store.Unlock(name)
				return spent(name, fmt.Sprint("wrong", i), http.MethodGet, "/share/x")
			}
		}
		measure("a known and an unknown user", who("carol"), who("nobo1"))
		measure("two unknown users", who("nobo2"), who("nobo3"))
	}
}
