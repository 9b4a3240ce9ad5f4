package ldap

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/sid"
)

// history gives SIDs of an earlier domain to an account and to one of its groups.
const history = `dn: CN=one,CN=Users,BASE
changetype: modify
replace: sIDHistory
sIDHistory: S-1-5-21-9-9-9-1234

dn: CN=one-g0,CN=Users,BASE
changetype: modify
replace: sIDHistory
sIDHistory: S-1-5-21-9-9-9-1235

`

// TestTicketSIDsEqualDirectorySIDs checks that an account has the same SIDs by name, as the directory returns them, and
// by a ticket of the same controller. The one difference is the SID history (docs/CAVEATS.md): Samba's KDC omits it
// from tickets, the directory returns it (D-14, K-18).
func TestTicketSIDsEqualDirectorySIDs(t *testing.T) {
	users := map[string]int{"one": 1, "several": 20}
	d := addc.Start(t, addc.Order{Users: users, Service: "HTTP/www.refmon.test", Changes: history, TLS: true})
	keys := check.Must(kerberos.ReadKeytab(d.Keytab))
	a := check.Must(kerberos.New(kerberos.Config{Keys: keys, Realm: addc.Realm, Domain: d.SID}))
	defer a.Close()
	dir := check.Must(New(mutualAuthConfigs(t, d)["LDAPS"]))
	defer dir.Close()
	p := kerberos.Passwords{Acceptor: a, KDCs: kerberos.KDCs{Addresses: []string{d.Address}, Wait: time.Minute}}
	earlier := map[string][]sid.SID{"one": {sid.MustParse("S-1-5-21-9-9-9-1234")}}
	for user := range users {
		c := check.Must(p.Check(context.Background(), user, addc.Password))
		f := check.Must(dir.Find(context.Background(), user, false))
		// An asserted identity says who authenticated the client and is not a membership. It differs between the two
		// ways.
		ticket := slices.DeleteFunc(sidsOf(c.Identity.Groups), func(s sid.SID) bool { return s.Authority() == 18 })
		ticket = append(ticket, earlier[user]...)
		name := sidsOf(f.Groups)
		for _, list := range [][]sid.SID{ticket, name} {
			slices.SortFunc(list, sid.SID.Compare)
		}
		check.That(t, slices.Equal(ticket, name),
			"D-14, K-18: %s: by ticket and earlier %v, by name %v, want %v", user, ticket, name, name)
	}
}
