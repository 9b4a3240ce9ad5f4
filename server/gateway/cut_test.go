package gateway

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/client"
)

// cutOff is a connection to refmond that ends before a write, as that of a gateway that is killed.
type cutOff struct {
	net.Conn
	left *atomic.Int64 // writes
}

func (c cutOff) Write(b []byte) (int, error) {
	if c.left.Add(-1) < 0 {
		_ = c.Conn.Close()
		return 0, errors.New("killed")
	}
	return c.Conn.Write(b)
}

// TestKilledWhileReplacing: a gateway that is killed before any of its calls for an upload leaves
// the old contents or the new, and nothing else of it: number, links and descriptor stay
// (G-14, G-15, G-33).
func TestKilledWhileReplacing(t *testing.T) {
	w := newWorld(t, shared)
	old, fresh := strings.Repeat("old", 200_000), strings.Repeat("fresh", 110_000)
	w.file("f", old, shared)
	w.must(os.Link(filepath.Join(w.root, "f"), filepath.Join(w.root, "g")))
	attribute := w.attribute("f")
	w.must(w.g.Close())
	seen := map[string]int{}
	for n, done := int64(1), false; !done; n++ {
		var left atomic.Int64
		left.Store(n)
		g, err := New(Config{Trees: []string{"share"}, Dial: func() (*client.Conn, error) {
			return w.dialBy(gate, func() (*client.Conn, error) {
				c, err := net.Dial("unix", w.socket)
				if err != nil {
					return nil, err
				}
				return client.New(cutOff{c, &left})
			})
		}})
		w.must(err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/share/f", strings.NewReader(fresh))
		r.SetBasicAuth("alice", "pw-x")
		answer := httptest.NewRecorder()
		g.Files().ServeHTTP(answer, r)
		done = left.Load() >= 0 // it was not killed
		w.must(g.Close())
		w.settles(w.counts)
		switch got := w.content("g"); {
		case got == old:
			seen["old"]++
		case got == fresh && w.content("f") == fresh && w.attribute("f") == attribute:
			seen["fresh"]++
		default:
			t.Errorf("G-33: killed before call %d: %d bytes, which are neither the old nor the new", n, len(got))
		}
		if got := w.entries(""); got != "f g" {
			t.Errorf("G-14: killed before call %d: the directory has %s", n, got)
		}
		if code := answer.Code; (code == http.StatusNoContent) != done && w.content("f") != fresh {
			t.Errorf("killed before call %d: %d", n, code)
		}
		w.file("f", old, shared)
	}
	if seen["old"] < 5 || seen["fresh"] < 2 {
		t.Errorf("%v", seen)
	}
}
