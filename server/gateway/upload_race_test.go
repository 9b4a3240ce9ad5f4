package gateway

import (
	"fmt"
	"io"
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

// TestOneOfManyWins checks that of concurrent uploads, removals and renames with the same tag, or
// creations of the same file, one succeeds and the others fail their condition. A tested condition
// holds until the request's effect (G-38).
func TestOneOfManyWins(t *testing.T) {
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
			case a.code != 412 && a.code != 404: // it is gone
				t.Errorf("%s: %d", a.name, a.code)
			}
		}
		check.RequireThat(t, won["old"] == 1 && won["new"] == 1,
			`G-38: round %d: %v had their effect, want won["old"] = 1, won["new"] = 1`, round, won)
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

// TestUploadsMeetNewConditions checks that an upload's conditions are checked again at its end: a lock, a removal or
// other contents since its start make it fail. An upload without conditions writes the file that has the name at its
// end (G-38).
func TestUploadsMeetNewConditions(t *testing.T) {
	w := newFolders(t)
	for _, c := range []struct {
		name      string
		condition bool
		between   func()
		want      int
		left      string
	}{
		{"nothing", true, func() {}, 204, "whole"},
		{"other contents", true, func() { w.want(204, "alice", "PUT", "/share/file", "hers, longer") }, 412, "hers, longer"},
		{"a removal", true, func() { w.want(204, "alice", "DELETE", "/share/file", "") }, 412, "no file"},
		{"a lock", false, func() {
			w.want(200, "alice", "LOCK", "/share/file", lockXML, "Timeout", "Second-60")
		}, 423, "old"},
		{"a removal, without a condition", false, func() { w.want(204, "alice", "DELETE", "/share/file", "") }, 201, "whole"},
		{"a rename over it", false, func() {
			w.file("over", "over", forBoth)
			w.want(204, "alice", "MOVE", "/share/over", "", "Destination", "/share/file", "Overwrite", "T")
		}, 204, "whole"},
	} {
		w.restore()
		w.file("file", "old", forBoth)
		headers := []string{}
		if c.condition {
			headers = []string{"If-Match", w.want(200, "bob", "GET", "/share/file", "").header.Get("Etag")}
		}
		got := w.inHalves("bob", "/share/file", "wh", "ole", c.between, headers...)
		if left := w.content("file"); got != c.want || left != c.left && !strings.HasPrefix(left, c.left+":") {
			t.Errorf("G-38: %s between: %d and %q, want %d and %q", c.name, got, left, c.want, c.left)
		}
	}
}

// inHalves uploads a file and calls a function once the gateway has the first half.
func (w *world) inHalves(user, path, first, second string, between func(), headers ...string) int {
	w.Helper()
	r := w.request(user, "PUT", path, "", headers...)
	body := &halves{first: first, second: second, between: func() {
		for end := time.Now().Add(time.Minute); w.uploads() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				w.Error("the upload did not begin")
				return
			}
		}
		between()
	}}
	r.Body, r.ContentLength = body, int64(len(first)+len(second))
	a := check.Must(w.server.Client().Do(r))
	w.must(a.Body.Close())
	return a.StatusCode
}

// uploads returns how many files of the tree are being uploaded.
func (w *world) uploads() (n int) {
	list := check.Must(os.ReadDir(w.root))
	for _, e := range list {
		if strings.HasPrefix(e.Name(), uploadPrefix) {
			n++
		}
	}
	return n
}

// halves is a body that arrives in two parts.
type halves struct {
	first, second string
	between       func()
	read          int
}

// Read implements io.Reader.
func (h *halves) Read(b []byte) (int, error) {
	switch h.read++; h.read {
	case 1:
		return copy(b, h.first), nil
	case 2:
		h.between()
		return copy(b, h.second), nil
	}
	return 0, io.EOF
}

// Close implements io.Closer.
func (*halves) Close() error { return nil }

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
		g := w.over(func(c net.Conn) net.Conn { return intruder{c, &left, func() { w.file("n", "host", shared) }} })
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
