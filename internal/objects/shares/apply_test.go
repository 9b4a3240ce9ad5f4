package shares_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
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

func directoryOf() *directory.Directory { return check.Must(dirfile.Read([]byte(company))) }

// decide returns the decision of a share with these settings about a user.
func decide(t *testing.T, settings, security, user string) (shares.Verdict, *shares.Guard) {
	t.Helper()
	c, err := shares.ParseConfig([]byte("[docs]\nvfs objects = acl_xattr\n"+settings), "")
	check.NoError(t, err)
	d := directoryOf()
	var s *sd.Descriptor
	if security != "" {
		s = sddl.MustParse(security)
	}
	g := c.Guard(d, s)
	return check.Must(g.Decide(d.Find(user))), g
}

const (
	all     = ^winnt.AccessMask(0)
	reading = winnt.FILE_READ_DATA
	writing = winnt.FILE_WRITE_DATA
)

// TestShareListsAreAppliedInServersOrder checks each list, in the server's order (F-103 to F-108).
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
		// A user's name (F-104).
		{"valid users = staff", "", "alice", all, false, "valid users has none of his names: may not connect"},
		{`valid users = CORP\staff`, "", "alice", all, false, "valid users has none of his names: may not connect"},
		{`valid users = @CORP\staff`, "", "alice", writing, false, ""},
		{"valid users = S-1-5-21-1-2-3-2000", "", "alice", writing, false, ""},
		{`valid users = CORP\alice`, "", "alice", writing, false, ""},
		{"valid users = alice nobody2", "", "alice", writing, false, ""},
		{"valid users = nobody2 alice", "", "alice", all, false,
			"valid users = nobody2 is not resolved: may not connect"},
		{"invalid users = @nogroup", "", "alice", all, false, "invalid users = @nogroup: may not connect"}, // F-107
		{"valid users = %U", "", "alice", all, false, ""},
		// Neither @ nor +: it is not a group (F-104).
		{"valid users = wd", "", "alice", all, false, "valid users = wd is not resolved: may not connect"}, // not Everyone
		{"valid users = &staff", "", "alice", all, false, "valid users = &staff is not resolved: may not connect"},
		{"valid users = @S-1-5-21-1-2-3-2000", "", "alice", all, false,
			"valid users = @S-1-5-21-1-2-3-2000 is not resolved: may not connect"},
		{"valid users = bob", "D:(A;;FA;;;WD)", "alice", all, false, "valid users has none of his names: may not connect"},
		// A name that is not resolved ends the list (F-107).
		{"admin users = @nogroup alice", "", "alice", writing, false, "read only = yes: the share is read-only"},
		{"read only = no", "D:(A;;0x1200ad;;;WD)", "alice", writing, false, "the share's descriptor grants 0x1200ad"},
		{"read only = no", "D:(A;;0x120116;;;WD)", "alice", reading, false, "the share's descriptor grants 0x120116"},
		{"read only = no", "D:(A;;0x1200a8;;;WD)", "alice", all, false,
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
		{"admin users = @staff", "", "alice", writing, true, "admin users = @staff: descriptors of files are not checked"},
		{"admin users = @staff", "", "bob", writing, false, ""},
		{"force user = ghost", "", "alice", all, false,
			"force user = ghost: the directory has no such user, so no session is created: may not connect"},
		{"force group = ghost", "", "alice", all, false,
			"force group = ghost: the directory has no such group, so no session is created: may not connect"},
		{"force user = bob\nforce group = +staff", "", "alice", all, false, ""},
		{"force group = +staff", "", "bob", writing, false, "read only = yes: the share is read-only"},
	} {
		v, g := decide(t, c.settings, c.security, c.user)
		check.That(t, (^v.Left^c.denied)&(reading|writing) == 0 && v.Root == c.root,
			"%q %s: left %v, root %t\n%q %q", c.settings, c.user, v.Left, v.Root, v.Steps, g.Notes)
		check.That(t, c.last == "" || v.Steps[len(v.Steps)-1] == c.last, "%q %s: steps %q", c.settings, c.user, v.Steps)
	}
}

