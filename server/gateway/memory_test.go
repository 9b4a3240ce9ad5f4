package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/gateway/refmonv1/refmonv1connect"
	"github.com/refmon/refmon/server/internal/test/davcases"
)

// awaitHeld waits until requests hold n bytes. A request that has ended gives its bytes back a moment later.
func (w *world) awaitHeld(n int64) {
	w.Helper()
	check.Eventually(w, func() bool {
		w.g.memory.mu.Lock()
		defer w.g.memory.mu.Unlock()
		var held int64
		for _, bytes := range w.g.memory.of {
			held += bytes
		}
		return held == n
	}, "G-57: requests do not hold %d bytes", n)
}

// TestRequestsOfOneUserLeaveMemoryToOthers checks that the listings and bodies that a user's requests hold take at most
// as much memory as remains for others, that a further one is 503, and that the end of a request gives the memory back
// (G-57).
func TestRequestsOfOneUserLeaveMemoryToOthers(t *testing.T) {
	w := newExactly(t, shared)
	w.folder("d", shared)
	for i := range 9 {
		w.file(fmt.Sprintf("d/%d", i), "", shared)
	}
	w.g.memory = newMemory(22 * (entryBytes + 1)) // half of it fits the nine files
	w.ask("alice", "GET", "/share/d/", "")        // caches the sessions of both
	w.ask("bob", "GET", "/share/d/", "")
	w.awaitHeld(0)
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
	w.awaitHeld(9 * (entryBytes + 1))
	check.Equal(t, list(slow), http.StatusServiceUnavailable, "G-57: a second listing of the request")
	check.Equal(t, list(w.newRequest("alice")), http.StatusServiceUnavailable,
		"G-57: one of another request of the user")
	body := `<propfind xmlns="DAV:">` + strings.Repeat(" ", 2*entryBytes) + `<propname/></propfind>`
	for user, want := range map[string]string{"alice": "503", "bob": "207"} {
		check.Equal(t, w.ask(user, "PROPFIND", "/share/d/0", body, "Depth", "0")[:3], want, "G-57: a body of %s", user)
	}
	// A LOCK whose body is refused does not count as one without a body.
	body = davcases.LockXML + strings.Repeat(" ", 2*entryBytes)
	check.Equal(t, w.ask("alice", "LOCK", "/share/d/0", body, unsaid, "")[:3], "503", "G-57: a body of unknown length")
	w.awaitHeld(9 * (entryBytes + 1)) // bob's body is given back
	bob := w.newRequest("bob")
	check.That(t, bob.hold(5*(entryBytes+1)) && !slow.hold(1) && slow.hold(0),
		"G-57: a user with more than remains takes a byte, or not zero bytes")
	bob.giveBack(5 * (entryBytes + 1))
	end()
	w.awaitHeld(0)
	check.Equal(t, list(w.newRequest("alice")), http.StatusOK, "G-57: a listing after the end of the other request")
	check.That(t, !w.g.memory.take(slow.s.user, slow.held, 1), "G-57: an ended request takes memory")
	for i := range 2000 { // more than one call lists
		write(t, filepath.Join(w.root, "d", fmt.Sprint("+", i)), nil)
	}
	w.g.memory = newMemory(2 * 1500 * (entryBytes + 4))
	check.Equal(t, list(w.newRequest("alice")), http.StatusServiceUnavailable, "G-57: a listing that is too long")
	w.awaitHeld(0)
}

// TestWalksHoldOnlyListingsOfTheirPath checks that DELETE, COPY and MOVE of a tree give the memory of a listing back
// when they leave the folder, so that a large tree takes no more memory than its largest path (G-57).
func TestWalksHoldOnlyListingsOfTheirPath(t *testing.T) {
	w := newExactly(t, shared)
	for i := range 27 {
		w.file(fmt.Sprintf("e/%d/%d", i/9, i%9), "", shared)
	}
	for _, folder := range []string{"e", "e/0", "e/1", "e/2"} {
		w.describe(folder, shared)
	}
	const most = 28 * (entryBytes + 1) // half of it fits the names in e and in one of its folders, not in two of them
	w.g.memory = newMemory(most)
	for _, c := range []struct {
		method, path, to string
		code             int
	}{{"COPY", "/share/e", "/share/n", 201}, {"COPY", "/share/e", "/share/n", 204}, {"MOVE", "/share/n", "/share/e", 204},
		{"DELETE", "/share/e", "", 204}} {
		got := w.answer(w.g.Files(), "alice", c.method, c.path, nil, "Destination", c.to)
		_ = got.Body.Close()
		check.Equal(t, got.StatusCode, c.code, "G-57: %s %s %s", c.method, c.path, c.to)
	}
	check.Equal(t, w.entries(""), "", "the files that are left")
}

// TestQuestionsHoldMemory checks that the bodies of questions and the answers of an index count as memory of the client
// (G-57).
func TestQuestionsHoldMemory(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "index")
	w := newWorld(t, openToPEP, everyoneAsks, func(c *Config) {
		c.Index = &Index{Socket: socket, Ask: "O:SYG:SYD:", Rate: 100}
	})
	indexStub(t, socket)
	w.g.memory = newMemory(16 << 10)
	blanks := strings.Repeat(" ", 5<<10)
	var small bytes.Buffer
	zip := gzip.NewWriter(&small)
	_, _ = zip.Write([]byte("{}" + blanks))
	w.must(zip.Close())
	const token = refmonv1connect.AccessTokenProcedure
	for _, c := range []struct {
		path, body string
		code       int
		headers    []string
	}{
		{indexPath + "filter", `{"right":"long","form":"1000"}`, 200, nil},
		{indexPath + "filter", `{"right":"long","form":"9000"}`, 503, nil}, {indexPath + "filter", "{}" + blanks, 503, nil},
		{token, "{}", 200, []string{"Content-Encoding", "identity"}}, {token, "{}" + blanks, 503, nil},
		{token, small.String(), 503, []string{"Content-Encoding", "gzip"}},
		{authzen.EvaluationPath, "{}", 400, nil}, {authzen.EvaluationPath, "{}" + blanks, 503, nil},
	} {
		w.awaitHeld(0)
		rec := w.onConsole("bob", http.MethodPost, c.path, c.body, c.headers...)
		check.That(t, rec.Code == c.code && (c.code != 503 || strings.Contains(rec.Body.String(), noMemory)),
			"G-57: %s %.40s: %d %.100s, want %d", c.path, c.body, rec.Code, rec.Body, c.code)
	}
}
