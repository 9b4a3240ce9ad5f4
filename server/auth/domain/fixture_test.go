package domain

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
)

const base = "DC=example,DC=test"

// server is a directory with one account, alice, whose attributes each test sets.
type server struct {
	net.Listener
	mu       sync.Mutex
	alice    map[string][]string // guarded by mu
	stopping bool                // guarded by mu: the server does not reply to searches
}

// newServer starts an LDAP server and returns it with a Directory that queries it.
func newServer(t *testing.T) (*server, *ldap.Directory) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{forge.Certificate()}})
	check.NoError(t, err)
	s := &server{Listener: l, alice: map[string][]string{"objectSid": {home.WithRID(1104).Binary()},
		"sAMAccountName": {"alice"}, "userAccountControl": {"512"}, "primaryGroupID": {"513"}, "accountExpires": {"0"},
		"tokenGroups":                        {home.WithRID(513).Binary(), home.WithRID(2001).Binary()},
		"msDS-User-Account-Control-Computed": {"0"}}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.conn(c) })
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(forge.Certificate().Leaf)
	d, err := ldap.New(ldap.Config{Servers: []string{"ldaps://" + l.Addr().String()}, Security: ldap.TLS, Roots: roots,
		Domain: home, Realm: "EXAMPLE.TEST", Name: "EXAMPLE", Account: "asker@EXAMPLE.TEST", Password: "asks"})
	check.NoError(t, err)
	t.Cleanup(func() {
		_ = d.Close()
		_ = l.Close()
		running.Wait()
	})
	return s, d
}

// set changes an attribute of alice.
func (s *server) set(name string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alice[name] = values
}

func (s *server) conn(c net.Conn) {
	defer c.Close()
	for {
		p, err := ber.ReadPacket(c)
		if err != nil || len(p.Children) < 2 {
			return
		}
		id, op := p.Children[0].Value.(int64), p.Children[1]
		var answer []byte
		switch op.Tag {
		case goldap.ApplicationBindRequest:
			answer = bind(id, op.Children[1].Data.String(), op.Children[2].Data.String())
		case goldap.ApplicationSearchRequest:
			answer = s.search(id, op)
		}
		if _, err := c.Write(answer); err != nil || answer == nil {
			return
		}
	}
}

// bind answers a bind: only alice's has a wrong password.
func bind(id int64, name, password string) []byte {
	code := int64(0)
	if name == "CN=alice,"+base && password != "wonderland" {
		code = 49
	}
	return forge.LDAPResult(id, goldap.ApplicationBindResponse, code, "")
}

func (s *server) search(id int64, op *ber.Packet) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	below := op.Children[1].Value.(int64) == goldap.ScopeWholeSubtree
	filter, _ := goldap.DecompileFilter(op.Children[6])
	var out []byte
	switch {
	case s.stopping:
		return nil
	case op.Children[0].Value == "":
		out = forge.LDAPEntry(id, "", map[string][]string{"defaultNamingContext": {base}, "highestCommittedUSN": {"1"},
			"supportedCapabilities": {"1.2.840.113556.1.4.800"}, "dsServiceName": {"CN=one"}})
	case !below && op.Children[0].Value == "CN=alice,"+base,
		below && strings.Contains(strings.ToLower(filter), "(samaccountname=alice)"):
		out = forge.LDAPEntry(id, "CN=alice,"+base, s.alice)
	}
	var controls []goldap.Control
	if below {
		controls = append(controls, goldap.NewControlPaging(0))
	}
	return append(out, forge.LDAPResult(id, goldap.ApplicationSearchResultDone, 0, "", controls...)...)
}

// sids returns the binary forms of RIDs of the domain.
func sids(rids ...uint32) (all []string) {
	for _, rid := range rids {
		all = append(all, home.WithRID(rid).Binary())
	}
	return append(all, sid.Administrators.Binary()) // which the directory may not assign
}
