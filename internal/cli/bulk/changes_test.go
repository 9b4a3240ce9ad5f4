package bulk

import (
	"hash/maphash"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestKeyHasAllPrincipals checks that sets which differ only behind the first 64 principals have other keys (U-107).
func TestKeyHasAllPrincipals(t *testing.T) {
	check.That(t, string(bytesOf([]effective.Set{{1, 2}})) != string(bytesOf([]effective.Set{{1, 3}})), "equal keys")
}

// TestFullCacheKeepsAncestors checks which answers a full cache keeps for the next object: those of its ancestors, also
// for an object of a directory, whose DN ends with that of the parent (U-107).
func TestFullCacheKeepsAncestors(t *testing.T) {
	for _, c := range []struct {
		above, path string
		typ         *winnt.ObjectType
		want        bool
	}{
		{`C:\a`, `C:\a\b`, winnt.FileObject, true},
		{`C:\a`, `C:\a\b\c`, winnt.FileObject, true},
		{`C:\b`, `C:\a\b`, winnt.FileObject, false},
		{`C:/a`, `C:/a\b`, winnt.FileObject, true},
		{"OU=a,DC=x", "CN=b,OU=a,DC=x", winnt.DirectoryServiceObject, true},
		{"CN=b", "CN=b,OU=a,DC=x", winnt.DirectoryServiceObject, false},
	} {
		p := &parents{seen: map[string]uint64{c.above: 7}}
		p.keepAncestors(c.path, c.typ)
		_, got := p.seen[c.above]
		check.That(t, got == c.want, "the answer of %q is kept for %q: %t, want %t", c.above, c.path, got, c.want)
	}
}

// TestBackslashInNameIsNoFolder checks that an object whose Unix name has a backslash is compared with its directory,
// and that a name with a backslash at its end is not taken for its neighbour (U-107).
func TestBackslashInNameIsNoFolder(t *testing.T) {
	for _, c := range []struct{ open, shut, path string }{
		{"/d", "/d/a", `/d/a\b`}, {"d", "d/a", `d/a\b`}, {"/d/a", `/d/a\`, "/d/a/x"}, {`C:/d`, `C:/d\a`, `C:/d/x`},
	} {
		p := &parents{seen: map[string]uint64{}, seed: maphash.MakeSeed()}
		p.differs(c.open, winnt.FileObject, []byte("everyone"))
		p.differs(c.shut, winnt.FileObject, []byte("nobody"))
		check.That(t, p.differs(c.path, winnt.FileObject, []byte("nobody")),
			"%q has the answer of %q, not of %q: want a row", c.path, c.shut, c.open)
	}
}
