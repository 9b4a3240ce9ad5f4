package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRequestsOfOneUserLeaveMemoryToOthers checks that the listings and bodies that a user's requests hold take at most
// as much memory as remains for others, that a further one is 503, and that the end of a request gives the memory back
// (G-57).
func TestRequestsOfOneUserLeaveMemoryToOthers(t *testing.T) {
	w := newExactly(t, shared)
	w.folder("d", shared)
	for i := range 9 {
		w.file(fmt.Sprintf("d/%d", i), "", shared)
	}
	const most = 25 * (entryBytes + 2) // half of it fits the nine files, "." and ".."
	w.g.memory = newMemory(most)
	w.ask("alice", "GET", "/share/d/", "") // caches the sessions of both
	w.ask("bob", "GET", "/share/d/", "")
	held := func() int64 {
		w.g.memory.mu.Lock()
		defer w.g.memory.mu.Unlock()
		return most - w.g.memory.free
	}
	settled := func() bool {
		for range 1000 {
			if held() == 0 {
				return true
			}
			time.Sleep(time.Millisecond)
		}
		return false
	}
	check.RequireThat(t, settled(), "G-57: %d bytes are held after the requests", held())
	slow := w.newRequest("alice")
	var end context.CancelFunc
	slow.ctx, end = context.WithCancel(slow.ctx)
	defer end()
	list := func(q *request) int {
		if _, _, refused := q.members(place{tree: "share", path: "d"}, mostListed); refused != nil {
			return refused.Code()
		}
		return http.StatusOK
	}
	check.Equal(t, list(slow), http.StatusOK, "G-57: the first listing")
	check.Equal(t, held(), 11*(entryBytes+1)+1, "G-57: bytes of it")
	check.Equal(t, list(slow), http.StatusServiceUnavailable, "G-57: a second listing of the request")
	check.Equal(t, list(w.newRequest("alice")), http.StatusServiceUnavailable,
		"G-57: one of another request of the user")
	body := `<propfind xmlns="DAV:">` + strings.Repeat(" ", 2*entryBytes) + `<propname/></propfind>`
	for user, want := range map[string]string{"alice": "503", "bob": "207"} {
		check.Equal(t, w.ask(user, "PROPFIND", "/share/d/0", body, "Depth", "0")[:3], want, "G-57: a body of %s", user)
	}
	end()
	check.RequireThat(t, settled(), "G-57: %d bytes are held after the end of the request", held())
	check.Equal(t, list(w.newRequest("alice")), http.StatusOK, "G-57: a listing after the end of the other request")
	check.That(t, !w.g.memory.take(slow.s.user, slow.held, 1), "G-57: an ended request takes memory")
}
