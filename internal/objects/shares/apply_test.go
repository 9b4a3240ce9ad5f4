package shares_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
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
	d := must(dirfile.Read([]byte(company)))
	c, err := shares.ParseConfig([]byte("[docs]\nvfs objects = acl_xattr\n"+settings), "")
	check.NoError(t, err)
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

// TestShareListsAreAppliedInServersOrder: each list, in the server's order (F-103 to F-108).
func TestShareListsAreAppliedInServersOrder(t *testing.T) {
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
		// Neither @ nor +: it is not a group (F-104).
		{"valid users = &staff", "", "alice", all, false, "valid users = &staff is not resolved: may not connect"},
		{"valid users = @S-1-5-21-1-2-3-2000", "", "alice", all, false,
			"valid users = @S-1-5-21-1-2-3-2000 is not resolved: may not connect"},
		{"valid users = bob", "D:(A;;FA;;;WD)", "alice", all, false, "valid users has none of his names: may not connect"},
		// A name that is not resolved ends the list (F-107).
		{"admin users = @nogroup alice", "", "alice", writing, false, "read only = yes: the share is read-only"},
		{"read only = no", "D:(A;;0x1200ad;;;WD)", "alice", writing, false, "the share's descriptor grants 0x1200ad"},
		{"read only = no", "D:(A;;0x120116;;;WD)", "alice", reading, false, "the share's descriptor grants 0x120116"},
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
		check.That(t, c.last == "" || v.Steps[len(v.Steps)-1] == c.last, "%q %s: steps %q", c.settings, c.user, v.Steps)
	}
}

// A read-only share withholds rights to write, and rights that are refused at use (F-106).
func TestReadOnlyShareWithholdsWriting(t *testing.T) {
	v, _ := decide(t, "", "", "alice")
	check.Equal(t, ^v.Left, winnt.AccessMask(0xd0156), "withheld")
	// A descriptor that does not grant FILE_WRITE_DATA makes the share read-only.
	v, _ = decide(t, "read only = no", "D:(A;;0x1f01fd;;;WD)", "alice")
	check.Equal(t, v.Left, winnt.AccessMask(0x1200a9), "rights that are left by a descriptor without writing")
}

