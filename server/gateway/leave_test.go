package gateway

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestClientsLeave: clients that go in the middle of each verb leave no thread that
// impersonates, no handle, no lock and no part of a file (G-2, G-14).
func TestClientsLeave(t *testing.T) {
	w := newWorld(t, shared)
	w.file("old.txt", "old\n", shared)
	w.folder("many", shared)
	for i := range 300 {
		w.must(os.WriteFile(filepath.Join(w.root, "many", string(rune('a'+i%26))+strings.Repeat("x", i/26)), nil, 0o600))
	}
	w.must(os.WriteFile(filepath.Join(w.root, "big"), make([]byte, 4<<20), 0o600))
	w.describe("big", shared)
	w.want(207, "alice", "PROPFIND", "/share/old.txt", "", "Depth", "0") // the session is there from now on
	w.acting()
	kept := w.now()
	for _, path := range []string{"/share/new.txt", "/share/old.txt"} {
		w.leaveInUpload(path)
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/share/big", ""}, {"PROPFIND", "/share/many/", ""}, {"GET", "/share/many/", ""},
		{"COPY", "/share/many", ""}, {"COPY", "/share/big", ""}, {"LOCK", "/share/lock", lockBody},
		{"PROPPATCH", "/share/old.txt", patchBody}, {"MKCOL", "/share/made", ""}, {"MOVE", "/share/made", ""},
		{"DELETE", "/share/many", ""},
	} {
		for _, after := range []time.Duration{0, 300 * time.Microsecond, 2 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			r := w.request("alice", c.method, c.path, c.body, "Depth", "1", "Destination", w.url+"/share/copy")
			if c.method != "PROPFIND" {
				r.Header.Del("Depth")
			}
			answer, err := w.server.Client().Do(r.WithContext(ctx))
			if err == nil {
				_, _ = io.CopyN(io.Discard, answer.Body, 10)
				_ = answer.Body.Close()
			}
			cancel()
		}
	}
	w.server.CloseClientConnections()
	w.settled(kept)
	if got := w.entries(""); strings.Contains(got, uploadPrefix) {
		t.Errorf("G-14: the directory has %s", got)
	}
	if got := w.content("old.txt"); got != "old\n" {
		t.Errorf("G-14: half an upload took the place of a file: %q", got)
	}
}

// settled waits until only what was there before is held, and no thread impersonates.
// Threads that were made meanwhile stay in the pool.
func (w *world) settled(kept [3]int64) {
	w.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		busy := w.acting()
		now := w.now()
		if busy == 0 && now[1] <= kept[1] && len(w.g.locks.active()) <= 1 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("G-2: %d threads act as clients; %d handles, want %d; %d locks", busy, now[1], kept[1],
				len(w.g.locks.active()))
		}
	}
}

// leaveInUpload ends a request when a part of its body was sent.
func (w *world) leaveInUpload(path string) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	r := w.request("alice", http.MethodPut, path, "").WithContext(ctx)
	body := &slowly{r: r, text: strings.Repeat("half ", 100_000), sent: make(chan struct{})}
	r.Body, r.ContentLength = io.NopCloser(body), 1<<20
	over := make(chan struct{})
	go func() {
		defer close(over)
		if answer, err := w.server.Client().Do(r); err == nil {
			_ = answer.Body.Close()
		}
	}()
	<-body.sent
	cancel()
	<-over
}

const lockBody = `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
	`<D:locktype><D:write/></D:locktype><D:owner>me</D:owner></D:lockinfo>`

const patchBody = `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>` +
	`<x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>`

// TestLeaveBeforeUpload: a client that left before its upload began does not make the gateway
// write in place, as it does for who may make no file beside (G-14, G-15).
func TestLeaveBeforeUpload(t *testing.T) {
	w := newWorld(t, shared)
	w.file("old.txt", "old\n", shared)
	w.folder("fixed", "O:BAG:SYD:P(A;;0x1200a9;;;{bob})")
	w.file("fixed/his.txt", "old\n", "O:BAG:SYD:P(A;;FA;;;{bob})")
	w.want(204, "bob", "PUT", "/share/fixed/his.txt", "in place\n")
	if got := w.content("fixed/his.txt"); got != "in place\n" {
		t.Errorf("G-15: %q", got)
	}
	w.want(207, "alice", "PROPFIND", "/share/old.txt", "", "Depth", "0") // it leaves no handle for later
	p, err := w.g.link.process()
	w.must(err)
	s := p.sessions.once(func(s *session) {
		in, _ := basic("YWxpY2U6cHcteA==") // alice:pw-x
		s.logOn(t.Context(), "", in)
	})
	defer p.sessions.put(s)
	kept := w.now()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := &request{g: w.g, s: s, ctx: ctx}
	for range 50 {
		if u, refused := q.upload(place{tree: "share", path: "old.txt"}); refused == nil {
			t.Fatalf("G-14: it begins: %+v", u)
		}
	}
	if got := w.now(); got[1] != kept[1] {
		t.Errorf("%d handles, want %d", got[1], kept[1])
	}
}