// TestNameMeansExactUserFirst checks that a name in a list or in force user means the user with exactly this name, and
// in another case only one that no other user shares (F-104).
func TestNameMeansExactUserFirst(t *testing.T) {
	d := check.Must(dirfile.Read([]byte("users:\n- {name: Bob, sid: S-1-22-1-1001}\n- {name: bob, sid: S-1-22-1-1002}\n" +
		"- {name: ann, sid: S-1-22-1-1003}\n")))
	for settings, want := range map[string]string{"valid users = bob": "bob", "valid users = Bob": "Bob",
		"valid users = BOB": "", "valid users = ANN": "ann", "force user = bob": "Bob bob ann", "force user = BOB": ""} {
		g := check.Must(shares.ParseConfig([]byte("[docs]\n"+settings), "")).Guard(d, nil)
		var got []string
		for i := range d.Principals {
			v := check.Must(g.Decide(i))
			if v.Left != 0 {
				got = append(got, d.Principals[i].Name)
			}
			if settings == "force user = bob" {
				check.Equal(t, v.As.User().SID, directory.UnixUsers.WithRID(1002), "forced user")
			}
		}
		check.Equal(t, strings.Join(got, " "), want, "%s lets in", settings)
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
		{`force user = "files"`, "S-1-22-1-990 S-1-22-2-991", "S-1-5-21-1-2-3-1107"},
		{"force group = \"Board of directors\"", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-2001 S-1-22-2-50",
			"S-1-5-21-1-2-3-513"},
		{"force user = files\nforce group = staff", "S-1-22-1-990 S-1-5-21-1-2-3-2000", "S-1-22-2-991"},
		{"group = staff", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-2000", "S-1-5-21-1-2-3-513"},
		{"force user = CORP\\bob\ngroup = CORP\\staff", "S-1-5-21-1-2-3-1108 S-1-5-21-1-2-3-2000",
			"S-1-5-21-1-2-3-1107"},
	} {
		v, _ := decide(t, c.settings, "", "alice")
		for text := range strings.FieldsSeq(c.is) {
			check.That(t, v.As.Member(sid.MustParse(text), false), "%q: access is not checked for %s", c.settings, text)
		}
		check.That(t, !v.As.Member(sid.MustParse(c.not), false), "%q: access is checked for %s", c.settings, c.not)
		seen := map[sid.SID]bool{}
		for _, g := range v.As.Groups() {
			check.That(t, !seen[g.SID], "%q: %v is twice among the groups", c.settings, g.SID)
			seen[g.SID] = true
		}
	}
}

// TestDirectoryKeepsLoggedOnUser checks that the directory keeps the user who logged on.
func TestDirectoryKeepsLoggedOnUser(t *testing.T) {
	_, g := decide(t, "force user = files\nvalid users = alice", "", "bob")
	d := check.Must(g.Apply())
	check.RequireThat(t, len(d.Principals) == 3, "%d principals, want 3", len(d.Principals))
	alice := &d.Principals[0]
	check.That(t, alice.SID() == sid.MustParse("S-1-5-21-1-2-3-1107") && alice.Withheld == 0xd0156 &&
		d.Principals[1].Withheld == all && d.Find("S-1-5-21-1-2-3-1108") == 1, "principals %+v", d.Principals)
	_, g = decide(t, "admin users = alice", "", "bob")
	d = check.Must(g.Apply())
	check.Equal(t, d.Principals[0].Withheld, winnt.AccessMask(0xd0156), "rights that the share withholds from its admin")
	check.That(t, d.Principals[0].Root && !d.Principals[1].Root, "root counts for %+v, want it for alice", d.Principals)
}

func TestMalformedShareIsRefused(t *testing.T) {
	for _, c := range [][3]string{
		{"path = /\n", "", "line 1: want a section"}, {"[a\n", "", "line 1: want [name"},
		{"[a] b\n", "", "line 1: want [name"}, {"[ ]\n", "", "line 1: want [name"},
		{"[a]\n\nb\n", "", "line 3: want"}, {"[a]\n[b]\n", "", "has the shares a, b"}, {"[a]\n", "c", `share "c"`},
		{"[a]\nread only = maybe\n", "", "want yes or no"},
		{"[a]\ncopy = b\n[b]\n", "a", "line 2: [a] copy = b: want an earlier share"},
		{"[t]\ncopy = b\n[c]\ncopy = t\n[a]\ncopy = c\n", "a", "line 2: [t] copy = b: want an earlier share"},
		{"[a]\nread only = no\n[b]\nread only = maybe\n", "a", "line 4: [b] read only = maybe: want yes or no"},
		{"[a]\ncopy = A\n", "a", "an earlier share"}, {"[global]\n[a]\ncopy = global\n", "a", "an earlier share"},
		{"[a]\n[global]\ncopy = a\n", "a", "no copy in [global]"},
	} {
		_, err := shares.ParseConfig([]byte(c[0]), c[1])
		check.That(t, err != nil && strings.Contains(err.Error(), c[2]), "%q: %v, want %q in it", c[0], err, c[2])
	}
	for _, c := range [][3]string{
		{"", "", "has no share"}, {"[a]\nREVISION:1\n[b]\nREVISION:1\n", "", "2 shares"},
		{"[a]\nREVISION:1\n", "b", `"b"`}, {"what\n", "", "line 1"},
	} {
		_, err := shares.ParseSecurity([]byte(c[0]), c[1])
		check.That(t, err != nil && strings.Contains(err.Error(), c[2]), "%q: %v, want %q in it", c[0], err, c[2])
	}
}

// FuzzConfig checks that no configuration causes a panic, that time and memory are in proportion to its length, and
// that each user gets a decision.
func FuzzConfig(f *testing.F) {
	f.Add("[global]\nvfs objects = acl_xattr\n[a]\nvalid users = alice \"+Board of directors\"\n"+
		"force group = +staff\n", "a")
	f.Add("[a]\ncopy = a\n", "")
	f.Add("[a]\nread only = \\\nno\nadmin users = @staff\nforce user = bob\n", "a")
	d := directoryOf()
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

// TestErrorComesWithZeroVerdict checks that a token that has no room for the forced group is an error, and no rights
// come with it.
func TestErrorComesWithZeroVerdict(t *testing.T) {
	d := directoryOf()
	spec := token.Spec{User: d.Principals[0].Token.User()}
	for i := range token.MaxGroups {
		s := sid.MustParse(fmt.Sprintf("S-1-5-21-9-9-9-%d", i+1000))
		spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
	}
	d.Principals[0].Token = check.Must(token.New(spec))
	c := check.Must(shares.ParseConfig([]byte("[docs]\nvfs objects = acl_xattr\nforce group = staff\n"), ""))
	v, err := c.Guard(d, nil).Decide(0)
	check.That(t, err != nil && v.Left == 0 && v.As == nil && v.Steps == nil,
		"Decide of %d groups and a forced one: %+v, %v, want the zero Verdict and an error", token.MaxGroups, v, err)
	_, err = c.Guard(d, nil).Apply()
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "alice: "), "Apply: %v, want the error of alice", err)
}

