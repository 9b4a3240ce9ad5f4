package gateway

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// TestTickets: a client with a ticket is the user of the domain that the ticket names, for
// one request: the token ends with it, and the same ticket again is refused (G-6, K-47).
func TestTickets(t *testing.T) {
	const realm, service = "EXAMPLE.TEST", "HTTP/files.example.test"
	key, domain := forge.NewKey(18), sid.MustParse("S-1-5-21-10-20-30")
	at := time.Now().Add(3 * time.Second)
	ticket := func(name string, rid uint32) string {
		pac := forge.PAC{Domain: domain, User: rid, Primary: 513, Name: name, DomainName: "EXAMPLE", AuthTime: at,
			Groups: []forge.Group{{RID: 513, Attributes: 7}}, Requestor: domain.WithRID(rid)}
		f := forge.Ticket{Service: service, Realm: realm, Key: key, Version: 2, Client: name, AuthTime: at, At: at,
			Mutual: true, PAC: forge.Seal(pac.Buffers(), key)}
		return "Negotiate " + base64.StdEncoding.EncodeToString(f.Blob())
	}
	file := t.TempDir() + "/keytab"
	write(t, file, forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 2, Key: key}))
	w := newWorldOf(t, "O:BAG:SYD:P(A;OICI;FA;;;S-1-5-21-10-20-30-1104)", func(s *lsa.Store) logon.Authority {
		keys, err := kerberos.ReadKeytab(file)
		if err != nil {
			t.Fatal(err)
		}
		tickets, err := kerberos.New(kerberos.Config{Keys: keys, Realm: realm, Skew: 5 * time.Minute, Domain: domain,
			EncryptionTypes: []int32{18}, State: t.TempDir(), Machine: s.Computer().SID})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tickets.Close() })
		return kerberos.Authority{Store: s, Tickets: func() *kerberos.Acceptor { return tickets }}
	}, func(c *Config) { c.Negotiate = true })
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;S-1-5-21-10-20-30-1104)")
	w.want(401, "", "GET", "/share/f", "")
	kept := w.now()
	alice := ticket("alice", 1104)
	got := w.want(200, "", "GET", "/share/f", "", "Authorization", alice)
	if len(got.header.Get("WWW-Authenticate")) < 50 {
		t.Errorf("the client cannot tell that the server has the key: %v", got.header)
	}
	w.want(401, "", "GET", "/share/f", "", "Authorization", alice)
	w.want(404, "", "GET", "/share/f", "", "Authorization", ticket("bob", 1105))
	page := w.want(200, "", "GET", "/share/", "", "Authorization", ticket("alice", 1104))
	if !strings.Contains(page.body, `<p>as EXAMPLE\alice</p>`) {
		t.Errorf("the page does not name its client:\n%s", page.body)
	}
	asked := w.want(401, "", "GET", "/share/f", "").header.Values("WWW-Authenticate")
	if len(asked) != 2 || asked[0] != "Negotiate" {
		t.Errorf("the challenges are %q", asked)
	}
	w.g.cfg.Negotiate = false // then a ticket is no proof, and no one is asked for one
	w.want(401, "", "GET", "/share/f", "", "Authorization", ticket("alice", 1104))
	if asked := w.want(401, "", "GET", "/share/f", "").header.Values("WWW-Authenticate"); len(asked) != 1 {
		t.Errorf("without tickets the challenges are %q", asked)
	}
	w.settled(kept)
}
