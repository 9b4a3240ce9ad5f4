package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestListOnlyClientGetsThePage checks that a client that may only list a directory gets the same page as one
// with all rights. A client that may not is denied if the parent lists the directory, and otherwise
// gets 404. The same holds for a client that may only read a file's contents (G-8, F-43). One thread serves both
// clients in turn, and acts for neither afterwards (G-30).
func TestListOnlyClientGetsThePage(t *testing.T) {
	w := newExactly(t, shared)
	w.folder("blind", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x20;;;{bob})")
	for _, above := range []string{"", "blind/"} {
		missing, refused := w.ask("bob", "GET", "/share/"+above+"none", ""), "404\n"
		if above == "" {
			refused = "403\n"
		}
		for _, rights := range []int{0x1, 0x81, 0x100001, 0x1200a9, 0x1f01ff, 0, 0x80, 0x20, 0x2, 0x1f01fe} {
			name := fmt.Sprintf("%sd%x", above, rights)
			w.folder(name, fmt.Sprintf("O:BAG:SYD:P(A;;FA;;;{alice})(A;;%#x;;;{bob})", rights))
			for _, file := range []string{"one", "two"} {
				w.file(name+"/"+file, file, shared)
				w.setTime(name + "/" + file)
			}
			for _, path := range []string{"/share/" + name + "/", "/share/" + name} {
				hers, his := w.ask("alice", "GET", path, ""), w.ask("bob", "GET", path, "")
				switch {
				case rights&1 != 0:
					w.diff(path, his, strings.ReplaceAll(hers, "alice", "bob"))
				case above != "":
					w.diff(path, his, missing)
				case !strings.HasPrefix(his, refused):
					t.Errorf("G-8: response for %s: %s, want refused", path, his)
				}
				check.That(t, rights&1 != 0 || !strings.Contains(his, ">one<") && !strings.HasPrefix(his, "301"),
					"G-8: response for %s: %s, want no entry named", path, his)
				check.That(t, strings.Contains(hers, ">one</a>") || path == "/share/"+name,
					"listing of %s: %s, want an entry named one", path, hers)
			}
		}
		w.file(above+"contents", "secret", "O:BAG:SYD:P(A;;FA;;;{alice})(A;;0x1;;;{bob})")
		got := w.ask("bob", "GET", "/share/"+above+"contents", "")
		if above != "" {
			w.diff("contents and no more", got, missing)
		} else if !strings.HasPrefix(got, fmt.Sprint(http.StatusOK, "\n")) || !strings.HasSuffix(got, "\nsecret") {
			t.Errorf("F-43: response for the contents: %s", got)
		}
	}
}

// TestFilesOfListedFolderAreDescribed checks that a client without the right to pass a folder that it may list gets the
// properties of a file there, which the listing shows (G-8, F-23).
func TestFilesOfListedFolderAreDescribed(t *testing.T) {
	w := newWorld(t, shared)
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.Revoke(sid.Everyone, winnt.Privileges(winnt.SeChangeNotifyPrivilege), 0)
		return nil
	}))
	w.folder("listed", "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;;0x120081;;;{bob})")
	w.file("listed/f", "x", shared)
	w.want(207, "bob", "PROPFIND", "/share/listed/f", "", "Depth", "0")
	w.want(404, "bob", "GET", "/share/listed/none", "")
	w.want(403, "bob", "GET", "/share/listed/f", "")
}
