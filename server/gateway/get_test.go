package gateway

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const (
	// shared lets alice do everything and bob read; carol may do nothing.
	shared = "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;0x1200a9;;;{bob})"
	own    = "O:BAG:SYD:P(A;;FA;;;{alice})" // alice alone
)

// TestGet: each client is served what its account may read. A refusal says why to who may
// read the descriptor, what is hidden is as absent, and no thread goes on as a client
// (G-2, G-8, G-9).
func TestGet(t *testing.T) {
	w := newWorld(t, shared)
	w.file("plan.txt", "the plan\n", shared)
	w.file("alice.txt", "hers\n", own)
	w.file("told.txt", "told\n", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;RC;;;{bob})")
	w.folder("deep", own)
	w.file("deep/x.txt", "x\n", own)
	for _, user := range []string{"alice", "bob"} {
		got := w.want(200, user, "GET", "/share/plan.txt", "")
		if got.body != "the plan\n" || !strings.HasPrefix(got.header.Get("Content-Security-Policy"), "sandbox;") ||
			got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %q, %v", user, got.body, got.header)
		}
	}
	absent := w.want(404, "bob", "GET", "/share/none.txt", "")
	for _, path := range []string{"/share/deep/x.txt", "/share/deep/none.txt", "/nowhere/x", "/share/alice.txt:stream"} {
		got := w.want(404, "bob", "GET", path, "")
		got.header.Del("Date")
		absent.header.Del("Date")
		if got.body != absent.body || !reflect.DeepEqual(got.header, absent.header) {
			t.Errorf("G-8: %s differs from what is not there: %q %v, want %q %v", path, got.body, got.header, absent.body,
				absent.header)
		}
	}
	if got := w.want(403, "bob", "GET", "/share/alice.txt", ""); got.body != "access denied\n" {
		t.Errorf("G-9: without READ_CONTROL: %q", got.body)
	}
	if got := w.want(403, "bob", "GET", "/share/told.txt", ""); !strings.Contains(got.body,
		"STATUS_ACCESS_DENIED: FILE_READ_DATA by ") {
		t.Errorf("G-9: with READ_CONTROL: %q", got.body)
	}
	w.want(404, "carol", "GET", "/share/plan.txt", "")
	got := w.want(401, "", "GET", "/share/plan.txt", "")
	if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("the challenge is %v", got.header)
	}
	r := w.request("", http.MethodGet, "/share/plan.txt", "")
	r.SetBasicAuth("alice", "wrong")
	if got := w.do(r); got.code != 401 {
		t.Errorf("a wrong password: %d", got.code)
	}
	if n := w.acting(); n != 0 {
		t.Errorf("G-2: %d threads still act as a client", n)
	}
}
