package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// TestSessionsEnd: a password that was changed is believed for the stated time and no
// longer, and one that was wrong is tried each time (G-5).
func TestSessionsEnd(t *testing.T) {
	var now atomic.Int64
	w := newWorld(t, shared, func(c *Config) { c.Now = func() time.Time { return time.Unix(now.Load(), 0) } })
	w.file("f", "f", shared)
	w.want(200, "alice", "GET", "/share/f", "")
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error { return e.SetPassword("alice", "another") }))
	w.want(200, "alice", "GET", "/share/f", "")
	now.Add(5*60 + 1)
	p, err := w.g.link.process()
	w.must(err)
	held := w.now()[1]
	p.sessions.sweep() // as its timer does
	for end := time.Now().Add(time.Minute); w.now()[1] >= held; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("G-5: the token of a session that is over is still held")
		}
	}
	w.want(401, "alice", "GET", "/share/f", "")
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error { return e.SetPassword("alice", "pw-x") }))
	w.want(200, "alice", "GET", "/share/f", "")
}

// TestSessionsAreBounded: with more clients than sessions each is served, and no more than
// the bound is kept (G-4).
func TestSessionsAreBounded(t *testing.T) {
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;AU)", func(c *Config) { c.Sessions = 1 })
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;AU)")
	for range 3 {
		for _, user := range []string{"alice", "bob", "carol"} {
			w.want(200, user, "GET", "/share/f", "")
		}
	}
	p, err := w.g.link.process()
	w.must(err)
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	if len(p.sessions.known) != 1 {
		t.Errorf("G-4: %d sessions are kept", len(p.sessions.known))
	}
}

// TestSessionsOfProofs: what is kept finds a session and is not the password; the name
// differs from one process of the gateway to the next (G-5).
func TestSessionsOfProofs(t *testing.T) {
	cfg := Config{Sessions: 10, SessionLife: time.Hour, Now: time.Now}
	a, b := newSessions(nil, &cfg), newSessions(nil, &cfg)
	if a.name("", "x") != a.name("", "x") || a.name("", "x") == a.name("", "y") || a.name("", "x") == b.name("", "x") {
		t.Error("G-5: the name of a credential is not a hash with a key of its own")
	}
	if a.name("basic ", "x") == a.name("certificate ", "x") {
		t.Error("G-5: credentials of two kinds have one name")
	}
	in := logon.Secret("pw")
	made := atomic.Int64{}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			s := a.get(a.name("basic ", string(in)), func(s *session) {
				made.Add(1)
				s.token, s.st = 4, ntstatus.Success
			})
			a.put(s)
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("a credential was tried %d times at once", made.Load())
	}
}

// TestBasic: a client without a name is not Anonymous (G-3), and a name may have a domain.
func TestBasic(t *testing.T) {
	for text, want := range map[string][2]string{"alice:pw": {"", "alice"}, `HOST\alice:p:w`: {"HOST", "alice"},
		"a@B.TEST:": {"", "a@B.TEST"}, ":": {}, ":pw": {}, `HOST\:pw`: {}, "alice": {}, "": {}, "\xff:x": {},
		"a\x00b:x": {}} {
		in, ok := basic(base64.StdEncoding.EncodeToString([]byte(text)))
		if got := [2]string{in.LogonDomainName, in.UserName}; got != want || ok != (want != [2]string{}) {
			t.Errorf("G-3: %q: %q, %t", text, got, ok)
		}
	}
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)(A;OICI;FA;;;AN)")
	for _, header := range []string{"Basic Og==", "Basic", "Basic !", "Negotiate AAAA", "Bearer x", "basic", ""} {
		w.want(401, "", "GET", "/share/", "", "Authorization", header)
	}
}

// certificate makes a certificate and its fingerprint.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
}

// TestCertificates: a certificate is the account that its fingerprint is mapped to. Without
// SeTcbPrivilege of the gateway the token only identifies: nothing opens (G-7, L-36).
//
// +checklocksignore
func TestCertificates(t *testing.T) {
	mapped, print := certificate(t)
	other, _ := certificate(t)
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)", func(c *Config) { c.Certificates = map[string]string{print: "alice"} })
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;WD)")
	ask := func(c tls.Certificate) int {
		t.Helper()
		transport := w.server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = []tls.Certificate{c}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Do(w.request("", "GET", "/share/f", ""))
		w.must(err)
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	if got := ask(other); got != 401 {
		t.Errorf("G-7: a certificate without an account: %d", got)
	}
	if got := ask(mapped); got != 404 {
		t.Errorf("G-7: a token that only identifies: %d", got)
	}
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.Grant(sid.MustParse("S-1-22-1-61010"), tcb, 0)
		return nil
	}))
	w.must(w.g.link.close())
	w.g.link.closed = false // a new connection has the privilege
	if got := ask(mapped); got != 200 {
		t.Errorf("G-7: with SeTcbPrivilege: %d", got)
	}
}
