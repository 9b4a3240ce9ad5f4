package gateway

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestReadDescriptorIsClosedWithRequest checks that a descriptor passed for a read is closed with the request,
// whatever the request is (G-1).
func TestReadDescriptorIsClosedWithRequest(t *testing.T) {
	w := newExactly(t, shared)
	w.file("long", strings.Repeat("0123456789", 30_000), shared)
	w.file("short", "x", shared)
	open := func() (n int) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("open files cannot be listed here: ", err)
		}
		for _, e := range list {
			at, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
			if strings.HasSuffix(at, "/long") || strings.HasSuffix(at, "/short") || strings.HasSuffix(at, "/copy") {
				n++
			}
		}
		return n
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no finalizer closes them
	const times = 12
	for _, c := range []struct {
		method, path string
		headers      []string
	}{
		{"GET", "/share/long", nil}, {"HEAD", "/share/long", nil}, {"GET", "/share/short", nil},
		{"GET", "/share/long", []string{"Range", "bytes=5-9"}}, {"GET", "/share/long", []string{"Range", "bytes=900000-"}},
		{"GET", "/share/long", []string{"If-None-Match", "*"}}, {"PROPFIND", "/share/long", []string{"Depth", "0"}},
		{"COPY", "/share/long", []string{"Destination", "https://files.test/share/copy"}},
	} {
		before := open()
		for range times {
			w.ask("alice", c.method, c.path, "", c.headers...)
		}
		if now := open(); now >= before+times/2 {
			t.Errorf("G-1: after %d of %s %s %v %d descriptors are open, %d before, want less than %d", times,
				c.method, c.path, c.headers, now, before, before+times/2)
		}
	}
}

// TestDisconnectedClientsLeaveNoResources checks that clients that disconnect in the middle of any method leave no
// impersonating thread, handle, lock or partial file (G-2, G-14).
func TestDisconnectedClientsLeaveNoResources(t *testing.T) {
	w := newWorld(t, shared)
	w.file("old.txt", "old\n", shared)
	w.folder("many", shared)
	for i := range 300 {
		w.must(os.WriteFile(filepath.Join(w.root, "many", string(rune('a'+i%26))+strings.Repeat("x", i/26)), nil, 0o600))
	}
	w.must(os.WriteFile(filepath.Join(w.root, "big"), make([]byte, 4<<20), 0o600))
	w.describe("big", shared)
	w.want(207, "alice", "PROPFIND", "/share/old.txt", "", "Depth", "0") // the session is cached now
	w.impersonating()
	kept := w.present()
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
	w.awaitClosed(kept)
	if got := w.entries(""); strings.Contains(got, uploadPrefix) {
		t.Errorf("G-14: the directory has %s, want text without %q", got, uploadPrefix)
	}
	check.Equal(t, w.content("old.txt"), "old\n", "G-14: an interrupted upload replaced the file")
}

// awaitClosed waits until only the earlier handles are open and no thread impersonates. Threads created
// since stay in the pool.
func (w *world) awaitClosed(kept [3]int64) {
	w.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		busy := w.impersonating()
		now := w.present()
		if busy == 0 && now[1] <= kept[1] && len(w.g.dav.Locks.Active()) <= 1 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("G-2: %d threads act as clients; %d handles, want %d; %d locks", busy, now[1], kept[1],
				len(w.g.dav.Locks.Active()))
		}
	}
}

// leaveInUpload cancels a request after a part of its body was sent.
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
