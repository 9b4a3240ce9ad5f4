package ldap

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// odd has accounts and groups in addition to the fixture's: SID history, a distribution group
// between two others, a cycle, another primary group, and restricted accounts.
const odd = `dn: CN=mail,CN=Users,BASE
changetype: add
objectClass: group
sAMAccountName: mail
groupType: 2
member: CN=one,CN=Users,BASE

dn: CN=behind mail,CN=Users,BASE
changetype: add
objectClass: group
sAMAccountName: behind mail
member: CN=mail,CN=Users,BASE

dn: CN=Round\, one,CN=Users,BASE
changetype: add
objectClass: group
sAMAccountName: round-one
member: CN=one,CN=Users,BASE

dn: CN=round-two,CN=Users,BASE
changetype: add
objectClass: group
sAMAccountName: round-two
member: CN=Round\2C one,CN=Users,BASE

dn: CN=Round\, one,CN=Users,BASE
changetype: modify
add: member
member: CN=round-two,CN=Users,BASE

dn: CN=one,CN=Users,BASE
changetype: modify
replace: department
department: Sales (*)\
-
replace: employeeNumber
employeeNumber: 7
-
replace: uidNumber
uidNumber: 10007
-
replace: gidNumber
gidNumber: 10008
-
replace: sIDHistory
sIDHistory: S-1-5-21-9-9-9-1234

` + addc.Limits

// limited maps the restricted accounts to their restriction.
var limited = map[string]Restriction{"one": 0, "locked": Locked, "expired": Expired, "disabled": Disabled,
	"fresh": MustChange, "aged": PasswordExpired, "idle": OutOfHours}

var realUsers = map[string]int{"one": 1, "hundred": 100, "thousand": 1000, "locked": 0, "expired": 0, "disabled": 0,
	"fresh": 0, "aged": 0, "idle": 0} // the last six for addc.Limits

// mutualAuthConfigs returns a configuration for each method of mutual authentication.
func mutualAuthConfigs(t *testing.T, d *addc.Domain) map[string]Config {
	t.Helper()
	keys := check.Must(kerberos.ReadKeytab(d.Keytab))
	pem := check.Must(os.ReadFile(d.CA))
	roots := x509.NewCertPool()
	check.RequireThat(t, roots.AppendCertsFromPEM(pem), "the authority's certificate cannot be read")
	initiator := &kerberos.Initiator{Keys: keys, Realm: addc.Realm, Account: "websvc",
		KDCs: kerberos.KDCs{Addresses: []string{d.Address}}}
	password := Config{Servers: []string{"ldaps://" + d.Address}, Security: TLS, Account: "websvc@" + addc.Realm,
		Password: addc.Password + "-service", Roots: roots}
	startTLS, byKeytab, signed := password, password, password
	startTLS.Servers = []string{"ldap://" + d.Address}
	byKeytab.Initiator = initiator
	signed.Servers, signed.Security, signed.Initiator, signed.Roots = startTLS.Servers, Signed, initiator, nil
	out := map[string]Config{"LDAPS": password, "StartTLS": startTLS, "keytab in TLS": byKeytab, "signed": signed}
	for name, c := range out {
		c.Domain, c.Realm, c.Name = d.SID, addc.Realm, addc.Name
		c.Claims = map[string]Claim{"department": {"department", claims.String}, "number": {"employeeNumber", claims.Int64}}
		out[name] = c
	}
	return out
}

