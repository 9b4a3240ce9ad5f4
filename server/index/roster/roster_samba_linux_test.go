package roster_test

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/roster"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/sid"
)

// dialDomain returns a Directory that queries a domain by LDAPS, as its service does.
func dialDomain(t *testing.T, d *addc.Domain) *ldap.Directory {
	t.Helper()
	pem := check.Must(os.ReadFile(d.CA))
	roots := x509.NewCertPool()
	check.RequireThat(t, roots.AppendCertsFromPEM(pem), "the authority's certificate cannot be read")
	dir, err := ldap.New(ldap.Config{Servers: []string{"ldaps://" + d.Address}, Security: ldap.TLS, Roots: roots,
		Account: "websvc@" + addc.Realm, Password: addc.Password + "-service", Domain: d.SID})
	check.NoError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

// TestMembershipChangesOfSambaDomainReachIndex checks that membership changes in a real directory reach the index
// through its change numbers, and that a deleted user disappears. While the domain controller is stopped, queries fail
// after the limit, and they work again when it continues (N-9, N-21).
func TestMembershipChangesOfSambaDomainReachIndex(t *testing.T) {
	d := addc.Start(t, addc.Order{Users: map[string]int{"alice": 0, "bob": 0}, Service: "HTTP/www.refmon.test", TLS: true,
		Changes: "dn: CN=staff,CN=Users,BASE\nchangetype: add\nobjectClass: group\nsAMAccountName: staff\n" +
			"member: CN=alice,CN=Users,BASE\n"})
	sessions(t, d)
	tree, state := filepath.Join(t.TempDir(), "srv"), filepath.Join(t.TempDir(), "state")
	plan := filepath.Join(tree, "plan")
	check.NoError(t, errors.Join(os.Mkdir(tree, 0o755), os.WriteFile(plan, nil, 0o600)))
	a := ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;" + d.UserSID("staff").String() + ")")}
	check.NoError(t, unix.Setxattr(plan, ntacl.Name, check.Must(a.Append(nil)), 0))
	ctx, stop := context.WithCancel(t.Context())
	ready, done, source := make(chan struct{}), make(chan error, 1), dialDomain(t, d)
	go func() {
		done <- index.Run(ctx, index.Config{Trees: []string{tree}, Rights: "read", State: state, NoEvents: true,
			Warn:  func(err error) { t.Log(err) },
			Every: 50 * time.Millisecond, Beat: 50 * time.Millisecond, Ready: func() { close(ready) },
			Roster: &roster.LDAP{Directory: source, Beat: 50 * time.Millisecond}})
	}()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	case <-time.After(time.Minute):
		stop()
		t.Fatal("the tree was not walked: ", <-done)
	}
	defer func() {
		stop()
		check.NoError(t, <-done)
	}()
	x := check.Must(index.Open(state, 2*time.Second))
	defer x.Close()
	alice, bob := d.UserSID("alice").String(), d.UserSID("bob").String()
	reads := func(who string) func() bool {
		return func() bool { return x.CanRead(plan, who, "read").Allowed }
	}
	refused := func(who, because string) func() bool {
		return func() bool {
			a := x.CanRead(plan, who, "read")
			return !a.Allowed && strings.HasPrefix(a.Because, because) && (a.Because == "") == (because == "")
		}
	}
	check.Eventually(t, reads(alice), "alice does not read")
	check.Eventually(t, refused(bob, ""), "bob reads")
	d.Modify("dn: CN=staff,CN=Users,BASE\nchangetype: modify\nadd: member\nmember: CN=bob,CN=Users,BASE\n-\n" +
		"delete: member\nmember: CN=alice,CN=Users,BASE\n")
	check.Eventually(t, reads(bob), "bob does not read")
	check.Eventually(t, refused(alice, ""), "alice still reads")
	d.Stop(true)
	check.Eventually(t, refused(bob, "directory had no heartbeat"), "there are answers without a heartbeat")
	d.Stop(false)
	check.Eventually(t, reads(bob), "bob does not read again")
	d.Modify("dn: CN=bob,CN=Users,BASE\nchangetype: delete\n")
	check.Eventually(t, refused(bob, ""), "bob is still there")
}

// sessions compares the token of each kind of network logon with the one that a real domain controller makes for an
// LDAP connection of the same user with the same protocol (D-36). Two differences are known: the controller does not
// add This Organization, and it has groups of its own BUILTIN that a member of the domain does not have.
func sessions(t *testing.T, d *addc.Domain) {
	t.Helper()
	var people ldap.People
	check.NoError(t, dialDomain(t, d).People(t.Context(), &people))
	first, err := directory.New(people.Accounts())
	check.NoError(t, err)
	for k, proof := range map[logon.Kind]sid.SID{logon.Kerberos: sid.AuthorityAsserted,
		logon.NTLM: sid.NTLMAuthentication} {
		dir, err := first.LoggedOn(k)
		check.NoError(t, err)
		var own, theirs []string
		for _, g := range dir.Account("alice").Token.Groups() {
			if g.SID != sid.ThisOrganization && g.SID.Authority() != 16 { // the controller has no group for the level
				own = append(own, g.SID.String())
			}
		}
		list := d.SessionGroups("alice", k == logon.Kerberos)
		for _, s := range list {
			if s != sid.PreWindows2000 && s != d.UserSID("alice") {
				theirs = append(theirs, s.String())
			}
		}
		slices.Sort(own)
		slices.Sort(theirs)
		check.That(t, slices.Equal(own, theirs) && slices.Contains(list, proof),
			"D-36: %v: the token has\n%v, and the controller's own\n%v", k, own, theirs)
	}
}
