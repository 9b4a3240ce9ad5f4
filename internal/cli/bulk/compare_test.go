package bulk

import (
	"os"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestOnlyChangedPairsAreEvaluated checks that equal descriptors are evaluated only for principals with different
// tokens, and other descriptors for everybody, once. An answer that may change at any time is not cached.
// The remark about an unmapped account is that of the second directory, although both states share the parsed
// descriptor (B-5).
func TestOnlyChangedPairsAreEvaluated(t *testing.T) {
	company := func(text string) *directory.Directory {
		return check.Must(dirfile.Read([]byte("domain: S-1-5-21-1-2-3\nusers:\n" + text)))
	}
	const alice = "  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n"
	bob := "  - {name: bob, sid: S-1-5-21-1-2-3-1108}\n"
	staff := "  - {name: bob, sid: S-1-5-21-1-2-3-1108, memberOf: [S-1-5-21-1-2-3-2000]}\n"
	const unix, unmapped = "  - {name: carol, sid: S-1-22-1-1005}\n", "O:S-1-22-1-1005G:BAD:(A;;FR;;;S-1-22-1-1005)"
	object := func(text string) *objects.Object {
		return &objects.Object{Path: []byte("/x"), SD: []byte(text), Form: objects.FormSDDL, Type: winnt.FileObject}
	}
	const volatile = "O:BAG:BAD:(XA;;FR;;;AU;(x == 1))" // it reads local attributes
	same, other := "O:BAG:BAD:(A;;FR;;;S-1-5-21-1-2-3-2000)", "O:BAG:BAD:(A;;FR;;;AU)"
	for _, c := range []struct {
		name          string
		before, after *directory.Directory
		was, is       string
		pairs         int // whose answer is cached; 0: nothing is evaluated, or the answer may change at any time
		changes       int
		unmapped      int // objects with an account that the second directory does not have
	}{
		{"nothing", company(alice + bob), nil, same, same, 0, 0, 0},
		{"the same people read again", company(alice + bob), company(alice + bob), same, same, 0, 0, 0},
		{"a membership", company(alice + bob), company(alice + staff), same, same, 1, 1, 0},
		{"a new user", company(alice), company(alice + staff), same, same, 1, 1, 0},
		{"a descriptor", company(alice + bob), nil, same, other, 2, 2, 0},
		{"an account that is new", company(alice), company(alice + unix), unmapped, unmapped, 1, 1, 0},
		{"an account that is gone", company(alice + unix), company(alice), unmapped, unmapped, 1, 1, 1},
		{"a volatile first state", company(alice + bob), nil, volatile, other, 0, 2, 0},
		{"a volatile second state", company(alice + bob), nil, other, volatile, 0, 2, 0},
		{"both", company(alice + bob), company(alice + staff), same, other, 2, 2, 0},
	} {
		d := &Diff{Directory: c.before, DirectoryAfter: c.after, CacheBytes: defaultCache}
		if c.after == nil {
			d.DirectoryAfter = c.before
		}
		d.tables = [2]*table[parsed]{newTable[parsed](0), newTable[parsed](0)}
		d.match()
		w := newComparer(d)
		for range 2 {
			b := &box[compared]{}
			o, p := object(c.was), object(c.is)
			if err := w.object(b, p, o, p); err != nil || b.sum.Changes != c.changes || b.sum.Unmapped != c.unmapped {
				t.Errorf("%s: %v, %d changes and %d unmapped, want %d, %d", c.name, err, b.sum.Changes, b.sum.Unmapped,
					c.changes, c.unmapped)
			}
		}
		n := 0
		for q := range w.changes {
			n += len(q.pairs.pairs)
		}
		check.Equal(t, n, c.pairs, "%s: principals with a cached answer", c.name)
	}
}

// TestErrorEndsBatchOfComparison checks that the objects after an error are not compared, and that it is kept.
func TestErrorEndsBatchOfComparison(t *testing.T) {
	b := &box[compared]{}
	b.in.Add(objects.Object{})
	b.in.Add(objects.Object{})
	asked := 0
	(&comparer{d: &Diff{}}).batch(b, func(*comparer, *box[compared], *objects.Object) error {
		asked++
		return []error{os.ErrClosed, nil}[asked-1]
	})
	check.That(t, b.fatal == os.ErrClosed && asked == 1 && b.sum.Objects == 1,
		"%v after %d objects, %d counted, want an error after 1", b.fatal, asked, b.sum.Objects)
}

// TestDiffPairsPrincipalsByNameAndPosition checks that equal names pair in the order of their principals, and that a
// name without a counterpart is a pair of its own.
func TestDiffPairsPrincipalsByNameAndPosition(t *testing.T) {
	one := check.Must(dirfile.Read([]byte("users: [{name: a, sid: S-1-5-21-1-2-3-1107}]"))).Principals[0]
	people := func(names ...string) *directory.Directory {
		d := &directory.Directory{}
		for _, name := range names {
			d.Add(directory.Principal{Name: name, Token: one.Token})
		}
		return d
	}
	d := &Diff{Directory: people("x", "twin", "twin", "gone", "twin"),
		DirectoryAfter: people("twin", "new", "twin", "x", "twin", "twin")}
	d.match()
	check.SlicesEqual(t, d.pairs, []pair{{"x", 0, 3}, {"twin", 1, 0}, {"twin", 2, 2}, {"gone", 3, -1}, {"twin", 4, 4},
		{"new", -1, 1}, {"twin", -1, 5}}, "pairs")
	check.SlicesEqual(t, d.moved.pairs, []int{3, 5, 6}, "pairs whose rights can differ")
	d.pairs, d.Config.Options.Callback = nil, func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	d.match()
	check.SlicesEqual(t, d.moved.pairs, []int{0, 1, 2, 3, 4, 5, 6}, "pairs whose rights can differ, with a callback")
}
