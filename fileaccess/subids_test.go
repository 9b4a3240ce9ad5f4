package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
)

// ParseSubIDs reads lines of /etc/subuid with an owner, a first id and a count, and limits ranges to the highest id.
// Its numbers are those that getsubids of shadow 4.13 prints for the same lines (L-24). It ignores other lines.
// Overlaps includes both ends of a range.
func TestParseSubIDsAndOverlaps(t *testing.T) {
	const last = 1<<32 - 1
	for line, want := range map[string][]fileaccess.SubIDs{
		"alice:100000:65536":       {{First: 100000, Last: 165535, Owner: "alice"}},
		"  1000:7:1\t\n":           {{First: 7, Last: 7, Owner: "1000"}},
		"a:0:1\nb:1:2\n":           {{First: 0, Last: 0, Owner: "a"}, {First: 1, Last: 2, Owner: "b"}},
		"a:4294967295:1":           {{First: last, Last: last, Owner: "a"}},
		"a:4294967294:1":           {{First: last - 1, Last: last - 1, Owner: "a"}},
		"a:4294967294:2":           {{First: last - 1, Last: last, Owner: "a"}},
		"a:4294967294:3":           {{First: last - 1, Last: last, Owner: "a"}},
		"a:1:18446744073709551615": {{First: 1, Last: last, Owner: "a"}},
		"a:1:18446744073709551616": nil,
		"a:4294967296:1":           nil,
		"a:1:0":                    nil,
		"a:-1:1":                   nil,
		"a:1:-1":                   nil,
		"a:1":                      nil,
		"a:1:2:3":                  {{First: 1, Last: 2, Owner: "a"}},
		"a:0x186A0:0x10000":        {{First: 100000, Last: 165535, Owner: "a"}},
		"a:0200000:020":            {{First: 65536, Last: 65551, Owner: "a"}},
		"a:+5: 6":                  {{First: 5, Last: 10, Owner: "a"}},
		"a:08:1":                   nil,
		"a:x:1":                    nil,
		"a:1:x":                    nil,
		"":                         nil,
		"# hers\nb:5:5":            {{First: 5, Last: 9, Owner: "b"}},
	} {
		check.SlicesEqual(t, fileaccess.ParseSubIDs(line), want, "ParseSubIDs(%q)", line)
	}
	r := fileaccess.SubIDs{First: 10, Last: 12}
	for _, c := range []struct {
		first, last uint32
		want        bool
	}{{0, 9, false}, {0, 10, true}, {10, 10, true}, {11, 11, true}, {12, 12, true}, {12, 99, true}, {13, 99, false},
		{0, 99, true}} {
		check.Equal(t, r.Overlaps(c.first, c.last), c.want, "Overlaps(%d, %d)", c.first, c.last)
	}
	check.That(t, r.String() == "10-12", "String = %s, want 10-12", r)
}
