package gateway

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// cutOff is a connection to refmond that closes before a write, as if the gateway were killed.
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

// killAt sends a request to a gateway that is killed before its n-th call to refmond. It returns the response, and
// whether the gateway finished before that call.
func (w *world) killAt(n int64, by func(*Gateway) http.Handler, method, path, body string,
	headers ...string) (answer *httptest.ResponseRecorder, done bool) {
	w.Helper()
	var left atomic.Int64
	left.Store(n)
	g := w.newGateway(func(c net.Conn) net.Conn { return cutOff{c, &left} })
	r := httptest.NewRequestWithContext(w.Context(), method, "https://files.test"+path, strings.NewReader(body))
	r.SetBasicAuth("alice", "pw-x")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer = httptest.NewRecorder()
	by(g).ServeHTTP(answer, r)
	done = left.Load() >= 0
	w.must(g.Close())
	w.awaitIdle(w.counts)
	return answer, done
}

// TestKilledUploadLeavesOldOrNewContents checks that a gateway killed before any of its calls for an upload leaves the
// complete old or new contents, with the same inode number, links and descriptor (G-14, G-15, G-33).
func TestKilledUploadLeavesOldOrNewContents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	old, fresh := strings.Repeat("old", 200_000), strings.Repeat("fresh", 110_000)
	w.file("f", old, shared)
	w.must(os.Link(filepath.Join(w.root, "f"), filepath.Join(w.root, "g")))
	attribute := w.attribute("f")
	w.must(w.g.Close())
	seen := map[string]int{}
	for n, done := int64(1), false; !done; n++ {
		answer, whole := w.killAt(n, (*Gateway).Files, http.MethodPut, "/share/f", fresh)
		done = whole
		switch got := w.content("g"); {
		case got == old:
			seen["old"]++
		case got == fresh && w.content("f") == fresh && w.attribute("f") == attribute:
			seen["fresh"]++
		default:
			t.Errorf("G-33: killed before call %d: %d bytes, which are neither the old nor the new", n, len(got))
		}
		check.Equal(t, w.entries(""), "f g", "G-14: killed before call %d: the directory", n)
		check.That(t, (answer.Code == http.StatusNoContent) == done || w.content("f") == fresh,
			"killed before call %d: %d", n, answer.Code)
		if w.content("f") != old {
			w.file("f", old, shared)
		}
	}
	check.That(t, seen["old"] >= 5 && seen["fresh"] >= 2,
		"the file had its old contents after %d runs and the new ones after %d, want at least 5 and 2", seen["old"],
		seen["fresh"])
}

// contents returns the contents of each file in the tree by name, and "/" for a folder. It omits hidden files of an
// interrupted replacement, which clients do not see.
func (w *world) contents() map[string]string {
	w.Helper()
	all := map[string]string{}
	w.must(filepath.WalkDir(w.root, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(strings.TrimPrefix(path, w.root), "/")
		switch {
		case err != nil || name == "":
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), uploadPrefix):
			return fs.SkipDir
		case e.IsDir():
			all[name] = "/"
			return nil
		}
		b, err := os.ReadFile(path)
		all[name] = string(b)
		return err
	}))
	return all
}

