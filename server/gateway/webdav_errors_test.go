package gateway

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/server/gateway/dav"
	"github.com/refmon/refmon/server/internal/test/davcases"
)

// forBoth is a descriptor by which alice and bob may do everything.
const forBoth = "O:BAG:SYD:P(A;OICI;FA;;;{alice})(A;OICI;FA;;;{bob})"

// snapshot returns names and contents of the tree, how many locks there are, and of how many files properties are
// kept.
func (w *world) snapshot() string {
	w.Helper()
	var b strings.Builder
	w.must(filepath.WalkDir(w.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			fmt.Fprintln(&b, strings.TrimPrefix(path, w.root)+"/")
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %q\n", strings.TrimPrefix(path, w.root), content)
		return err
	}))
	locks := len(w.g.dav.Locks.Active())
	w.g.props.mu.Lock()
	defer w.g.props.mu.Unlock()
	fmt.Fprintf(&b, "%d locks, %d files with properties", locks, len(w.g.props.of))
	return b.String()
}

const lockXML, propertyXML = davcases.LockXML, davcases.PropertyXML

// tried is a method that changes something, ready to be sent.
type tried struct {
	method, body string
	headers      []string
}

// changing are all methods that change something.
var changing = []tried{{"PUT", "new", nil}, {"DELETE", "", nil}, {"MKCOL", "", nil},
	{"COPY", "", []string{"Destination", "/share/to", "Overwrite", "T"}},
	{"MOVE", "", []string{"Destination", "/share/to", "Overwrite", "T"}}, {"PROPPATCH", propertyXML, nil},
	{"LOCK", lockXML, nil}, {"UNLOCK", "", []string{"Lock-Token", "<opaquelocktoken:none>"}}}

// newFolders makes a world with a file and a folder that alice and bob may change.
func newFolders(t *testing.T) *world {
	w := newWorld(t, forBoth)
	for _, name := range []string{"file", "folder/inner", "to"} {
		w.file(name, name, forBoth)
	}
	w.describe("folder", forBoth)
	return w
}

// TestFailedConditionChangesNothing checks that no method changes anything if a condition of the request fails: for a
// file, a folder, the root of a tree and a free name (G-37). A request that fails without a condition fails the same
// with one (RFC 9110, 13.2.1).
func TestFailedConditionChangesNothing(t *testing.T) {
	w := newFolders(t)
	tag := w.want(200, "alice", "GET", "/share/file", "").header.Get("Etag")
	const long = "Sat, 03 Feb 2001 04:05:06 GMT"
	type failing struct {
		name, value string
		on          string // the targets for which the condition fails
	}
	const everywhere, present, files = "file folder root missing", "file folder root", "file"
	for _, c := range []failing{{"If-Match", `"wrong"`, everywhere}, {"If-Match", `W/` + tag, everywhere},
		{"If-Match", `"a,` + tag[1:], everywhere}, {"If-Match", `*`, "missing"}, {"If-None-Match", "*", present},
		{"If-None-Match", tag, files}, {"If-None-Match", `"x", W/` + tag, files}, {"If-Unmodified-Since", long, present},
		{"If", `(["wrong"])`, everywhere}, {"If", `([` + tag + `] <opaquelocktoken:none>)`, everywhere},
		{"If", `(<DAV:no-lock>)`, everywhere}, {"If", `(Not <DAV:no-lock> ["wrong"])`, everywhere},
		{"If", `(Not [` + tag + `])`, files}, {"If", `</share/file> (["wrong"]) </share/none> ([` + tag + `])`, everywhere},
		{"If", `<https://elsewhere.test/share/file> ([` + tag + `] Not <DAV:no-lock>)`, everywhere}} {
		for kind, path := range map[string]string{"file": "/share/file", "folder": "/share/folder", "root": "/share",
			"missing": "/share/missing"} {
			if !slices.Contains(strings.Fields(c.on), kind) {
				continue
			}
			for _, m := range changing {
				before := w.snapshot()
				got := w.ask("bob", m.method, path, m.body, append([]string{c.name, c.value}, m.headers...)...)
				refused := got.code == 412 || kind == "root" && got.code == 403 || kind == "missing" && got.code == 404 ||
					m.method == "UNLOCK" && got.code == 409 || m.method == "MKCOL" && got.code == 405 ||
					m.method == "PUT" && kind == "folder" && got.code == 405
				if after := w.snapshot(); !refused || after != before {
					t.Errorf("G-37: %s of the %s with %s: %s: %d\n%s\nchanged to\n%s", m.method, kind, c.name, c.value, got.code,
						before, after)
					w.restore()
				}
			}
		}
	}
}

// restore makes the tree again as newFolders did, after a test failed.
//
// +checklocksignore
func (w *world) restore() {
	w.Helper()
	for _, name := range []string{"file", "folder", "to", "missing"} {
		w.must(os.RemoveAll(filepath.Join(w.root, name)))
	}
	for _, name := range []string{"file", "folder/inner", "to"} {
		w.file(name, name, forBoth)
	}
	w.describe("folder", forBoth)
	w.g.dav.Locks.Drop(dav.Root, true)
	w.g.props.mu.Lock()
	defer w.g.props.mu.Unlock()
	clear(w.g.props.of)
}
