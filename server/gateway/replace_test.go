package gateway

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFolderIsCopiedWithoutDelete checks that a client copies a folder to a new name if it may add folders and files
// there but delete none (G-51).
func TestFolderIsCopiedWithoutDelete(t *testing.T) {
	w := newWorld(t, shared)
	w.file("d/a", "a", shared)
	w.describe("d", shared)
	// FILE_GENERIC_READ, FILE_TRAVERSE, FILE_ADD_FILE and FILE_ADD_SUBDIRECTORY, inherited, without DELETE and
	// FILE_DELETE_CHILD.
	w.folder("in", "O:BAG:SYD:P(A;OICI;0x1200af;;;{alice})")
	w.want(201, "alice", "COPY", "/share/d", "", "Destination", "/share/in/n")
	check.Equal(t, w.entries("in"), "n", "the entries of in")
	check.Equal(t, w.content("in/n/a"), "a", "in/n/a")
	w.want(403, "alice", "DELETE", "/share/in/n", "")
}

// TestClientLeavesDuringCopy checks that a COPY of a folder whose client leaves at any moment makes a whole copy, or
// none and no hidden folder (G-51, G-42).
func TestClientLeavesDuringCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.must(w.g.Close())
	for name, to := range map[string]string{"new": "n", "existing": "e"} {
		seen := map[string]int{}
		for n, done := int64(6), false; !done; n += 4 {
			// Without READ_CONTROL the gateway gets no descriptor, which this connection cannot carry.
			w.file("d/a", "a", "O:BAG:SYD:P(A;OICI;0x1d01ff;;;{alice})")
			w.file("d/b", "b", "O:BAG:SYD:P(A;OICI;0x1d01ff;;;{alice})")
			w.describe("d", shared)
			w.file("e/c", "c", shared)
			w.describe("e", shared)
			ctx, leave := context.WithCancel(w.Context())
			var left atomic.Int64
			left.Store(n)
			g := w.newGateway(func(c net.Conn) net.Conn { return intruder{c, &left, leave} })
			r := httptest.NewRequestWithContext(ctx, "COPY", "https://files.test/share/d", nil)
			r.SetBasicAuth("alice", "pw-x")
			r.Header.Set("Destination", "/share/"+to)
			g.Files().ServeHTTP(httptest.NewRecorder(), r)
			done = left.Load() > 0
			w.must(g.Close())
			w.awaitIdle(w.counts)
			leave()
			got := w.entries("")
			switch state := got + " " + w.entries("e"); state {
			case "d e c":
				seen["old"]++
			case "d e n c", "d e a b":
				seen["copied"]++
				check.That(t, w.content(to+"/a") == "a" && w.content(to+"/b") == "b",
					"%s: left before call %d: the copy is a part", name, n)
			default:
				t.Errorf("%s: left before call %d: the tree has %s", name, n, strings.ReplaceAll(state, uploadPrefix, "hidden "))
			}
			w.must(errors.Join(os.RemoveAll(w.root+"/n"), os.RemoveAll(w.root+"/e")))
		}
		check.That(t, seen["old"] >= 3 && seen["copied"] >= 1, "%s: %v, want at least 3 old and 1 copied", name, seen)
	}
}
