package expect

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// TestReport: a report says of each case where it stands, what it asked and expected, how long it
// took, and of a case that failed why; it counts the failures and names the entries that no case met.
func TestReport(t *testing.T) {
	f, err := Parse([]byte(`principals:
  u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}
descriptors:
  one: O:SYG:SYD:(A;;CC;;;WD)(A;IO;DC;;;WD)(D;;LC;;;BG)
  two: O:SYG:SY
expect:
  - name: first
    who: u
    on: [one, two]
    want: 1
    is: granted

  - {who: u, on: one, want: 0x2, is: granted}
  - {who: u, on: two, want: FR, is: denied}
`), Outside{Open: noFiles})
	if err != nil {
		t.Fatal(err)
	}
	seconds := 0
	r := f.Run(func() time.Time { seconds++; return time.Unix(int64(seconds*seconds), 0) })
	// The clock says 1, then 4 and 9, 16 and 25, 36 and 49, 64 and 81, and at last 100.
	if r.Took != 99*time.Second || r.Failed != 2 {
		t.Errorf("took %v, %d failed", r.Took, r.Failed)
	}
	for i := range r.Cases {
		c := &r.Cases[i]
		if (c.Why == "") != (c.Problem == "") || c.Why != "" && !strings.Contains(c.Why, "FILE_") {
			t.Errorf("case %d, %q: %s", i, c.Problem, c.Why)
		}
		c.Why = ""
	}
	want := []Case{
		{Line: 7, Name: "first", Who: "u", On: "one", Want: "1", Granted: true, Expected: true, Took: 5 * time.Second},
		{Line: 7, Name: "first", Who: "u", On: "two", Want: "1", Granted: true, Expected: true, Took: 9 * time.Second,
			Note: batch.NoDACL},
		{Line: 13, Who: "u", On: "one", Want: "0x2", Expected: true, Took: 13 * time.Second,
			Problem: "denied, expected granted", By: "denied FILE_WRITE_DATA by NoAce"},
		{Line: 14, Who: "u", On: "two", Want: "FR", Granted: true, Took: 17 * time.Second, Note: batch.NoDACL,
			Problem: "granted, expected denied", By: "granted FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|" +
				"READ_CONTROL|SYNCHRONIZE by NullDacl"},
	}
	if !reflect.DeepEqual(r.Cases, want) {
		t.Errorf("got %+v\nwant %+v", r.Cases, want)
	}
	covered := []Coverage{{Name: "one", Line: 4, Entries: 2, Never: []Entry{{2, "(D;;LC;;;BG)"}}},
		{Name: "two", Line: 5}}
	if !reflect.DeepEqual(r.Coverage, covered) {
		t.Errorf("got %+v\nwant %+v", r.Coverage, covered)
	}
}

// TestWhatIsWrong: each part of a file that is not as it should be is named, with its line.
func TestWhatIsWrong(t *testing.T) {
	const head = "principals: {a: {user: SY}}\ndescriptors: {d: 'D:'}\n"
	const row = "who: a, on: d, want: FR, is: denied"
	without := func(field string) string { return strings.Replace(row, field+": ", "name: x"+field+", why: ", 1) }
	for text, want := range map[string]string{
		"descriptors: {d: {sddl: 'D:', type: pipes}}": "line 1: descriptors.d.type: no such type of object \"pipes\", " +
			"want one of " + batch.ObjectTypes,
		"descriptors: {d: {sddl: 'D:', hex: '01'}}":  "line 1: descriptors.d: want either sddl or hex",
		"descriptors: {d: [a]}":                      "line 1: descriptors.d: want text",
		"principals: {b: 1}":                         "line 1: principals.b: no files here",
		"domain: [x]":                                "line 1: domain: want text",
		head + "expect:\n- {" + without("who") + "}": `line 4: expect[0]: the expectation lacks "who"`,
		head + "expect:\n- {" + without("on") + "}":  `line 4: expect[0]: the expectation lacks "on"`,
		head + "expect:\n- {" + without("is") + "}":  `line 4: expect[0]: the expectation lacks "is"`,
		head + "expect:\n- {" + row + "}\n- {" + strings.Replace(row, "FR", "[FR, FW]", 1) + "}": "line 5: " +
			"expect[1].want: want one value",
		head + "expect:\n- {" + strings.Replace(row, "denied", "[]", 1) + "}": "line 4: expect[0].is: want one value",
		head + "expect:\n- {name: [a, b], " + row + "}":                       "line 4: expect[0].name: want one value",
		head + "expect:\n- {call: [], " + row + "}":                           "line 4: expect[0].call: want one value",
		head + "expect:\n- {self: [], " + row + "}":                           "line 4: expect[0].self: want one value",
		head + "expect:\n- {self: QQ, " + row + "}":                           "line 4: expect[0].self: ",
		head + "expect:\n- {call: NtOpen, " + row + "}": `line 4: expect[0].call: "NtOpen", want SeAccessCheck or ` +
			"NtAccessCheck",
		head + "expect:\n- {" + strings.Replace(row, "denied", "Denied", 1) + "}": `line 4: expect[0].is: "Denied", ` +
			"want granted or denied",
		head + "expect:\n- {" + strings.Replace(row, "on: d", "on: e", 1) + "}": "line 4: expect[0].on: there is no " +
			`descriptor and no object "e"`,
		head + "expect:\n- {" + strings.Replace(row, "who: a", "who: [a, z]", 1) + "}": "line 4: expect[0].who: there " +
			`is no principal "z"`,
		head + "expect:\n- {" + strings.Replace(row, "FR", "nonsense", 1) + "}": "line 4: expect[0].want: ",
		head + "expect:\n- {" + strings.Replace(row, "FR", "[[FR]]", 1) + "}":   "line 4: expect[0].want[0]: want text",
	} {
		_, err := Parse([]byte(text), Outside{Open: noFiles})
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(want, ": ") &&
			err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestCoverageOfOtherTypes: an entry that decides nothing by its type, such as one of a SACL, is not
// counted among those that can.
func TestCoverageOfOtherTypes(t *testing.T) {
	var list [3]sd.ACE
	for i, typ := range []sd.Type{sd.SystemAudit, sd.AccessDenied, sd.AccessAllowed} {
		var err error
		if list[i], err = sd.NewACE(typ, 0, 1<<i, sid.Everyone); err != nil {
			t.Fatal(err)
		}
	}
	l, err := sd.NewACL(list[:]...)
	if err != nil {
		t.Fatal(err)
	}
	d := Descriptor{Name: "d", Line: 9, SD: sd.New(sd.Parts{DACL: l})}
	want := Coverage{Name: "d", Line: 9, Entries: 2, Never: []Entry{{1, "(D;;DC;;;WD)"}}}
	if got := d.coverage(map[int]bool{2: true}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
