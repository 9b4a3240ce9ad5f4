package main

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestUnreadableDirectoryFailsOnlyIfDecisive checks that a directory whose descriptor the caller may not read is an
// error only if it could change the decision: by refusing to be passed, or by granting what the file does not (B-24).
func TestUnreadableDirectoryFailsOnlyIfDecisive(t *testing.T) {
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-22-1-61001"))))
	refused := errors.New("you may not read this descriptor")
	unread := func(path string) stored { return stored{path: path, directory: true, unread: refused} }
	folder := func(path string) stored {
		return stored{path: path, directory: true, descriptor: sddl.MustParse(shared)}
	}
	grants := stored{path: "/t/d/f", descriptor: sddl.MustParse(hers + "(A;;FRSD;;;S-1-22-1-61001)")}
	denies := stored{path: "/t/d/f", descriptor: sddl.MustParse(quiet)}
	for i, c := range []struct {
		list     []stored
		traverse string
		want     winnt.AccessMask
		granted  bool
	}{
		{[]stored{unread("/t"), grants}, "privilege", reading, true},
		{[]stored{unread("/t"), denies}, "privilege", reading, true},
		{[]stored{unread("/t"), grants}, "always", reading, true}, // nobody traverses the root of the tree
		{[]stored{unread("/t"), grants}, "always", winnt.DELETE, true},
		{[]stored{unread("/t"), denies}, "always", winnt.DELETE, false},
		{[]stored{unread("/t"), denies}, "never", winnt.FILE_READ_ATTRIBUTES, false},
		{[]stored{unread("/t"), denies}, "never", winnt.MAXIMUM_ALLOWED, false},
		{[]stored{unread("/t"), folder("/t/d"), denies}, "always", winnt.DELETE, true},
		{[]stored{folder("/t"), unread("/t/d"), grants}, "privilege", reading, true},
		{[]stored{folder("/t"), unread("/t/d"), grants}, "always", reading, false},
		{[]stored{folder("/t"), unread("/t/d"), folder("/t/d/e"), grants}, "always", reading, false},
		{[]stored{folder("/t"), unread("/t/d"), folder("/t/d/e"), grants}, "never", reading, true},
		{[]stored{unread("/t")}, "always", reading, true}, // the file itself is an error before
	} {
		f := &fileFlags{Traverse: c.traverse}
		r, facts := f.opening(c.list, access.SubjectOf(tok), c.want)
		if err := complete(c.list, &r, &facts); (err == nil) != c.granted || err != nil && !errors.Is(err, refused) {
			t.Errorf("B-24: case %d: %v, want an error: %t", i, err, !c.granted)
		}
	}
}
