package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// TestOldPasswordExpiresWithCachedSession checks that a changed password is accepted for the documented time only, and
// that a wrong one is verified each time (G-5).
func TestOldPasswordExpiresWithCachedSession(t *testing.T) {
	var now atomic.Int64
	w := newWorld(t, shared, func(c *Config) { c.Now = func() time.Time { return time.Unix(now.Load(), 0) } })
	w.file("f", "f", shared)
	w.want(200, "alice", "GET", "/share/f", "")
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error { return e.SetPassword("alice", "another") }))
	w.want(200, "alice", "GET", "/share/f", "")
	now.Add(5*60 + 1)
	p := check.Must(w.g.link.process())
	held := w.present()[1]
	p.sessions.sweep() // like its timer
	check.Eventually(t, func() bool { return w.present()[1] < held }, "G-5: the token of an expired session is still open")
	w.want(401, "alice", "GET", "/share/f", "")
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error { return e.SetPassword("alice", "pw-x") }))
	w.want(200, "alice", "GET", "/share/f", "")
}

// TestSessionKeyHidesPassword checks that the cache key finds a session, does not contain the password,
// and differs between processes of the gateway (G-5).
func TestSessionKeyHidesPassword(t *testing.T) {
	cfg := Config{Sessions: 10, SessionLife: time.Hour, Now: time.Now}
	a, b := newSessions(nil, &cfg), newSessions(nil, &cfg)
	if a.name("", "x") != a.name("", "x") || a.name("", "x") == a.name("", "y") || a.name("", "x") == b.name("", "x") {
		t.Error("G-5: the name of a credential is not a hash with a key of its own")
	}
	check.That(t, a.name("basic ", "x") != a.name("certificate ", "x"), "G-5: credentials of two kinds have one name")
	long := strings.Repeat("x", 100)
	check.That(t, a.name("", long+"a") != a.name("", long+"b"), "G-5: the end of a credential does not count")
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
		t.Errorf("concurrent requests verified a credential %d times, want 1", made.Load())
	}
}

// TestBasicHeaderWithoutNameIsUnauthorized checks that a client without a name is not Anonymous (G-3), and that a name
// may have a domain.
func TestBasicHeaderWithoutNameIsUnauthorized(t *testing.T) {
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
	for _, second := range []string{"", "Basic Og==", "Negotiate AAAA"} {
		r := w.request("alice", "GET", "/share/", "")
		r.Header.Add("Authorization", second)
		check.Equal(t, w.do(r).code, 400, "G-3: two credentials, the second %q", second)
	}
}

// certificate returns an expired certificate and its fingerprint.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key := check.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(-time.Hour)}
	der := check.Must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
}

// TestClientCertificateMapsToAccount checks that a client with a certificate is the account to which its fingerprint is
// mapped, also after the certificate has expired. If the gateway has no SeTcbPrivilege, the token is at level
// Identification and opens nothing (G-7, L-36).
//
// +checklocksignore
func TestClientCertificateMapsToAccount(t *testing.T) {
	mapped, print := certificate(t)
	other, _ := certificate(t)
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)", func(c *Config) { c.Certificates = map[string]string{print: "alice"} })
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;WD)")
	ask := func(c tls.Certificate) int {
		t.Helper()
		transport := w.server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = []tls.Certificate{c}
		defer transport.CloseIdleConnections()
		answer := check.Must((&http.Client{Transport: transport}).Do(w.request("", "GET", "/share/f", "")))
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	check.Equal(t, ask(other), 401, "G-7: a certificate without an account")
	check.Equal(t, ask(mapped), 404, "G-7: a token that only identifies")
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.Grant(sid.MustParse("S-1-22-1-61010"), tcb, 0)
		return nil
	}))
	w.must(w.g.link.close())
	w.g.link.closed = false // a new connection has the privilege
	// The logon is for all clients with the certificate, so it does not end with the first one.
	left, leave := context.WithCancel(t.Context())
	leave()
	r := w.request("", "GET", "/share/f", "").WithContext(left)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: mapped.Certificate[0]}}}
	p := check.Must(w.g.link.process())
	s := w.g.logOnCertificate(p, r)
	check.Equal(t, s.st, ntstatus.Success, "G-7: the logon of a client that has left")
	p.sessions.put(s)
	check.Equal(t, ask(mapped), 200, "G-7: with SeTcbPrivilege")
}

