package ob_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// FuzzPath opens any path in a small tree. The status of a syntax error equals that of a naive parser that works
// component by component (O-23), and no reference remains.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		``,              // no name
		`\`,             // the root itself
		`\A\ev`,         // found
		`\a\EV`,         // found without case
		`\A\ev\x`,       // through an object that is not a directory
		`\dir\ev`,       // through a link
		`\loop\x`,       // a link to itself
		`\A\`,           // empty last component
		`\\A`,           // empty first component
		`\B\\`,          // empty behind a missing one
		`A`,             // not absolute
		"\\A\x00\xff",   // not text
		`\dir\dir\A\ev`, // missing intermediate
	} {
		f.Add(seed, seed != ``)
	}
	f.Fuzz(func(t *testing.T, path string, ignoreCase bool) {
		w := newWorld(t)
		w.dir(`\A`, "")
		w.name(`\A\ev`, protected(eventType, ownEvent))
		w.name(`\dir`, ob.NewSymbolicLink(`\A`, nil))
		w.name(`\loop`, ob.NewSymbolicLink(`\loop`, nil))
		n := ob.Name{Path: path}
		if ignoreCase {
			n.Attributes = winnt.OBJ_CASE_INSENSITIVE
		}
		_, _, st := w.ns.Open(w.c, n, eventType, w.self, winnt.EVENT_QUERY_STATE)
		parts := strings.Split(path, `\`)
		wrong := ntstatus.Success
		if parts[0] != "" || len(parts) == 1 {
			wrong = ntstatus.ObjectPathSyntaxBad
		} else if path != `\` && slices.Contains(parts[1:], "") {
			wrong = ntstatus.ObjectNameInvalid
		}
		if wrong == ntstatus.ObjectNameInvalid && st == ntstatus.ObjectPathNotFound {
			wrong = st // a component before the empty one is missing
		}
		syntax := st == ntstatus.ObjectPathSyntaxBad || st == ntstatus.ObjectNameInvalid
		check.That(t, (wrong == ntstatus.Success || st == wrong) && (wrong != ntstatus.Success || !syntax),
			"opening %q: %v, want %v from the naive parser", path, st, wrong)
		root := w.ns.Root()
		w.c.Table.Drain()
		w.ns.Close()
		check.That(t, root.PointerCount() == 0,
			"%q: %d references to the root are left, want 0", path, root.PointerCount())
	})
}