// The account for the file check (F-108).
func TestForcedUserIsCheckedForFiles(t *testing.T) {
	for _, c := range []struct{ settings, is, not string }{
		{"", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-513 S-1-22-2-50", "S-1-22-1-990"},
		{"force user = files", "S-1-22-1-990 S-1-22-2-991", "S-1-5-21-1-2-3-1107"},
		{"force group = Board of directors", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-2001 S-1-22-2-50",
			"S-1-5-21-1-2-3-513"},
		{"force user = files\nforce group = staff", "S-1-22-1-990 S-1-5-21-1-2-3-2000", "S-1-22-2-991"},
	} {
		v, _ := decide(t, c.settings, "", "alice")
		for text := range strings.FieldsSeq(c.is) {
			check.That(t, v.As.Member(sid.MustParse(text), false), "%q: files are not asked for %s", c.settings, text)
		}
		check.That(t, !v.As.Member(sid.MustParse(c.not), false), "%q: files are asked for %s", c.settings, c.not)
	}
}

// TestDirectoryKeepsLoggedOnUser: the directory keeps who logged on.
func TestDirectoryKeepsLoggedOnUser(t *testing.T) {
	_, g := decide(t, "force user = files\nvalid users = alice", "", "bob")
	d := must(g.Apply())
	if len(d.Principals) != 3 || d.Principals[0].SID() != sid.MustParse("S-1-5-21-1-2-3-1107") ||
		d.Principals[0].Withheld != 0xd0156 || d.Principals[1].Withheld != all || d.Find("S-1-5-21-1-2-3-1108") != 1 {
		t.Errorf("%+v", d.Principals)
	}
}

func TestMalformedShareIsRefused(t *testing.T) {
	for _, c := range [][3]string{
		{"path = /\n", "", "line 1: want a section"}, {"[a\n", "", "line 1: want [name"}, {"[a]\n\nb\n", "",
			"line 3: want"},
		{"[a]\n[b]\n", "", "has the shares a, b"}, {"[a]\n", "c", `share "c"`}, {"[a]\nread only = maybe\n", "",
			"want yes or no"},
		{"[a]\ncopy = b\n", "", "unknown share"}, {"[a]\ncopy = b\n[b]\ncopy = a\n", "a", "more than 8"},
	} {
		if _, err := shares.ParseConfig([]byte(c[0]), c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%q: %v, want %q in it", c[0], err, c[2])
		}
	}
	for _, c := range [][3]string{
		{"", "", "has no share"}, {"REVISION:1\nACL:S-1-1-0\n", "", "line 2"}, {"REVISION:1\nACL:x:ALLOWED/0/FULL\n",
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
	d := must(dirfile.Read([]byte(company)))
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

// TestErrorComesWithZeroVerdict: a token that has no room for the forced group is an error, and no rights come with it.
func TestErrorComesWithZeroVerdict(t *testing.T) {
	d := must(dirfile.Read([]byte(company)))
	spec := token.Spec{User: d.Principals[0].Token.User()}
	for i := range token.MaxGroups {
		s := sid.MustParse(fmt.Sprintf("S-1-5-21-9-9-9-%d", i+1000))
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
	}
	d.Principals[0].Token = must(token.New(spec))
	c := must(shares.ParseConfig([]byte("[docs]\nvfs objects = acl_xattr\nforce group = staff\n"), ""))
	v, err := c.Guard(d, nil).Decide(0)
	check.That(t, err != nil && v.Left == 0 && v.As == nil && v.Steps == nil,
		"Decide of %d groups and a forced one: %+v, %v, want the zero Verdict and an error", token.MaxGroups, v, err)
}

func Example() {
	file := []byte("[global]\nvfs objects = acl_xattr\n[docs]\nvalid users = @staff\nwrite list = alice\n")
	dir, err := dirfile.Read([]byte(company))
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

// TestSettingsHaveServersMeaning: each name of a setting, and each word for yes and no, means what the server takes
// it for.
func TestSettingsHaveServersMeaning(t *testing.T) {
	for _, c := range []struct{ setting, want string }{
		{"path = /p", "/p||false"}, {"Directory=/d", "/d||false"}, {"acl_xattr:security_acl_name = user.acl",
			"|user.acl|false"},
		{"acl_xattr:ignore system acls = yes", "||true"}, {"ACL_XATTR:Ignore System ACLs = On", "||true"},
		{"acl_xattr:ignore system acls = 1", "||true"}, {"acl_xattr:ignore system acls = TRUE", "||true"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = no", "||false"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = off", "||false"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = 0", "||false"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = False", "||false"},
	} {
		config, err := shares.ParseConfig([]byte("[a]\nvfs objects = acl_xattr\n"+c.setting+"\n"), "A")
		if err != nil {
			t.Errorf("%s: %v", c.setting, err)
			continue
		}
		if got := fmt.Sprintf("%s|%s|%t", config.Path, config.Attribute, config.IgnorePOSIX); got != c.want ||
			len(config.Notes) != 0 {
			t.Errorf("%s: %s, want %s; %q", c.setting, got, c.want, config.Notes)
		}
	}
	// Each of these keeps or removes the right to write.
	for settings, want := range map[string]bool{
		"read only = no": true, "read only = yes": false, "": false, "writeable = yes": true, "writable = yes": true,
		"write ok = yes": true, "writable = no": false, "read only = no\nread list = bob": false,
		"write list = bob": true, "write list = alice": false, "read only = no\nread list = alice": true,
		"write list = \"bob\"": true, "write list = alice,bob": true, "write list = alice bob": true,
		"write list=alice\tbob":      true,
		"write list = \"alice bob\"": false, "read only = no\nvalid users = alice": false,
		"read only = no\nvalid users = alice, bob": true, "read only = no\ninvalid users = bob": false,
	} {
		v, _ := decide(t, settings, "", "bob")
		check.Equal(t, v.Left&writing != 0, want, "%s: bob may write", settings)
	}
}

// TestSharesAndSettingsAreLimited: a file may have so many shares and settings, and no more.
func TestSharesAndSettingsAreLimited(t *testing.T) {
	settings := func(n int) string { return "[a]\n" + strings.Repeat("x = 1\n", n) }
	sections := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[s%d]\n", i)
		}
		return b.String() + "[S0]\n" // again, so none is more
	}
	for _, c := range []struct{ file, name, want string }{
		{settings(1 << 16), "a", ""}, {settings(1<<16 + 1), "a", "line 65538: more than 65536 settings"},
		{sections(1 << 14), "s0", ""}, {sections(1<<14 + 1), "s0", "line 16385: more than 16384 shares"},
	} {
		if _, err := shares.ParseConfig([]byte(c.file), c.name); fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%.20q…: %v, want %s", c.file, err, c.want)
		}
	}
	// A section that is there twice is one.
	c := must(shares.ParseConfig([]byte("[a]\npath = /1\n[b]\npath = /2\n[A]\npath = /3\n"), "a"))
	check.That(t, c.Path == "/3" && c.Share == "a", `%+v, want c.Path = "/3", c.Share = "a"`, c)
	// The settings of a copied share are inserted at "copy", and the share's own settings before it are overridden.
	for own, want := range map[string]string{"path = /own\ncopy = t": "/t", "copy = t\npath = /own": "/own"} {
		if c := must(shares.ParseConfig([]byte("[global]\npath = /g\n[t]\npath = /t\n[a]\n"+own+"\n"), "a")); c.Path != want {
			t.Errorf("%q: %s, want %s", own, c.Path, want)
		}
	}
	if c := must(shares.ParseConfig([]byte("\ufeff[global]\npath = /g\n[a]\n"), "")); c.Path != "/g" {
		t.Errorf(`the global setting: %+v, want c.Path = "/g"`, c)
	}
	homes := must(shares.ParseConfig([]byte("[Homes]\nvfs object = acl_xattr\nmap acl inherit = No\navailable = no\n"),
		""))
	if !slices.Equal(homes.Notes, []string{"[Homes] available = no matters and is not read",
		"[Homes] [homes] is a share for each user, with a path of its own"}) {
		t.Errorf("%q", homes.Notes)
	}
}