// awaitHandles waits until the gateway has the given number of open handles: each session holds one, its token (G-5).
func (w *world) awaitHandles(want int64) {
	w.Helper()
	for end := time.Now().Add(time.Minute); w.present()[1] != want; time.Sleep(time.Millisecond) {
		check.RequireThat(w, time.Now().Before(end), "G-5: %d handles are open, want %d", w.present()[1], want)
	}
}

// TestSessionCacheKeepsUsedOnes checks that a full cache removes expired sessions first, then an unused one,
// and never one in use. Each token is released once (G-4, G-5).
//
// +checklocksignore
func TestSessionCacheKeepsUsedOnes(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Threads = 1 })
	p := check.Must(w.g.link.process())
	now := time.Unix(1_000_000, 0)
	s := newSessions(p, &Config{Sessions: 2, SessionLife: time.Hour, Now: func() time.Time { return now }})
	p.do(t.Context(), func(*nt.Thread) ntstatus.Status { return ntstatus.Success })
	held := w.present()[1]
	made := func(one *session) { one.token, one.st = w.own(p), ntstatus.Success }
	get := func(name string) *session { return s.get(s.name("", name), made) }
	a := get("a")
	b := get("b")
	s.put(b)
	c, _ := get("c"), get("c") // replaces b
	w.awaitHandles(held + 2)
	check.That(t, !a.dropped && b.dropped && !c.dropped && s.known[s.name("", "b")] == nil && len(s.known) == 2,
		"G-4: %v %v %v, %d", a.dropped, b.dropped, c.dropped, len(s.known))
	d := get("d") // both are in use
	check.That(t, d.dropped && s.find(s.name("", "d")) == nil, "G-4: a session too many is kept")
	s.put(d)
	w.awaitHandles(held + 2)
	s.put(a)
	now = now.Add(time.Hour + 1)
	again := get("c") // c has expired and is in use: it is removed after its last request
	check.That(t, again != c && c.dropped && c.users == 2, "G-5: %v, %d requests use it", c.dropped, c.users)
	s.put(c)
	w.awaitHandles(held + 3)
	s.put(c)
	s.put(again)
	w.awaitHandles(held + 2)
	now = now.Add(time.Minute)
	e := get("e") // replaces a, which has expired
	w.awaitHandles(held + 2)
	check.That(t, a.dropped && !again.dropped, "G-4: an expired session stays: %t, a valid one goes: %t", !a.dropped,
		again.dropped)
	s.put(e)
	now = now.Add(time.Hour)
	s.sweep() // c has expired
	w.awaitHandles(held + 1)
	check.That(t, len(s.known) == 1 && s.sweeping,
		"G-5: %d are known, a sweep is to come: %v, want 1, true", len(s.known), s.sweeping)
	now = now.Add(2 * time.Hour)
	s.sweep()
	w.awaitHandles(held)
	check.That(t, len(s.known) == 0 && !s.sweeping,
		"G-5: %d are known, a sweep is to come: %v, want 0, false", len(s.known), s.sweeping)
	one := s.once(made)
	check.That(t, len(s.known) == 0 && one.users == 1, "G-6: a session for one request is kept")
	s.put(one)
	w.awaitHandles(held)
}

// TestOneUserCannotEvictOthers checks that a user who logs on with many spellings of one credential replaces its own
// sessions in a full cache, and not those of others (G-4).
func TestOneUserCannotEvictOthers(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Sessions = 20 })
	w.file("f", "f", shared)
	w.want(200, "alice", "GET", "/share/f", "")
	p := check.Must(w.g.link.process())
	alice := p.sessions.name("basic ", base64.StdEncoding.EncodeToString([]byte("alice:pw-x")))
	for i := range 100 {
		value := strings.Repeat(" ", i) + base64.StdEncoding.EncodeToString([]byte("bob:pw-x"))
		w.want(200, "", "GET", "/share/f", "", "Authorization", "Basic "+value)
		s := p.sessions.find(alice)
		check.RequireThat(t, s != nil, "G-4: the session of alice is gone after %d of bob", i+1)
		p.sessions.put(s)
	}
}

// TestCachedSessionExpiresDespiteActivity checks that an active client stays in the cache, and that it is verified
// again after the documented time, however active it is (G-5).
func TestCachedSessionExpiresDespiteActivity(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	cfg := Config{Sessions: 1, SessionLife: time.Minute, Now: func() time.Time { return now }}
	s := newSessions(nil, &cfg)
	right := func(one *session) { one.token, one.st = 4, ntstatus.Success }
	name := func(credential string) proof { return s.name("basic ", credential) }
	first := s.get(name("a"), right)
	for _, c := range []struct {
		after time.Duration
		known bool
	}{{30 * time.Second, true}, {time.Minute, true}, {time.Minute + 1, false}} {
		now = time.Unix(1_000_000, 0).Add(c.after)
		if got := s.find(name("a")); (got != nil) != c.known {
			t.Errorf("G-5: after %v the client is cached: %v, want %v", c.after, got != nil, c.known)
		}
		check.That(t, !c.known || s.get(name("a"), right) == first,
			"G-5: after %v the client was logged on again, want the cached session", c.after)
	}
	again := s.get(name("a"), right)
	check.That(t, again != first, "G-5: an expired session was reused, want a new logon")
}