// ofDomain returns the SIDs of a domain, ordered.
func ofDomain(d *addc.Domain, all []sid.SID) (out []sid.SID) {
	for _, s := range all {
		if s.Prefix() == d.SID {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, sid.SID.Compare)
	return out
}

func sidsOf(groups []token.Group) (out []sid.SID) {
	for _, g := range groups {
		out = append(out, g.SID)
	}
	return out
}

// TestDirectoryMatchesSambaDomain queries a real directory. Every account has the groups that the directory computes by
// tokenGroups (D-16), by memberOf (D-17, D-18), and in the exported directory file (D-22).
func TestDirectoryMatchesSambaDomain(t *testing.T) {
	d := addc.Start(t, addc.Order{Users: realUsers, Service: "HTTP/www.refmon.test", Changes: odd, TLS: true})
	ctx := context.Background()
	all := mutualAuthConfigs(t, d)
	for name, cfg := range all {
		dir := check.Must(New(cfg))
		f, err := dir.Find(ctx, "ONE", false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		department, _ := f.Claims.Lookup("department")
		number, _ := f.Claims.Lookup("number")
		if f.SID != d.UserSID("one") || f.Name != "one" || !slices.Equal(department.Strings, []string{`Sales (*)\`}) ||
			!slices.Equal(number.Ints, []int64{7}) || f.PrimaryGroup != d.SID.WithRID(513) {
			t.Errorf("%s: %+v", name, f)
		}
		check.That(t, slices.Contains(sidsOf(f.Groups), sid.MustParse("S-1-5-21-9-9-9-1234")),
			"D-14: %s: the SID of earlier is missing: %v", name, f.Groups)
		for user, want := range limited {
			if f, err := dir.Find(ctx, user, true); err != nil || f.Restricted != want {
				t.Errorf("D-11: %s: Find of %s = %+v, %v, want the restriction %v, no error", name, user, f, err, want)
			}
		}
		for _, odd := range []string{"zoe", "o*", "one)(objectClass=*", "*", "", "round-one"} {
			f, err := dir.Find(ctx, odd, true)
			check.That(t, err == ErrUnknown, "D-9: %q: %+v, %v, want %v", odd, f, err, ErrUnknown)
		}
		check.NoError(t, dir.Close())
	}
	dir := check.Must(New(all["LDAPS"]))
	defer dir.Close()
	ids := &IDs{Ask: func(question func(*Directory) error) error { return question(dir) }}
	if s, ok, err := ids.SIDOfUID(ctx, 10007); err != nil || !ok || s != d.UserSID("one") {
		t.Errorf("D-34: uid 10007 is %v, %t, %v, want %v, true, nil", s, ok, err, d.UserSID("one"))
	}
	compareGroups(t, d, dir)
	checkExport(t, d, dir)
	checkBindRestrictions(t, dir)
	checkDeletedGroup(t, d, all["LDAPS"])
}

// checkDeletedGroup deletes a group of a cached user and checks that the user's groups no longer have it (D-19). The
// client is an ordinary account, which cannot see deleted objects.
func checkDeletedGroup(t *testing.T, d *addc.Domain, cfg Config) {
	t.Helper()
	cfg.Limits.Fresh = -1 // each result is confirmed by the server
	dir := check.Must(New(cfg))
	defer dir.Close()
	const group = "CN=one-g0,CN=Users,BASE"
	for _, change := range []string{"dn: " + group + "\nchangetype: delete\n", ""} {
		f := check.Must(dir.Find(context.Background(), "one", false))
		got, want := ofDomain(d, sidsOf(f.Groups)), ofDomain(d, d.TokenGroups("one"))
		check.That(t, slices.Equal(got, want), "D-19: one has %v, the directory says %v, want %v", got, want, want)
		d.Modify(change)
	}
}

// checkBindRestrictions checks that only a client with the password learns an account's restrictions (D-24, D-32).
func checkBindRestrictions(t *testing.T, dir *Directory) {
	t.Helper()
	for user, want := range limited {
		var wrong *WrongPassword
		if f, err := dir.Check(context.Background(), user, false, "guess"); f != nil || !errors.As(err, &wrong) {
			t.Errorf("D-32: %s by a guess: %+v, %v", user, f, err)
		}
		f, err := dir.Check(context.Background(), user, false, addc.Password)
		switch {
		case user == "locked":
			check.That(t, errors.As(err, &wrong) && wrong.Locked, "D-32: %s: %+v, %v", user, f, err)
		case err != nil || f.Restricted != want:
			t.Errorf("D-32: %s: %+v, %v; want %v", user, f, err, want)
		}
	}
}

// compareGroups compares the groups of each account, by tokenGroups and by memberOf, with those that the directory
// computes.
func compareGroups(t *testing.T, d *addc.Domain, dir *Directory) {
	t.Helper()
	ctx := context.Background()
	for user := range realUsers {
		want := ofDomain(d, d.TokenGroups(user))
		f := check.Must(dir.Find(ctx, user, false))
		if got := ofDomain(d, sidsOf(f.Groups)); !slices.Equal(got, want) {
			t.Errorf("D-16: %s: %d groups, the directory has %d", user, len(got), len(want))
		}
		for _, g := range f.Groups {
			check.That(t, g.SID.Prefix() != sid.MustParse("S-1-5-32"), "D-15: %s has %v", user, g.SID)
		}
	}
	other := check.Must(New(dir.cfg))
	defer other.Close()
	other.mu.Lock()
	other.base = &serverInfo{base: addc.Base} // a server that computes no groups
	other.mu.Unlock()
	for user := range realUsers {
		f := check.Must(other.Find(ctx, user, false))
		if got, want := ofDomain(d, sidsOf(f.Groups)), ofDomain(d, d.TokenGroups(user)); !slices.Equal(got, want) {
			t.Errorf("D-17: %s by memberOf: %d groups, the directory has %d", user, len(got), len(want))
		}
	}
}

// checkExport compares an exported directory file with the directory, and parses an exported objects file.
func checkExport(t *testing.T, d *addc.Domain, dir *Directory) {
	t.Helper()
	var list People
	check.NoError(t, dir.People(context.Background(), &list))
	file := dirfile.Write(list.Accounts())
	read, err := dirfile.Read(file)
	check.RequireThat(t, err == nil, "%v\n%s", err, file)
	for _, user := range []string{"one", "hundred", "thousand", "locked", "expired", "disabled", "Administrator", "krbtgt",
		"Guest", "websvc"} {
		p := read.Account(user)
		if p == nil {
			t.Errorf("D-22: %s is not in the file", user)
			continue
		}
		var got []sid.SID
		for _, g := range p.Token.Groups() {
			got = append(got, g.SID)
		}
		if got, want := ofDomain(d, got), ofDomain(d, d.TokenGroups(user)); !slices.Equal(got, want) {
			t.Errorf("D-22: %s: %v in the file, %v in the directory, want %v", user, got, want, want)
		}
	}
	for _, text := range []string{"uid: 10007", "gid: 10008", `"Sales (*)\\"`, "S-1-5-21-9-9-9-1234", "DC1$"} {
		check.That(t, bytes.Contains(file, []byte(text)), "D-22: the exported file does not contain %s", text)
	}
	check.That(t, !bytes.Contains(file, []byte("S-1-5-32-")) && !bytes.Contains(file, []byte("behind mail\"]")),
		"D-22: the file has groups of BUILTIN")
	var out bytes.Buffer
	n, unread, err := dir.Objects(context.Background(), "CN=Users,"+addc.Base, false, &out)
	check.RequireThat(t, err == nil && n >= 1000 && unread == 0,
		"D-23: %d objects, %d unread, %v, want at least 1000, 0, nil", n, unread, err)
	src := check.Must(source.Open("objects", &out))
	for read := 0; ; {
		var b objects.Batch
		if err := src.Next(&b); errors.Is(err, io.EOF) {
			check.Equal(t, read, n, "D-23: objects in the file")
			break
		} else if err != nil {
			t.Fatal(err)
		}
		b.Each(func(o *objects.Object) {
			read++
			_, err := o.Descriptor(d.SID)
			check.That(t, o.Err == nil && err == nil, "D-23: %s: %v, %v, want nil, nil", o.Path, o.Err, err)
		})
	}
}
