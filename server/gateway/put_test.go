package gateway

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
)

// entries returns what is in a directory of the tree, as root sees it.
func (w *world) entries(name string) string {
	w.Helper()
	list, err := os.ReadDir(filepath.Join(w.root, name))
	w.must(err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// attribute returns the bytes of a file's descriptor.
func (w *world) attribute(name string) string {
	w.Helper()
	b := make([]byte, 4096)
	n, err := unix.Getxattr(filepath.Join(w.root, name), ntacl.Name, b)
	w.must(err)
	return string(b[:n])
}

// TestPut: a new file is named once it is whole, the contents of an old one are replaced and
// nothing else of it (G-14, G-15).
func TestPut(t *testing.T) {
	w := newWorld(t, shared)
	w.file("old.txt", "a longer text than the next\n", "O:{bob}G:SYD:P(A;;FA;;;{bob})(A;;0x120116;;;{alice})")
	before := w.attribute("old.txt")
	w.must(os.Link(filepath.Join(w.root, "old.txt"), filepath.Join(w.root, "link.txt")))
	long := strings.Repeat("0123456789abcdef", 40_000) // more than one call writes
	for name, body := range map[string]string{"new.txt": "new\n", "empty.txt": "", "long.txt": long} {
		got := w.want(201, "alice", "PUT", "/share/"+name, body)
		if text := w.content(name); text != body || got.header.Get("ETag") == "" || got.body != "" {
			t.Errorf("%s has %d bytes, want %d; %v %q", name, len(text), len(body), got.header, got.body)
		}
	}
	w.want(204, "alice", "PUT", "/share/old.txt", "short\n")
	if got := w.content("link.txt"); got != "short\n" || w.attribute("old.txt") != before {
		t.Errorf("G-15: %q, the descriptor stayed: %t", got, w.attribute("old.txt") == before)
	}
	if got := w.entries(""); got != "empty.txt link.txt long.txt new.txt old.txt" {
		t.Errorf("G-14: the directory has %s", got)
	}
	tag := w.want(200, "bob", "HEAD", "/share/old.txt", "").header.Get("ETag")
	w.want(412, "alice", "PUT", "/share/old.txt", "x", "If-None-Match", "*")
	w.want(412, "alice", "PUT", "/share/old.txt", "x", "If-Match", `"other"`)
	w.want(412, "alice", "PUT", "/share/free.txt", "x", "If-Match", "*")
	w.want(204, "bob", "PUT", "/share/old.txt", "his\n", "If-Match", tag)
	w.want(400, "alice", "PUT", "/share/old.txt", "x", "Content-Range", "bytes 0-0/1")
	w.want(409, "alice", "PUT", "/share/none/x.txt", "x")
	w.want(405, "alice", "PUT", "/share/dir/", "x")
	w.want(403, "alice", "PUT", "/share", "x")
	w.want(403, "bob", "PUT", "/share/his.txt", "x")
	w.want(403, "bob", "PUT", "/share/new.txt", "x")
}

// TestPutInHiddenPlaces: what the client cannot see is as missing where it is a directory,
// and as refused where it is in the way (G-12).
func TestPutInHiddenPlaces(t *testing.T) {
	w := newWorld(t, shared)
	w.folder("box", "O:BAG:SYD:P(A;;0x3;;;{bob})(A;OICI;FA;;;{alice})")   // bob lists and drops
	w.folder("blind", "O:BAG:SYD:P(A;;0x6;;;{bob})(A;OICI;FA;;;{alice})") // bob drops and does not list
	w.folder("deep", own)
	w.file("box/hers.txt", "hers\n", own)
	w.file("blind/hers.txt", "hers\n", own)
	w.folder("deep/inner", own)
	w.want(201, "bob", "PUT", "/share/box/his.txt", "his\n")
	w.want(201, "bob", "PUT", "/share/blind/his.txt", "his\n")
	w.want(403, "bob", "PUT", "/share/box/hers.txt", "his\n")
	w.want(403, "bob", "PUT", "/share/blind/hers.txt", "his\n")
	for _, method := range []string{"PUT", "MKCOL"} {
		hidden := w.want(409, "bob", method, "/share/deep/inner/x", "")
		missing := w.want(409, "bob", method, "/share/deep/none/x", "")
		if hidden.body != missing.body {
			t.Errorf("G-12: %s in a hidden directory: %q, in a missing one: %q", method, hidden.body, missing.body)
		}
	}
	w.want(403, "bob", "MKCOL", "/share/blind/hers.txt", "")
	if w.content("box/hers.txt") != "hers\n" || w.content("blind/hers.txt") != "hers\n" {
		t.Error("a file that bob may not write to was changed")
	}
}

// slowly sends a part of a body, says so, and then waits for the end of its request.
type slowly struct {
	r    *http.Request
	text string
	sent chan struct{}
}

func (s *slowly) Read(b []byte) (int, error) {
	if s.text != "" {
		n := copy(b, s.text)
		s.text = s.text[n:]
		return n, nil
	}
	select {
	case <-s.sent:
	default:
		close(s.sent)
	}
	<-s.r.Context().Done()
	return 0, io.ErrUnexpectedEOF
}