func Example() {
	file := []byte("[global]\nvfs objects = acl_xattr\n[docs]\nvalid users = @staff\nwrite list = alice\n")
	dir := check.Must(dirfile.Read([]byte(company)))
	config := check.Must(shares.ParseConfig(file, "docs"))
	v, err := config.Guard(dir, nil).Decide(dir.Find("carol"))
	fmt.Println(strings.Join(v.Steps, "; "), err)
	// Output: valid users = @staff: may connect; read only = yes: the share is read-only <nil>
}

// TestSettingsHaveServersMeaning checks that each name of a setting, and each word for yes and no, means what the
// server takes it for.
func TestSettingsHaveServersMeaning(t *testing.T) {
	settings := map[string]string{"path = /p": "/p||false", "Directory=/d": "/d||false",
		"acl_xattr:security_acl_name = user.acl": "|user.acl|false"}
	const ignore = "acl_xattr:ignore system acls = "
	for _, yes := range []string{"yes", "On", "1", "TRUE"} {
		settings[ignore+"no\nACL_XATTR:Ignore System ACLs = "+yes] = "||true"
	}
	for _, no := range []string{"no", "off", "0", "False"} {
		settings[ignore+"yes\n"+ignore+no] = "||false"
	}
	for setting, want := range settings {
		config, err := shares.ParseConfig([]byte("[a]\nvfs objects = acl_xattr\n"+setting+"\n"), "A")
		check.NoError(t, err)
		got := fmt.Sprintf("%s|%s|%t", config.Path, config.Attribute, config.IgnorePOSIX)
		check.Equal(t, got, want, "%s", setting)
		check.SlicesEqual(t, config.Notes, nil, "%s: notes", setting)
	}
	// Each of these keeps or removes the right to write.
	for settings, want := range map[string]bool{
		"read only = no": true, "read only = yes": false, "": false, "writeable = yes": true, "writable = yes": true,
		"write ok = yes": true, "writable = no": false, "read only = no\nread list = bob": false,
		"write list = bob": true, "write list = alice": false, "read only = no\nread list = alice": true,
		"write list = \"bob\"": true, "write list = alice,bob": true, "write list = alice bob": true,
		"write list=alice\tbob": true, "write list = \"alice bob\"": false,
		"read only = no\nvalid users = alice":      false,
		"read only = no\nvalid users = alice, bob": true, "read only = no\ninvalid users = bob": false,
	} {
		v, _ := decide(t, settings, "", "bob")
		check.Equal(t, v.Left&writing != 0, want, "%s: bob may write", settings)
	}
}

