package gateway

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// forBoth is a descriptor that grants alice and bob full access.
const forBoth = "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FA;;;{bob})"

// newFolders returns a world with a file and a folder that alice and bob may change.
func newFolders(t *testing.T) *world {
	w := newWorld(t, forBoth)
	for _, name := range []string{"file", "folder/inner", "to"} {
		w.file(name, name, forBoth)
	}
	w.describe("folder", forBoth)
	return w
}

// TestOneOfConcurrentConditionalRequestsSucceeds checks that of concurrent uploads, removals and renames with the same
// tag, or creations of the same file, one succeeds and the others fail their condition. A tested condition holds until
// the request's effect (G-38).
func TestOneOfConcurrentConditionalRequestsSucceeds(t *testing.T) {
	w := newFolders(t)
	for round := range 20 {
		w.file("file", fmt.Sprint("round ", round), forBoth)
		_ = os.Remove(filepath.Join(w.root, "fresh"))
		tag := w.want(200, "alice", "GET", "/share/file", "").header.Get("Etag")
		type outcome struct {
			name string
			code int
			err  error
		}
		answers := make(chan outcome)
		n := 0
		send := func(name, user, method, path, body string, headers ...string) {
			n++
			r := w.request(user, method, path, body, headers...)
			go func() {
				a, err := w.server.Client().Do(r)
				if err == nil {
					err = a.Body.Close()
				} else {
					answers <- outcome{name, 0, err}
					return
				}
				answers <- outcome{name, a.StatusCode, err}
			}()
		}
		for i := range 4 {
			send("old", []string{"alice", "bob"}[i%2], "PUT", "/share/file", strings.Repeat("x", 100+i), "If-Match", tag)
			send("new", []string{"alice", "bob"}[i%2], "PUT", "/share/fresh", fmt.Sprint(i), "If-None-Match", "*")
		}
		send("old", "bob", "MOVE", "/share/file", "", "If-Match", tag, "Destination", fmt.Sprint("/share/gone", round))
		send("old", "alice", "DELETE", "/share/file", "", "If-Match", tag)
		won := map[string]int{}
		for range n {
			a := <-answers
			switch {
			case a.err != nil:
				t.Fatal(a.err)
			case a.code/100 == 2:
				won[a.name]++
			case a.code != 412 && a.code != 404: // the file is gone
				t.Errorf("%s: %d", a.name, a.code)
			}
		}
		check.RequireThat(t, won["old"] == 1 && won["new"] == 1,
			"G-38: round %d: %d changes of the old file and %d of the new one succeeded, want 1 of each", round,
			won["old"], won["new"])
	}
}

// TestUploadsWaitForTheirTurn checks that uploads, of a new file and of new contents, wait while other uploads use half
// of the threads. A client can read a file during that time (G-55).
func TestUploadsWaitForTheirTurn(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Threads = 3 })
	w.file("old", "old", shared)
	p := check.Must(w.g.link.process())
	check.RequireThat(t, p.stores.Enter(t.Context(), "bob"), "G-55: one of three threads is for uploads")
	codes, client := make(chan int), *w.server.Client()
	for _, name := range []string{"new", "old"} {
		r := w.request("alice", http.MethodPut, "/share/"+name, "contents")
		go func() {
			a, err := client.Do(r)
			if err != nil {
				codes <- 0
				return
			}
			_ = a.Body.Close()
			codes <- a.StatusCode
		}()
	}
	for p.stores.Waiting() < 2 {
		select {
		case code := <-codes:
			t.Fatalf("G-55: an upload did not wait: %d", code)
		case <-time.After(time.Millisecond):
		}
	}
	check.Equal(t, w.want(200, "alice", http.MethodGet, "/share/old", "").body, "old", "G-55: the file")
	w.want(404, "alice", http.MethodGet, "/share/new", "")
	p.stores.Leave()
	check.Equal(t, <-codes+<-codes, 201+204, "G-55: the sum of both answers")
}

// intruder runs a function before a connection's n-th write to refmond.
type intruder struct {
	net.Conn
	left *atomic.Int64
	do   func()
}

func (c intruder) Write(b []byte) (int, error) {
	if c.left.Add(-1) == 0 {
		c.do()
	}
	return c.Conn.Write(b)
}

// TestLockKeepsFileOfHost checks that LOCK of a free name never changes a file that a program of the host gives that
// name meanwhile, before any call of the gateway (G-46).
func TestLockKeepsFileOfHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.must(w.g.Close())
	for n, done := int64(6), false; !done; n++ { // the calls before log the client on
		var left atomic.Int64
		left.Store(n)
		g := w.newGateway(func(c net.Conn) net.Conn { return intruder{c, &left, func() { w.file("n", "host", shared) }} })
		r := httptest.NewRequestWithContext(t.Context(), "LOCK", "https://files.test/share/n", strings.NewReader(lockBody))
		r.SetBasicAuth("alice", "pw-x")
		answer := httptest.NewRecorder()
		g.Files().ServeHTTP(answer, r)
		w.must(g.Close())
		if done = left.Load() > 0; !done && w.content("n") != "host" {
			t.Errorf("G-46: created before call %d: LOCK answers %d and leaves %q, want host", n, answer.Code, w.content("n"))
		}
		check.That(t, answer.Code/100 == 2 || answer.Code == http.StatusMethodNotAllowed,
			"G-46: created before call %d: LOCK answers %d %s", n, answer.Code, answer.Body)
		w.must(os.Remove(filepath.Join(w.root, "n")))
	}
}
