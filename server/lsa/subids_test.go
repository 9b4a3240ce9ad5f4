package lsa

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sid"
)

// TestSubidFilesAreMerged checks that the ranges of both files count, that a missing file has no ranges, and
// that a file above the size limit makes every id subordinate (L-24).
func TestSubidFilesAreMerged(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(path, text string, size int64) {
		err := os.WriteFile(path, []byte(text), 0o600)
		if err = errors.Join(err, os.Truncate(path, max(size, int64(len(text))))); err != nil {
			t.Fatal(err)
		}
	}
	read := func(ids ...uint32) (is []bool) {
		s := subids{files: []string{a, b}}
		for _, id := range ids {
			is = append(is, s.has(id))
		}
		return is
	}
	check := func(what string, want ...bool) {
		t.Helper()
		if got := read(99, 100, 109, 110, 500, 509, 510, 7); !slices.Equal(got, want) {
			t.Errorf("L-24: %s: %v, want %v", what, got, want)
		}
	}
	check("no file", false, false, false, false, false, false, false, false)
	write(b, "u:500:10\n", 0)
	check("the second alone", false, false, false, false, true, true, false, false)
	write(a, "u:100:10\n", 0)
	check("both", false, true, true, false, true, true, false, false)
	s := subids{files: []string{a, b}}
	if r, ok := s.owner(505); !ok || r.First != 500 || r.Last != 509 || r.Owner != "u" {
		t.Errorf(`L-29: 505 is of %+v, %t, want ok = true, r.First = 500, r.Last = 509, r.Owner = "u"`, r, ok)
	}
	if r, ok := s.owner(110); ok || r != (fileaccess.SubIDs{}) {
		t.Errorf("L-29: owner of 110 = %+v, want none", r)
	}
	write(b, "u:500:10\n", maxSubids)
	check("the longest", false, true, true, false, true, true, false, false)
	write(b, "u:500:10\n", maxSubids+1)
	check("one too long", true, true, true, true, true, true, true, true)
	write(b, "", 0)
	check("an empty one", false, true, true, false, false, false, false, false)
	// A folder is a file that cannot be read. It is read again until it can be.
	if err := errors.Join(os.Remove(b), os.Mkdir(b, 0o700)); err != nil {
		t.Fatal(err)
	}
	check("one that cannot be read", true, true, true, true, true, true, true, true)
	if s.ranges(); s.read != nil {
		t.Error("L-24: the ranges of a file that cannot be read are cached")
	}
	if err := os.Remove(b); err != nil {
		t.Fatal(err)
	}
	// The ranges are cached until a file changes.
	first := s.ranges()
	if second := s.ranges(); len(first) != 1 || &second[0] != &first[0] {
		t.Errorf("L-24: an unchanged file was read again: %v, want the same ranges", second)
	}
}

// TestSubordinateIDHasNoAccount checks that an id that became subordinate belongs to no account, group
// or map, and that its neighbour still does (L-24).
func TestSubordinateIDHasNoAccount(t *testing.T) {
	f := open(t, nil)
	domain := sid.MustParse("S-1-5-21-9-8-7")
	f.account(t, Account{Name: "alice", UID: number(5000)}, "")
	beside := f.account(t, Account{Name: "beside", UID: number(6000)}, "")
	var other sid.SID
	f.must(t, func(e *Edit) error {
		e.AddGroup(Group{Name: "team", GID: number(5000)})
		other = e.AddGroup(Group{Name: "other", GID: number(4999)})
		e.SetMaps([]IDMap{{Domain: domain, Name: "CORP", Low: 7000, High: 7999}})
		return nil
	})
	subuids(t, f, "root:5000:1000\n")
	for _, c := range []struct {
		got, want sid.SID
	}{{f.UserSID(5000), fileaccess.UnixUser(5000)}, {f.GroupSID(5000), fileaccess.UnixGroup(5000)},
		{f.UserSID(5999), fileaccess.UnixUser(5999)}, {f.GroupSID(5999), fileaccess.UnixGroup(5999)},
		{f.UserSID(6000), beside}, {f.GroupSID(4999), other}, {f.GroupSID(7000), domain.WithRID(0)},
		{f.UserSID(7999), domain.WithRID(999)}, {f.UserSID(8000), fileaccess.UnixUser(8000)}} {
		if c.got != c.want {
			t.Errorf("L-24: %v, want %v", c.got, c.want)
		}
	}
}