// TestLostConnectionIsNoPartialAnswer checks a request whose connection to refmond closes before any of its messages,
// from the first one of the logon on. The client gets the whole answer or 503, also for a file that it may only list.
// The password does not count as wrong (G-32), no token stays open, and the next request connects again.
func TestLostConnectionIsNoPartialAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared)
	w.file("f", "f", "O:{carol}G:SYD:P(A;;0x20001;;;{bob})(A;;0x3;;;{alice})")
	w.file("hers", "f", own) // bob may list it
	const object = `"object":{"path":"/share/f"}`
	logonSID := regexp.MustCompile(`S-1-5-5-[0-9]+-[0-9]+`) // differs for each logon
	for name, body := range map[string]string{"Token": `{}`, "WhoCan": `{` + object + `}`,
		"LookUp": `{"names":["alice"],"sids":["` + w.sids["carol"].String() + `"]}`,
		"Check":  `{` + object + `,"rights":["WRITE_DAC"]}`,
		"GET":    "", "PROPFIND": "", "DELETE": "", "PUT": "", "MKCOL": ""} {
		call := func() (int, string) {
			if body != "" {
				got := w.onConsole("bob", http.MethodPost, "/refmon.v1.Access/"+name, body)
				return got.Code, logonSID.ReplaceAllString(got.Body.String(), "")
			}
			r := httptest.NewRequestWithContext(t.Context(), name, "https://files.test/share/hers", nil)
			r.SetBasicAuth("bob", "pw-x")
			r.Header.Set("Depth", "0")
			got := httptest.NewRecorder()
			w.g.Files().ServeHTTP(got, r)
			return got.Code, got.Body.String()
		}
		usual, whole, step := 0, "", int64(1)
		if !randtest.Deep() {
			step = 6
		}
		for n, done := int64(0), false; !done; n += step {
			w.must(w.g.Close())
			w.awaitIdle(w.counts)
			var left atomic.Int64
			left.Store(n)
			w.g = w.newGateway(func(c net.Conn) net.Conn { return intruder{c, &left, func() { _ = c.Close() }} })
			code, answer := call()
			if n == 0 {
				usual, whole = code, answer
				check.RequireThat(t, usual != http.StatusServiceUnavailable, "%s: %d %s", name, usual, whole)
				n = min(step, 3) - step // the logon sends five messages: one of them is the first that is lost
				continue
			}
			done = left.Load() > 0
			check.That(t, code == http.StatusServiceUnavailable && !done || code == usual && answer == whole,
				"%s: closed before message %d: %d %s, want 503 or %d %s", name, n, code, answer, usual, whole)
			w.g.attempts.mu.Lock()
			check.Equal(t, len(w.g.attempts.of), 0, "G-32: %s: closed before message %d: counted passwords", name, n)
			w.g.attempts.mu.Unlock()
			check.Eventually(t, func() bool {
				code, answer = call()
				return code == usual && answer == whole
			}, "%s does not recover from a loss before message %d", name, n)
		}
	}
}

// TestHashBufferKeepsNoCredential checks that after a credential was hashed none of its bytes remain in the buffer that
// the next one uses, longer or shorter (G-5).
func TestHashBufferKeepsNoCredential(t *testing.T) {
	cfg := Config{Sessions: 1, SessionLife: time.Hour, Now: time.Now}
	s := newSessions(nil, &cfg)
	for _, secret := range []string{"YWxpY2U6cHcteA==", "a", "", "a rather long one, with more than the last"} {
		k := &keyed{Hash: hmac.New(sha256.New, s.key[:]), text: make([]byte, 0, 100)}
		for range 100 { // a pool may drop its contents
			s.hashes.Put(k)
			if s.name("basic ", secret); len(k.text) > 0 {
				break
			}
		}
		for i, c := range k.text[:cap(k.text)] {
			if c != 0 {
				t.Errorf("G-5: byte %d of the buffer for %q is %d, want 0", i, secret, c)
				break
			}
		}
	}
}