// TestKilledGatewayLeavesWholeFiles checks that a gateway killed before any of its calls leaves each file in the state
// before or after the method. No file has partial contents, no other file is lost, and a moved file is at one of its
// two names (G-14, G-33, G-40). A folder that is replaced is whole, old or new (G-42, F-215). A copy of a folder to a
// new name is whole or missing (G-51).
func TestKilledGatewayLeavesWholeFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.must(w.g.Close())
	big := strings.Repeat("b", 300_000)
	first, step := int64(1), int64(13)
	if randtest.Deep() {
		step = 2
	}
	for i, c := range []struct {
		method, path, body string
		headers            []string
		want               int
		// each maps files to their allowed contents, including those before and after the method. "" is a missing
		// file.
		each map[string][]string
		// moves are pairs of names; exactly one of each pair has the file.
		moves [][2]string
	}{
		{"PUT", "/share/f", "new", nil, 204, map[string][]string{"f": {"f", "new"}}, nil},
		{"PUT", "/share/n", big, nil, 201, map[string][]string{"n": {"", big}}, nil},
		{"DELETE", "/share/f", "", nil, 204, map[string][]string{"f": {"f", ""}}, nil},
		{"DELETE", "/share/d", "", nil, 204, map[string][]string{"d": {"/", ""}, "d/a": {"a", ""}, "d/b": {big, ""}}, nil},
		{"MKCOL", "/share/n", "", nil, 201, map[string][]string{"n": {"", "/"}}, nil},
		{"COPY", "/share/d/b", "", []string{"/share/f"}, 204, map[string][]string{"f": {"f", big}}, nil},
		{"COPY", "/share/d", "", []string{"/share/n"}, 201, map[string][]string{"n": {"", "/"}, "n/a": {"", "a"},
			"n/b": {"", big}}, nil},
		{"COPY", "/share/d", "", []string{"/share/e"}, 204, map[string][]string{"e": {"/"}, "e/c": {"c", ""},
			"e/a": {"", "a"}, "e/b": {"", big}}, nil},
		{"MOVE", "/share/f", "", []string{"/share/n"}, 201, map[string][]string{"f": {"f", ""}, "n": {"", "f"}},
			[][2]string{{"f", "n"}}},
		{"MOVE", "/share/f", "", []string{"/share/d/a"}, 204, map[string][]string{"f": {"f", ""}, "d/a": {"a", "f"}},
			[][2]string{{"d/a", "d/a"}}},
		{"MOVE", "/share/d", "", []string{"/share/n"}, 201, map[string][]string{"d": {"/", ""}, "d/a": {"a", ""},
			"d/b": {big, ""}, "n": {"", "/"}, "n/a": {"", "a"}, "n/b": {"", big}}, [][2]string{{"d/a", "n/a"}, {"d/b", "n/b"}}},
		{"MOVE", "/share/d", "", []string{"/share/e"}, 204, map[string][]string{"d": {"/", ""}, "d/a": {"a", ""},
			"d/b": {big, ""}, "e": {"/"}, "e/a": {"", "a"}, "e/b": {"", big}, "e/c": {"c", ""}},
			[][2]string{{"d/a", "e/a"}, {"d/b", "e/b"}}},
		{"COPY", "/share/f", "", []string{"/share/e"}, 204, map[string][]string{"e": {"/", "f"}, "e/c": {"c", ""}}, nil},
		{"MOVE", "/share/d", "", []string{"/share/f"}, 204, map[string][]string{"d": {"/", ""}, "d/a": {"a", ""},
			"d/b": {big, ""}, "f": {"f", "/"}, "f/a": {"", "a"}, "f/b": {"", big}}, [][2]string{{"d/a", "f/a"}, {"d/b", "f/b"}}},
		{"PROPPATCH", "/share/f", patchBody, nil, 207, nil, nil},
		{"LOCK", "/share/n", lockBody, nil, 201, map[string][]string{"n": {"", "empty"}}, nil},
		{"LOCK", "/share/f", lockBody, nil, 200, nil, nil},
	} {
		if c.headers != nil {
			c.headers = []string{"Destination", c.headers[0]}
		}
		// A hidden file that replaces a folder, or is replaced by one, stays until a listing removes it (G-49).
		swept := slices.Contains(c.each["e"], "f") || slices.Contains(c.each["f"], "/")
		by := step
		if swept || c.each["e/c"] != nil {
			by = max(step, 3) // these take many calls
		}
		for n, done := first+int64(i)%min(by, 3), false; !done; n += by {
			for _, name := range []string{"f", "n", "d", "e"} {
				w.must(os.RemoveAll(filepath.Join(w.root, name)))
			}
			for name, content := range map[string]string{"f": "f", "d/a": "a", "d/b": big, "e/c": "c"} {
				// Without READ_CONTROL the gateway gets no descriptor, which this connection cannot carry.
				w.file(name, content, "O:BAG:SYD:P(A;OICI;0x1d01ff;;;{alice})")
			}
			w.describe("d", shared)
			w.describe("e", shared)
			want := w.contents()
			var answer *httptest.ResponseRecorder
			answer, done = w.killAt(n, (*Gateway).Files, c.method, c.path, c.body, c.headers...)
			got := w.contents()
			for name := range want {
				check.That(t, c.each[name] != nil || got[name] == want[name],
					"%s %s killed before call %d: %s is another", c.method, c.path, n, name)
			}
			for name, content := range got {
				check.That(t, want[name] != "" || c.each[name] != nil || swept && strings.HasPrefix(name, uploadPrefix),
					"%s %s killed before call %d: there is %s", c.method, c.path, n, name)
				if content == "" {
					got[name] = "empty"
				}
			}
			for name, allowed := range c.each {
				if !slices.Contains(allowed, got[name]) {
					t.Errorf("%s %s killed before call %d: %s has %d bytes, which are neither old nor new",
						c.method, c.path, n,
						name, len(got[name]))
				}
			}
			if old, fresh := got["e/c"] == "c", got["e/a"] == "a" && got["e/b"] == big || got["e"] == "f"; old == fresh {
				t.Errorf("G-42: %s %s killed before call %d: e is neither old nor new: %t, %t", c.method, c.path, n, old, fresh)
			}
			check.That(t, c.method != "COPY" || got["n"] == "" || got["n/a"] == "a" && got["n/b"] == big,
				"G-51: %s %s killed before call %d: n is a part of the copy", c.method, c.path, n)
			for _, m := range c.moves {
				check.That(t, got[m[0]] != "" || got[m[1]] != "",
					"%s %s killed before call %d: %s and %s are gone", c.method, c.path, n, m[0], m[1])
			}
			check.That(t, !done || answer.Code == c.want, "%s %s: %d, want %d", c.method, c.path, answer.Code, c.want)
		}
		first = 6 // the calls before log the client on, and are the same for each method
	}
}

