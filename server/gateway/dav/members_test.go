package dav

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestMkcolRejectsBody checks that MKCOL with a body of unknown length fails unless it is empty (RFC 4918, 9.3).
func TestMkcolRejectsBody(t *testing.T) {
	for body, want := range map[string]int{"": 201, "x": 415} {
		m := newMemory(t)
		r := httptest.NewRequestWithContext(t.Context(), "MKCOL", "http://host.test/c/n", strings.NewReader(body))
		r.ContentLength = -1
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		check.Equal(t, w.Code, want, "MKCOL with the body %q", body)
	}
}

// TestMultistatusIsBounded checks that a response lists at most mostParts failures, or locks that are in the way. A
// LOCK also lists the folder itself (G-44).
func TestMultistatusIsBounded(t *testing.T) {
	m := newMemory(t)
	for i := range mostParts {
		m.write(Path(fmt.Sprint("/c/d/", i)), "")
	}
	refuse("Remove", "/c/d/*")(m)
	code, body := m.run("alice DELETE /d")
	n := strings.Count(body, "<D:response>")
	check.That(t, code == 207 && n == mostParts, "%d with %d responses, want %d", code, n, mostParts)
	for i := range mostParts + 1 {
		at := Path(fmt.Sprint("/c/e/", i))
		m.write(at, "")
		_, _, err := m.Locks.Add(Lock{User: fmt.Sprint(i % 3), Root: at}, time.Hour)
		check.NoError(t, err)
	}
	_, _, err := m.Locks.Add(Lock{User: "bob", Root: "/c/d/1"}, time.Hour)
	check.NoError(t, err)
	for step, want := range map[string]int{"DELETE /e": mostParts, "LOCK /e < exclusive": mostParts + 1,
		"MOVE /d Destination: /c/e": mostParts} {
		code, body := m.run("alice " + step)
		n := strings.Count(body, "<D:response>")
		check.That(t, code == 207 && n == want, "%s: %d with %d responses, want %d", step, code, n, want)
	}
}
