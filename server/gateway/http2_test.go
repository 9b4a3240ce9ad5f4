package gateway

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/client"
)

// TestTwoUsersOneConnection: requests of several users on one HTTP/2 connection at once are
// each answered as its own user; who a request is goes with the request (G-2).
func TestTwoUsersOneConnection(t *testing.T) {
	w := newWorld(t, shared)
	for name := range w.sids {
		w.file(name, name, "O:BAG:SYD:P(A;;FA;;;{"+name+"})")
	}
	for name := range w.sids {
		w.ask(name, "GET", "/share/"+name, "") // all are known, and the connection is there
	}
	var connections atomic.Int64
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			connections.Add(1)
		}
	}}
	var group sync.WaitGroup
	for i := range mostStreams - 1 { // fewer than the streams of a connection
		group.Go(func() {
			names := []string{"alice", "bob", "carol"}
			user, file := names[i%3], names[i/3%3]
			r := w.request(user, http.MethodGet, "/share/"+file, "")
			answer, err := w.server.Client().Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			b, err := io.ReadAll(answer.Body)
			if answer.ProtoMajor != 2 || err != nil || (answer.StatusCode == http.StatusOK) != (user == file) ||
				user == file && string(b) != user {
				t.Errorf("%s gets the file of %s: %s %d %q, %v", user, file, answer.Proto, answer.StatusCode, b, err)
			}
		})
	}
	group.Wait()
	if n := connections.Load(); n != 0 {
		t.Errorf("%d further connections were made", n)
	}
	if n := w.acting(); n != 0 {
		t.Errorf("G-2: %d threads still act as a client", n)
	}
}

// TestRefmondRestarts: a gateway whose connection to refmond was lost makes another, with new
// sessions; while refmond is gone it says so.
func TestRefmondRestarts(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	w.want(200, "bob", "GET", "/share/f", "")
	p, err := w.g.link.process()
	w.must(err)
	w.must(p.conn.Close())
	w.want(200, "bob", "GET", "/share/f", "")
	again, err := w.g.link.process()
	w.must(err)
	if again == p {
		t.Error("the old connection is used")
	}
	dial := w.g.link.dial
	w.must(again.conn.Close())
	w.g.link.dial = failing
	if got := w.want(503, "bob", "GET", "/share/f", ""); got.header.Get("Retry-After") == "" {
		t.Errorf("without refmond: %v", got.header)
	}
	w.g.link.dial = dial
	w.want(200, "bob", "GET", "/share/f", "")
}

// TestOwnerOfLocks: what a client writes about itself into a lock makes no answer to others
// malformed.
func TestOwnerOfLocks(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;AU)")
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;AU)")
	body := strings.Replace(strings.Replace(lockBody, "<D:lockinfo", `<D:lockinfo xmlns:e="urn:e"`, 1), "<D:owner>me",
		`<D:owner><e:x a="&lt;">me &amp; &lt;you`, 1)
	w.want(200, "alice", "LOCK", "/share/f", strings.Replace(body, "</D:owner>", "</e:x></D:owner>", 1))
	got := w.want(207, "bob", "PROPFIND", "/share/f", "", "Depth", "0")
	if err := xml.Unmarshal([]byte(got.body), new(struct{})); err != nil || !strings.Contains(got.body,
		"<D:owner>me &amp; &lt;you</D:owner>") {
		t.Errorf("%v\n%s", err, got.body)
	}
	if n := len(ownerText(strings.Repeat("x", 5000))); n > longestOwner {
		t.Error(fmt.Sprint(n, " bytes of an owner are told"))
	}
}

// failing dials a refmond that is not there.
func failing() (*client.Conn, error) { return nil, errors.New("refmond is gone") }