// TestKilledAnswersGrantNothing checks that a gateway killed before any of its calls for a question never answers that
// a denied right is granted, and never shows half of a token as a whole one.
func TestKilledAnswersGrantNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.file("f", "f", "O:BAG:SYD:P(A;;0x120089;;;{alice})")
	w.must(w.g.Close())
	step := int64(4)
	if randtest.Deep() {
		step = 1
	}
	const check = `{"object":{"path":"/share/f"},"rights":["DELETE"]}`
	files, console := (*Gateway).Files, (*Gateway).Console
	for i, c := range []struct {
		by                 func(*Gateway) http.Handler
		method, path, body string
		whole, never       string // the complete response contains whole; no response contains never
	}{
		{console, "POST", "/refmon.v1.Access/Check", check, "STATUS_ACCESS_DENIED", `"allowed":true`},
		{console, "POST", "/refmon.v1.Access/Explain", `{"check":` + check + `}`, "DENIED", `"allowed":true`},
		{console, "POST", "/refmon.v1.Access/Token", "{}", `"privileges":["Se`, `"groups":[]`},
		{console, "GET", "/why?path=/share/f&right=DELETE", "", "Denied (STATUS_ACCESS_DENIED)", "Allowed ("},
		{console, "GET", "/token", "", "SeChangeNotifyPrivilege", "<tbody></tbody>"},
		{files, "PROPFIND", "/share/f", propfind("<D:prop><D:current-user-privilege-set/></D:prop>"), "<D:read/>",
			"<R:write-owner/>"},
		{files, "GET", "/share/f", "", "f", "\x00"},
	} {
		for n, done := 6+int64(i)%step, false; !done; n += step { // the calls before log the client on
			var answer *httptest.ResponseRecorder
			answer, done = w.killAt(n, c.by, c.method, c.path, c.body, "Content-Type", "application/json", "Depth", "0")
			body := answer.Body.String()
			if strings.Contains(body, c.never) || !strings.Contains(body, c.whole) && (done || answer.Code == http.StatusOK &&
				!strings.Contains(body, "STATUS_")) {
				t.Errorf("%s %s killed before call %d: %d %s", c.method, c.path, n, answer.Code, body)
			}
		}
	}
}
