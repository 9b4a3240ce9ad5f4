package bulk

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// TestFullCacheKeepsAncestors checks which answers a full cache keeps for the next object: those of its ancestors, also
// for an object of a directory, whose DN ends with that of the parent (U-107).
func TestFullCacheKeepsAncestors(t *testing.T) {
	for _, c := range []struct {
		above, path string
		typ         *winnt.ObjectType
		want        bool
	}{
		{`C:\a`, `C:\a\b`, winnt.FileObject, true},
		{`C:\b`, `C:\a\b`, winnt.FileObject, false},
		{"OU=a,DC=x", "CN=b,OU=a,DC=x", winnt.DirectoryServiceObject, true},
		{"CN=b", "CN=b,OU=a,DC=x", winnt.DirectoryServiceObject, false},
	} {
		p := &parents{seen: map[string]uint64{c.above: 7}}
		p.keepAncestors(c.path, c.typ)
		_, got := p.seen[c.above]
		check.That(t, got == c.want, "the answer of %q is kept for %q: %t, want %t", c.above, c.path, got, c.want)
	}
}
