package bulk

import (
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Entries for one object type are counted if the request is about the whole object (B-4), and a server's accounts
// without a name are reported (B-5).
func TestObjectTypeEntriesAreReported(t *testing.T) {
	dir := check.Must(dirfile.Read([]byte("users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 1001}\n")))
	const typed = "(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)"
	const object = "1 entry is about one object type only and does not count for the whole object"
	const account = "no account of the directory has S-1-22-1-1002"
	for _, c := range []struct{ sd, rights, want string }{
		{"D:(A;;FA;;;WD)", "read", ""},
		{"D:(OA;;WP;;;WD)(OD;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)", "read", ""},
		{"D:(OA;IO;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)", "read", ""},
		{"D:" + typed, "read", object},
		{"D:" + typed, "read+AddMember", object},
		{"D:" + typed + typed, "WP", "2 entries are about one object type only and do not count for the whole object"},
		{"D:" + typed, "AddMember", ""},
		{"D:" + typed, "control", ""},
		{"D:(A;;FA;;;S-1-22-1-1001)", "read", ""},
		{"D:(A;;FA;;;S-1-22-1-1002)", "AddMember", account},
		{"O:S-1-22-1-1002D:(A;;FA;;;S-1-22-1-1003)", "read", account},
		{"O:S-1-22-1-1002D:" + typed, "read", object + "; " + account},
	} {
		rights := check.Must(words.Parse(c.rights))
		r := Run{Directory: dir, Rights: rights}
		typ := winnt.DirectoryServiceObject
		check.Equal(t, remarkOn(sddl.MustParse(c.sd), dir, r.whole(typ)).String(), c.want, "%s on %s", c.rights, c.sd)
		r = Run{Ask: What, Directory: dir, Want: rights}
		check.Equal(t, remarkOn(sddl.MustParse(c.sd), dir, r.whole(typ)).String(), c.want,
			"rights with %s on %s", c.rights, c.sd)
	}
	if all := (&Run{Ask: What}); !all.whole(winnt.DirectoryServiceObject) {
		t.Error("all rights on an object are not about the whole object, want them to be")
	}
}

// The summary counts objects with entries for one object type, and all of these entries (B-4).
func TestSummaryCountsEachTypedEntry(t *testing.T) {
	var s Summary
	for _, entries := range []int{2, 0, 1} {
		s.remark(&objects.Object{}, &Remark{Typed: entries}, "")
	}
	check.Equal(t, s.Typed, 2, "objects")
	check.Equal(t, s.TypedEntries, 3, "entries")
}

// Entries that allow none of the requested rights are not counted (B-4).
func TestTypedEntriesAreThoseAboutTheRequest(t *testing.T) {
	const member = ";bf9679c0-0de6-11d0-a285-00aa003049e2;;WD)"
	d := sddl.MustParse("D:(OA;;WP" + member + "(OA;;GA" + member)
	for desired, want := range map[winnt.AccessMask]int{winnt.ADS_RIGHT_DS_WRITE_PROP: 2, winnt.WRITE_DAC: 1,
		winnt.MAXIMUM_ALLOWED: 2, winnt.GENERIC_READ: 2} {
		check.Equal(t, TypedEntries(d, desired), want, "%v: entries", desired)
	}
}
