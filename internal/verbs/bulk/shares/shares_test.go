package shares_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/internal/verbs/bulk/shares"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const company = `
domain: S-1-5-21-1-2-3
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [staff], uid: 1001, gid: 50}
  - {name: bob, sid: S-1-5-21-1-2-3-1108}
  - {name: carol, sid: S-1-5-21-1-2-3-1109, memberOf: [staff, Board of directors]}
  - {name: files, sid: S-1-22-1-990, gid: 991, disabled: true}
groups:
  - {name: staff, sid: S-1-5-21-1-2-3-2000, gid: 2000}
  - {name: Board of directors, sid: S-1-5-21-1-2-3-2001}
`

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// decide asks a share of these settings for a user.
func decide(t *testing.T, settings, security, user string) (shares.Verdict, *shares.Guard) {
	t.Helper()
	d := must(people.Read([]byte(company)))
	c, err := shares.ParseConfig([]byte("[docs]\nvfs objects = acl_xattr\n"+settings), "")
	if err != nil {
		t.Fatal(err)
	}
	var s *sd.Descriptor
	if security != "" {
		s = sddl.MustParse(security)
	}
	g := c.Guard(d, s)
	return must(g.Decide(d.Find(user))), g
}

const (
	all     = ^winnt.AccessMask(0)
	reading = winnt.FILE_READ_DATA
	writing = winnt.FILE_WRITE_DATA
)

// TestOrder: each list, in the server's order (F-103 to F-108).
func TestOrder(t *testing.T) {
	for _, c := range []struct {
		settings, security, user string
		denied                   winnt.AccessMask // of reading and writing data
		root                     bool
		last                     string // step
	}{
		{"", "", "alice", writing, false, "read only = yes: the share is read-only"},
		{"read only = no", "", "alice", 0, false, "read only = no: the share may be written"},
		{"Write Able = yes", "", "alice", 0, false, "read only = no: the share may be written"},
		{"writeable = yes\nread only = yes", "", "alice", writing, false, "read only = yes: the share is read-only"},
		{"valid users = bob", "", "alice", all, false, "valid users has none of his names: may not connect"},
		{"valid users = bob, @staff\ninvalid users = carol", "", "alice", writing, false, ""},
		{"valid users = bob, @staff\ninvalid users = carol", "", "carol", all, false,
			"invalid users = carol: may not connect"},
		{`valid users = +"Board of directors"`, "", "carol", writing, false, ""},
		{`valid users = "+Board of directors"`, "", "carol", writing, false, ""},
		{"valid users = staff", "", "alice", all, false, ""}, // a user's name (F-104)
		{"valid users = S-1-5-21-1-2-3-2000", "", "alice", writing, false, ""},
		{`valid users = CORP\alice`, "", "alice", writing, false, ""},
		{"valid users = alice nobody2", "", "alice", writing, false, ""},
		{"valid users = nobody2 alice", "", "alice", all, false,
			"valid users = nobody2 is not resolved: may not connect"},
		{"invalid users = @nogroup", "", "alice", all, false, "invalid users = @nogroup: may not connect"}, // F-107
		{"valid users = %U", "", "alice", all, false, ""},
		// Neither @ nor +: it is no group (F-104).
		{"valid users = &staff", "", "alice", all, false, "valid users = &staff is not resolved: may not connect"},
		{"valid users = @S-1-5-21-1-2-3-2000", "", "alice", all, false,
			"valid users = @S-1-5-21-1-2-3-2000 is not resolved: may not connect"},
		{"valid users = bob", "D:(A;;FA;;;WD)", "alice", all, false, "valid users has none of his names: may not connect"},
		// A name that is not resolved ends the list (F-107).
		{"admin users = @nogroup alice", "", "alice", writing, false, "read only = yes: the share is read-only"},
		{"read only = no", "D:(A;;0x1200ad;;;WD)", "alice", writing, false, "the share's descriptor grants 0x1200ad"},
		{"read only = no", "D:(A;;FX;;;WD)", "alice", all, false,
			"neither reading nor writing data is left: may not connect"}, // both are withheld (F-106)
		{"valid users = &netgroup", "", "alice", all, false, ""},
		{"read only = no\nread list = @staff", "", "alice", writing, false,
			"read list = @staff: the share is read-only"},
		{"read list = @staff\nwrite list = alice", "", "alice", 0, false,
			"write list = alice: the share may be written"}, // F-105
		{"read only = no\nread list = @nogroup", "", "alice", writing, false, ""},
		{"write list = @nogroup alice", "", "alice", writing, false, ""},
		{"read only = no", "D:(A;;0x1200a9;;;WD)", "alice", writing, false, "the share's descriptor grants 0x1200a9"},
		{"read only = no", "D:(A;;RC;;;WD)", "alice", all, false, ""}, // F-106
		{"", "D:(A;;0x120196;;;WD)", "alice", all, false, "neither reading nor writing data is left: may not connect"},
		{"", "D:(D;;FA;;;S-1-5-21-1-2-3-2000)(A;;FA;;;WD)", "alice", all, false, ""},
		{"admin users = @staff", "", "alice", writing, true, "admin users = @staff: files are not asked"},
		{"admin users = @staff", "", "bob", writing, false, ""},
		{"force user = ghost", "", "alice", all, false, ""},
		{"force group = ghost", "", "alice", all, false, ""},
		{"force user = bob\nforce group = +staff", "", "alice", all, false, ""},
		{"force group = +staff", "", "bob", writing, false, "read only = yes: the share is read-only"},
	} {
		v, g := decide(t, c.settings, c.security, c.user)
		if got := ^v.Left & (reading | writing); got != c.denied&(reading|writing) || v.Root != c.root {
			t.Errorf("%q %s: left %v, root %t\n%q %q", c.settings, c.user, v.Left, v.Root, v.Steps, g.Notes)
		}
		if c.last != "" && v.Steps[len(v.Steps)-1] != c.last {
			t.Errorf("%q %s: steps %q", c.settings, c.user, v.Steps)
		}
	}
}

// TestReadOnly: what a read-only share withholds: writing, and what is refused when it is
// used (F-106).
func TestReadOnly(t *testing.T) {
	v, _ := decide(t, "", "", "alice")
	if ^v.Left != 0xd0156 {
		t.Errorf("left %v", v.Left)
	}
}

// TestForced: as whom files are asked (F-108).
func TestForced(t *testing.T) {
	for _, c := range []struct{ settings, is, not string }{
		{"", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-513 S-1-22-2-50", "S-1-22-1-990"},
		{"force user = files", "S-1-22-1-990 S-1-22-2-991", "S-1-5-21-1-2-3-1107"},
		{"force group = Board of directors", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-2001 S-1-22-2-50",
			"S-1-5-21-1-2-3-513"},
		{"force user = files\nforce group = staff", "S-1-22-1-990 S-1-5-21-1-2-3-2000", "S-1-22-2-991"},
	} {
		v, _ := decide(t, c.settings, "", "alice")
		for text := range strings.FieldsSeq(c.is) {
			if !v.As.Member(sid.MustParse(text), false) {
				t.Errorf("%q: files are not asked for %s", c.settings, text)
			}
		}
		if v.As.Member(sid.MustParse(c.not), false) {
			t.Errorf("%q: files are asked for %s", c.settings, c.not)
		}
	}
}

// TestApply: the directory keeps who logged on.
func TestApply(t *testing.T) {
	_, g := decide(t, "force user = files\nvalid users = alice", "", "bob")
	d := must(g.Apply())
	if len(d.Principals) != 3 || d.Principals[0].SID() != sid.MustParse("S-1-5-21-1-2-3-1107") ||
		d.Principals[0].Withheld != 0xd0156 || d.Principals[1].Withheld != all || d.Find("S-1-5-21-1-2-3-1108") != 1 {
		t.Errorf("%+v", d.Principals)
	}
}

// TestNotes: what matters and is not read is said.
func TestNotes(t *testing.T) {
	const file = "# a comment\n; another\n[global]\n  hosts allow = 10.\n  Include = /etc/x.conf\n" +
		" acl_xattr:ignore system acls = yes\n" +
		"  vfs objects = acl_xattr recycle\n nt acl support = yes\n[template]\n read only = no\n[docs]\n path = /srv/%U\n" +
		" copy = template\n inherit owner = yes\n hide unreadable = yes\n valid users = alice, \\\n  bob, staff, @none\n" +
		"[homes]\n"
	c := must(shares.ParseConfig([]byte(file), "DOCS"))
	g := c.Guard(must(people.Read([]byte(company))), nil)
	want := []string{"[docs] hosts allow = 10. matters and is not read",
		"[docs] Include = /etc/x.conf matters and is not read",
		"[docs] inherit owner = yes matters and is not read", "[docs] hide unreadable = yes matters and is not read",
		"[docs] vfs objects: what recycle does is not known",
		"[docs] path = /srv/%U: what the server puts for % is not known",
		"[docs] valid users: staff is a group: without @ or + it means a user, and no one matches",
		"[docs] valid users: @none is not resolved by this directory, " +
			"and a server that cannot resolve it lets no one further"}
	if !slices.Equal(g.Notes, want) {
		t.Errorf("notes %q", g.Notes)
	}
	if c.Path != "" || !c.IgnorePOSIX || c.Share != "docs" {
		t.Errorf("%+v", c)
	}
	v := must(g.Decide(1))
	if v.Steps[0] != "valid users = bob: may connect" || ^v.Left != 0 {
		t.Errorf("a list that goes on, and a copied share: %+v", v)
	}
}

// TestSecurity: what sharesec prints; with FULL, CHANGE, READ, letters and numbers.
func TestSecurity(t *testing.T) {
	const printed = "REVISION:1\nCONTROL:SR|DP\nOWNER:\nGROUP:\nACL:S-1-5-21-1-2-3-4:DENIED/OI|CI/RW\n" +
		"ACL:S-1-5-11:ALLOWED/0x0/READ\nACL:S-1-1-0:ALLOWED/I/CHANGE\nACL:S-1-5-18:0/0x0/FULL\nACL:S-1-5-2:1/0x3/0x00000040\n"
	d := must(shares.ParseSecurity([]byte(printed), ""))
	const want = "D:(D;OICI;0x12019f;;;S-1-5-21-1-2-3-4)(A;;0x1200a9;;;AU)(A;ID;0x1301ff;;;WD)(A;;FA;;;SY)(D;OICI;DT;;;NU)"
	if got, err := sddl.Format(d, sddl.Options{}); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	two := "[a]\n" + printed + "\n[b]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0x0/XDPO\n\n"
	if got := must(sddl.Format(must(shares.ParseSecurity([]byte(two), "B")),
		sddl.Options{})); got != "D:(A;;0x1f00a0;;;WD)" {
		t.Errorf("b of two: %s", got)
	}
	if !shares.IsSecurity([]byte(two)) || !shares.IsSecurity([]byte(printed)) ||
		shares.IsSecurity([]byte("[a]\npath = /\n")) {
		t.Error("which file is sharesec's?")
	}
}

func TestErrors(t *testing.T) {
	for _, c := range [][3]string{
		{"path = /\n", "", "line 1: want a section"}, {"[a\n", "", "line 1: want [name"}, {"[a]\n\nb\n", "",
			"line 3: want"},
		{"[a]\n[b]\n", "", "has the shares a, b"}, {"[a]\n", "c", `share "c"`}, {"[a]\nread only = maybe\n", "",
			"want yes or no"},
		{"[a]\ncopy = b\n", "", "there is no such share"}, {"[a]\ncopy = b\n[b]\ncopy = a\n", "a", "more than 8"},
	} {
		if _, err := shares.ParseConfig([]byte(c[0]), c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%q: %v, want %q in it", c[0], err, c[2])
		}
	}
	for _, c := range [][3]string{
		{"", "", "tells nothing"}, {"REVISION:1\nACL:S-1-1-0\n", "", "line 2"}, {"REVISION:1\nACL:x:ALLOWED/0/FULL\n",
			"", "line 2"},
		{"REVISION:1\nACL:S-1-1-0:MAYBE/0/FULL\n", "", "type"}, {"REVISION:1\nACL:S-1-1-0:ALLOWED/Z/FULL\n", "",
			"flags"},
		{"REVISION:1\nACL:S-1-1-0:ALLOWED/0/ABC\n", "", "rights"}, {"[a]\nREVISION:1\n[b]\nREVISION:1\n", "",
			"2 shares"},
		{"[a]\nREVISION:1\n", "b", `"b"`}, {"what\n", "", "line 1"},
	} {
		if _, err := shares.ParseSecurity([]byte(c[0]), c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%q: %v, want %q in it", c[0], err, c[2])
		}
	}
}

// FuzzConfig: no panic, time and memory in proportion, and a decision for each user.
func FuzzConfig(f *testing.F) {
	f.Add("[global]\nvfs objects = acl_xattr\n[a]\nvalid users = alice \"+Board of directors\"\n"+
		"force group = +staff\n", "a")
	f.Add("[a]\ncopy = a\n", "")
	f.Add("[a]\nread only = \\\nno\nadmin users = @staff\nforce user = bob\n", "a")
	d := must(people.Read([]byte(company)))
	f.Fuzz(func(t *testing.T, text, name string) {
		bounded.Run(t, len(text), func() {
			c, err := shares.ParseConfig([]byte(text), name)
			if err != nil {
				return
			}
			g := c.Guard(d, nil)
			for i := range d.Principals {
				if v, err := g.Decide(i); err != nil || v.As == nil {
					t.Errorf("%d: %+v, %v", i, v, err)
				}
			}
		})
	})
}

// FuzzSecurity: no panic, and what is read can be written.
func FuzzSecurity(f *testing.F) {
	f.Add("[a]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0x0/FULL\n", "a")
	f.Add("REVISION:1\nACL:S-1-1-0:1/OI|IO/RWXDPO\n", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		bounded.Run(t, len(text), func() {
			if d, err := shares.ParseSecurity([]byte(text), name); err == nil {
				if _, err := sddl.Format(d, sddl.Options{}); err != nil {
					t.Error(err)
				}
			}
		})
	})
}

func Example() {
	file := []byte("[global]\nvfs objects = acl_xattr\n[docs]\nvalid users = @staff\nwrite list = alice\n")
	dir, err := people.Read([]byte(company))
	if err != nil {
		panic(err)
	}
	config, err := shares.ParseConfig(file, "docs")
	if err != nil {
		panic(err)
	}
	v, err := config.Guard(dir, nil).Decide(dir.Find("carol"))
	fmt.Println(strings.Join(v.Steps, "; "), err)
	// Output: valid users = @staff: may connect; read only = yes: the share is read-only <nil>
}