// TestSharesAndSettingsAreLimited checks both sides of the limits of shares and settings in a file.
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
		{settings(1 << 16), "a", "<nil>"}, {settings(1<<16 + 1), "a", "line 65538: more than 65536 settings"},
		{sections(1 << 14), "s0", "<nil>"}, {sections(1<<14 + 1), "s0", "line 16385: more than 16384 shares"},
	} {
		_, err := shares.ParseConfig([]byte(c.file), c.name)
		check.Equal(t, fmt.Sprint(err), c.want, "%.20q…", c.file)
	}
	// A section that occurs twice is one.
	c := check.Must(shares.ParseConfig([]byte("[A]\npath = /1\n[b]\npath = /2\n[a]\npath = /3\n"), "a"))
	check.That(t, c.Path == "/3" && c.Share == "A", "the last setting of [A] and [a]: %+v", c)
	c = check.Must(shares.ParseConfig([]byte("\ufeff[global]\npath = /g\n[a]\n"), ""))
	check.Equal(t, c.Path, "/g", "path in [global]")
	// In a list, %S is the name of the share, with @ or + that of a group (F-104).
	for _, file := range []string{"[alice]\nvalid users = %S\n", "[staff]\nvalid users = @%S\n",
		"[staff]\nvalid users = +%S\n"} {
		v := check.Must(check.Must(shares.ParseConfig([]byte(file), "")).Guard(directoryOf(), nil).Decide(0))
		check.That(t, v.Left&reading != 0, "alice in %q: %+v, want reading", file, v)
	}
	c = check.Must(shares.ParseConfig([]byte("[a]\n"), ""))
	check.SlicesEqual(t, c.Notes, []string{"[a] vfs objects lacks acl_xattr: the server does not read the attribute of " +
		"files"}, "notes without modules")
	const homes = "[Homes]\nvfs object = acl_xattr\nmap acl inherit = No\nguest only = False\n" +
		"follow symlinks = 1\nacl_xattr:default acl style = POSIX\navailable = no\npublic = yes\n"
	c = check.Must(shares.ParseConfig([]byte(homes), ""))
	check.SlicesEqual(t, c.Notes, []string{"[Homes] available = no matters and is not read",
		"[Homes] public = yes matters and is not read",
		"[Homes] [homes] is a share for each user, with a path of its own"}, "notes")
}
