package directory_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const kindsFile = `domain: S-1-5-21-1-2-3
computer: S-1-5-21-9-9-9
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1001}
  - {name: admin, sid: S-1-5-21-1-2-3-1002, memberOf: [BA]}
  - {name: local, sid: S-1-5-21-9-9-9-1001}
  - {name: root, sid: S-1-5-21-9-9-9-1002, memberOf: [BA]}
  - {name: unix, sid: S-1-22-1-1000}
  - {name: visitor, sid: S-1-5-21-1-2-3-501}
  - {name: gone, sid: S-1-5-21-1-2-3-1003, disabled: true}
groups: []
`

// kindGroups returns the groups of a token that say how its user logged on, sorted, with a "-" before deny-only ones.
func kindGroups(t *token.Token) string {
	var out []string
	for _, g := range t.Groups() {
		local := g.SID == sid.LocalAccount || g.SID == sid.LocalAccountAdministrator
		if local || logon.DependsOnKind(g.SID) || g.SID == sid.ServiceAsserted {
			text := g.SID.String()
			if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
				text = "-" + text
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestLogonKindDeterminesDirectoryTokens checks the SIDs of each kind for each kind of account (D-36, D-37, D-38). A
// directory after another kind equals one that was read with that kind, and the first is unchanged.
func TestLogonKindDeterminesDirectoryTokens(t *testing.T) {
	const ntlm, here = "S-1-5-2 S-1-5-64-10", "S-1-18-1 S-1-2-0 S-1-2-1 "
	const atHost = "S-1-2-0 S-1-2-1 "
	want := map[string][4]string{
		"alice": {"S-1-18-1 S-1-5-2", ntlm, here + "S-1-5-4", here + "S-1-5-6"},
		"admin": {"S-1-18-1 S-1-5-2", ntlm, here + "S-1-5-4", here + "S-1-5-6"},
		"local": {"S-1-5-113 " + ntlm, "S-1-5-113 " + ntlm, atHost + "S-1-5-113 S-1-5-4 S-1-5-64-10",
			atHost + "S-1-5-113 S-1-5-6 S-1-5-64-10"},
		"unix":    {ntlm, ntlm, atHost + "S-1-5-4 S-1-5-64-10", atHost + "S-1-5-6 S-1-5-64-10"},
		"visitor": {"S-1-5-2", "S-1-5-2", atHost + "S-1-5-4", atHost + "S-1-5-6"},
		"root": {"-S-1-5-114 S-1-5-113 " + ntlm, "-S-1-5-114 S-1-5-113 " + ntlm,
			atHost + "S-1-5-113 S-1-5-114 S-1-5-4 S-1-5-64-10", atHost + "S-1-5-113 S-1-5-114 S-1-5-6 S-1-5-64-10"},
	}
	first := check.Must(dirfile.Read([]byte(kindsFile)))
	for _, k := range logon.Kinds {
		written := check.Must(dirfile.Read([]byte("logon: " + k.String() + "\n" + kindsFile)))
		other := check.Must(first.LoggedOn(k))
		check.That(t, other.Fingerprint() == written.Fingerprint() && len(other.Principals) == len(want) &&
			other.Disabled == 1, "D-36: %v: LoggedOn differs from the same directory with the key logon in its file", k)
		for _, p := range other.Principals {
			check.Equal(t, kindGroups(p.Token), want[p.Name][k], "D-36, D-37, D-38: %v, %s", k, p.Name)
			// Only an administrator of the computer is limited, and only over the network (L-7).
			full := p.Name == "admin" || p.Name == "root" && k != logon.Kerberos && k != logon.NTLM
			check.Equal(t, p.Token.Integrity() == winnt.SECURITY_MANDATORY_HIGH_RID, full,
				"L-7: %v, %s: full token", k, p.Name)
		}
		back := check.Must(other.LoggedOn(logon.Kerberos))
		check.That(t, back.Fingerprint() == first.Fingerprint(),
			"D-36: LoggedOn by %v and back by Kerberos differs from the first directory", k)
	}
	check.That(t, check.Must(first.LoggedOn(logon.Kerberos)) == first,
		"D-36: its own kind gave another directory, want the same")
}

// TestPrincipalsOfQuestionsLogOn checks principals that are not users of the directory: those of questions take the
// kind, and those of token files keep their token (B-27).
func TestPrincipalsOfQuestionsLogOn(t *testing.T) {
	d := check.Must(dirfile.Read([]byte("logon: ntlm\nusers: []\n")))
	for _, who := range []string{"BUILTIN\\Users", "Everyone", "SYSTEM", "S-1-5-21-7-7-7-1000"} {
		_, _, err := d.FindOrAdd(who)
		check.NoError(t, err)
	}
	stated := check.Must(token.New(token.NetworkUser(sid.MustParse("S-1-5-21-1-2-3-9"))))
	d.Add(directory.Principal{Name: "stated", Token: stated})
	for k, want := range map[logon.Kind][5]string{
		logon.NTLM:     {"S-1-5-2 S-1-5-64-10", "S-1-5-2", "", "S-1-5-2 S-1-5-64-10", "S-1-5-2"},
		logon.Kerberos: {"S-1-18-1 S-1-5-2", "S-1-5-2", "", "S-1-18-1 S-1-5-2", "S-1-5-2"},
		logon.Service: {"S-1-18-1 S-1-2-0 S-1-2-1 S-1-5-6", "S-1-2-0 S-1-2-1 S-1-5-6", "",
			"S-1-18-1 S-1-2-0 S-1-2-1 S-1-5-6", "S-1-5-2"},
	} {
		other := check.Must(d.LoggedOn(k))
		for i, p := range other.Principals {
			if got := kindGroups(p.Token); got != want[i] || p.Name != d.Principals[i].Name {
				t.Errorf("D-36, B-27: %v, %s: %q, want %q for %s", k, p.Name, got, want[i], d.Principals[i].Name)
			}
		}
		check.That(t, other.Principals[4].Token == stated,
			"B-27: LoggedOn by %v changed a token that the file states, want it kept", k)
	}
	none := &directory.Directory{}
	check.Equal(t, check.Must(none.LoggedOn(logon.Kerberos)), none, "the empty directory after its own kind")
	check.Equal(t, len(check.Must(none.LoggedOn(logon.Service)).Principals), 0, "principals of the empty directory")
}

// TestLogonKindSurvivesWriting checks that the kind and the computer survive writing, and that an update builds every
// token again (D-37).
func TestLogonKindSurvivesWriting(t *testing.T) {
	user := directory.User{Name: "a", SID: sid.MustParse("S-1-5-21-9-9-9-1001")}
	plain := &directory.Accounts{Users: []directory.User{user}}
	first := check.Must(directory.New(plain))
	for _, a := range []*directory.Accounts{
		{Users: plain.Users, Logon: logon.NTLM},
		{Users: plain.Users, Computer: sid.MustParse("S-1-5-21-9-9-9")},
		{Users: plain.Users, Logon: logon.Service, Computer: sid.MustParse("S-1-5-21-9-9-9")},
	} {
		updated, whole := check.Must(first.Update(a)), check.Must(directory.New(a))
		read := check.Must(dirfile.Read(dirfile.Write(a)))
		check.That(t, updated.Fingerprint() == whole.Fingerprint() && read.Fingerprint() == whole.Fingerprint() &&
			whole.Fingerprint() != first.Fingerprint(),
			"D-36: logon %v at computer %v: an update, a first build and a written file differ", a.Logon, a.Computer)
	}
	for text, want := range map[string]string{
		"logon: Kerberos\nusers: []\n": `logon: "Kerberos": want kerberos, ntlm, interactive or service`,
		"computer: x\nusers: []\n":     "computer: ",
		"logon: [ntlm]\nusers: []\n":   "logon",
	} {
		if _, err := dirfile.Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	if text := dirfile.Write(plain); bytes.Contains(text, []byte("logon")) || bytes.Contains(text, []byte("computer")) {
		t.Errorf("Write of the defaults = %s, want neither logon nor computer", text)
	}
}

// TestDescriptorsThatDependOnKind checks which descriptors can have another answer after another kind (B-26).
func TestDescriptorsThatDependOnKind(t *testing.T) {
	plain, here := check.Must(dirfile.Read([]byte("users: []\n"))), check.Must(dirfile.Read([]byte(kindsFile)))
	for text, want := range map[string]bool{
		"O:BAG:SYD:(A;;FA;;;WD)": false, "O:BAG:SYD:(A;;FA;;;S-1-18-1)": true, "D:(D;;FR;;;S-1-5-64-10)": true,
		"D:(A;;FR;;;IU)": true, "D:(A;;FR;;;SU)": true, "D:(A;;FR;;;NU)": true, "D:(A;;FR;;;S-1-2-0)": true,
		"D:(A;;FR;;;S-1-2-1)": true, "O:NUD:": true, `D:(XA;;FR;;;WD;(Member_of{SID(BA)}))`: true,
		"D:(A;;FR;;;S-1-5-113)": false, "D:(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;WD)": false,
		`D:(A;;FA;;;WD)S:(RA;;;;;WD;("x",TI,0,1))`: false,
		`D:(A;;FA;;;WD)S:(SP;;;;;S-1-17-5)`:        true, `D:(A;;FA;;;WD)S:(FL;;FR;;;WD;(Member_of{SID(BA)}))`: true,
	} {
		o := sddl.MustParse(text)
		check.Equal(t, plain.DependsOnKind(o), want, "B-26: %s", text)
		check.That(t, here.DependsOnKind(o), "B-26: %s with accounts of the computer: false, want true", text)
	}
	check.That(t, !plain.DependsOnKind(nil) && !here.DependsOnKind(nil),
		"B-26: DependsOnKind(nil) = true, want false: there is no descriptor")
}

// The directory of another kind of logon has the same domain name, so that an account of another domain is unknown.
func TestLoggedOnKeepsRealm(t *testing.T) {
	d := check.Must(directory.New(&directory.Accounts{Realm: "corp.test", Users: []directory.User{{Name: "ann",
		SID: sid.MustParse("S-1-5-21-1-2-3-1001")}}}))
	other := check.Must(d.LoggedOn(logon.NTLM))
	for who, want := range map[string]bool{`CORP\ann`: true, `OTHER\ann`: false} {
		_, _, err := other.FindOrAdd(who)
		check.Equal(t, err == nil, want, "%s is found", who)
	}
}
