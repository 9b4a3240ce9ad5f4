package kerberos

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/addc"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestAcceptMatchesSambaDomain sends tickets of a real domain controller by curl. The groups equal those that the
// directory computes, for users in 1, 100 and 1,000 groups (K-18, K-48). It then alters each buffer of such a PAC and
// signs it again with the real key: the acceptor rejects it or accepts no SID that only this computer assigns (K-22).
func TestAcceptMatchesSambaDomain(t *testing.T) {
	users := map[string]int{"one": 1, "hundred": 100, "thousand": 1000}
	const service = "HTTP/www.refmon.test"
	ordered := maps.Clone(users)
	for name := range limitedUsers {
		ordered[name] = 0
	}
	ordered["front"] = 0
	d := addc.Start(t, addc.Order{Users: ordered, Service: service, Changes: addc.Limits + delegates})
	keys := check.Must(ReadKeytab(d.Keytab))
	a := check.Must(New(Config{Keys: keys, Realm: addc.Realm, Services: []string{service}, Domain: d.SID,
		Now: clockFrom(time.Now().Add(-time.Minute))}))
	w := newWeb(t, a)
	for user, n := range users {
		c, status := w.curl(t, d.Login(user), "--negotiate", "-u", ":")
		check.RequireThat(t, c != nil && status == http.StatusOK, "%s: status %d, %v", user, status, w.err)
		var got []sid.SID
		for _, g := range c.Identity.Groups {
			if g.SID.Prefix() == d.SID {
				got = append(got, g.SID)
			}
			check.Equal(t, g.Attributes&7, 7, "%s: %v has the attributes %#x", user, g.SID, g.Attributes)
		}
		want := slices.DeleteFunc(d.TokenGroups(user), func(s sid.SID) bool { return s.Prefix() != d.SID })
		for _, list := range [][]sid.SID{got, want} {
			slices.SortFunc(list, sid.SID.Compare)
		}
		check.That(t, slices.Equal(got, want) && len(got) >= n,
			"K-18: %s: %d groups, and the directory says %d", user, len(got), len(want))
		if c.Identity.User != d.UserSID(user) || c.Name != user || len(c.Identity.Dropped) != 0 || c.Service != service {
			t.Errorf("K-18: %s is %v: %+v", user, c, c.Identity.Dropped)
		}
		asserted := slices.Contains(c.Identity.Groups, token.Group{SID: sid.MustParse("S-1-18-1"),
			Attributes: 7})
		check.That(t, asserted, "K-25: %s has no asserted identity", user)
	}
	if _, status := w.curl(t, nil); status != http.StatusUnauthorized {
		t.Errorf("without a ticket: status %d, want %d", status, http.StatusUnauthorized)
	}
	w.curl(t, d.Login("hundred"), "--negotiate", "-u", ":")
	altered(t, d, a, w.blob)
	limited(t, d, keys)
	delegated(t, d, keys)
}

// delegates lets the account front request tickets for the service in any user's name (S4U2self, S4U2proxy).
const delegates = `

dn: CN=front,CN=Users,BASE
changetype: modify
add: servicePrincipalName
servicePrincipalName: HTTP/front.refmon.test
-
add: msDS-AllowedToDelegateTo
msDS-AllowedToDelegateTo: HTTP/www.refmon.test
-
replace: userAccountControl
userAccountControl: 16777728
`

// delegated sends a ticket that a real KDC issued to a service in a user's name. The acceptor rejects it unless the
// configuration allows delegation (K-17). The record names the service in both cases (K-87).
func delegated(t *testing.T, d *addc.Domain, keys *Keys) {
	t.Helper()
	cache := filepath.Join(t.TempDir(), "delegated")
	env := d.Login("front")
	// A KDC lets a service act for users only by a ticket that may be forwarded.
	kinit := exec.Command("kinit", "-f", "front@"+addc.Realm)
	kinit.Env, kinit.Stdin = env, strings.NewReader(addc.Password+"\n")
	out, err := kinit.CombinedOutput()
	check.RequireThat(t, err == nil, "kinit: %v, %s", err, out)
	kvno := exec.Command("kvno", "-U", "one", "-P", "--out-cache", "FILE:"+cache, "HTTP/www.refmon.test")
	kvno.Env = env
	out, err = kvno.CombinedOutput()
	check.RequireThat(t, err == nil, "kvno: %v, %s", err, out)
	own := env
	env = append(slices.Clip(env), "KRB5CCNAME=FILE:"+cache)
	for _, let := range []bool{false, true} {
		a := check.Must(New(Config{Keys: keys, Realm: addc.Realm, Domain: d.SID, Delegated: let,
			Now: clockFrom(time.Now().Add(-time.Minute))}))
		w := newWeb(t, a)
		c, status := w.curl(t, env, "--negotiate", "-u", ":")
		const way = "by delegation through front@REFMON.TEST for HTTP/www.refmon.test"
		switch {
		case let && (c == nil || c.Name != "one" || !strings.Contains(c.Proof(), way)):
			t.Errorf("K-17: delegation is let in: status %d, %v, %v", status, c, w.err)
		case !let && (c != nil || status != http.StatusUnauthorized || !strings.Contains(fmt.Sprint(w.err), way)):
			t.Errorf("K-17: delegation is not let in: status %d, %v, %v", status, c, w.err)
		}
		// A client that forwards its own ticket gives level Delegation (K-45).
		want := map[string]winnt.SecurityImpersonationLevel{"always": winnt.SecurityDelegation,
			"none": winnt.SecurityImpersonation}
		for option, level := range want {
			c, status := w.curl(t, own, "--negotiate", "-u", ":", "--delegation", option)
			check.That(t, c != nil && c.Level == level,
				"K-45: curl --delegation %s: status %d, %+v, %v, want %v", option, status, c, w.err, level)
		}
	}
}

// limitedUsers maps the accounts of addc.Limits to the reason in the record of a rejected logon.
// This KDC reports a locked account as revoked.
var limitedUsers = map[string]ntstatus.Status{"locked": ntstatus.AccountRestriction,
	"expired": ntstatus.AccountExpired, "disabled": ntstatus.AccountDisabled, "fresh": ntstatus.PasswordMustChange,
	"aged": ntstatus.PasswordExpired, "idle": ntstatus.InvalidLogonHours}

// limited checks passwords of restricted accounts with a real KDC. The record has the reason (K-85), the client
// receives none (K-58).
func limited(t *testing.T, d *addc.Domain, keys *Keys) {
	t.Helper()
	a := check.Must(New(Config{Keys: keys, Realm: addc.Realm, Domain: d.SID}))
	p := Passwords{Acceptor: a, KDCs: KDCs{Addresses: []string{d.Address}, Wait: time.Minute}}
	c, err := p.Check(t.Context(), "one", addc.Password)
	check.That(t, err == nil && c.Name == "one", "K-53: Check = %+v, %v, want the client one, no error", c, err)
	for name, want := range limitedUsers {
		var r *Refusal
		_, err := p.Check(t.Context(), name, addc.Password)
		check.That(t, errors.As(err, &r) && r.Reason == want &&
			r.Status == ntstatus.LogonFailure, "K-85: %s: %v, the record says %v, want %v", name, err, r.Reason, want)
	}
}

// web is a small HTTP server that hands clients' tokens to an acceptor.
type web struct {
	server *httptest.Server
	client *Client
	blob   []byte
	err    error
}

func newWeb(t *testing.T, a *Acceptor) *web {
	w := &web{}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Negotiate ")
		if w.client, w.err = nil, nil; ok {
			if w.blob, w.err = base64.StdEncoding.DecodeString(text); w.err == nil {
				w.client, w.err = a.Accept(w.blob, nil)
			}
		}
		if w.client == nil {
			rw.Header().Set("WWW-Authenticate", "Negotiate")
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		rw.Header().Set("WWW-Authenticate", "Negotiate "+base64.StdEncoding.EncodeToString(w.client.Answer))
	}))
	t.Cleanup(w.server.Close)
	return w
}

// curl sends one request and returns the client that the server identified, and the HTTP status.
func (w *web) curl(t *testing.T, env []string, args ...string) (*Client, int) {
	t.Helper()
	host, port, err := net.SplitHostPort(w.server.Listener.Addr().String())
	check.NoError(t, err)
	cmd := exec.Command("curl", append(args, "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--resolve",
		"www.refmon.test:"+port+":"+host, "http://www.refmon.test:"+port+"/")...)
	cmd.Env = env
	out, err := cmd.Output()
	check.RequireThat(t, err == nil, "curl: %v, %s", err, out)
	status := 0
	for _, c := range out {
		status = 10*status + int(c-'0')
	}
	return w.client, status
}

// clockFrom returns a clock that starts at begin and advances in real time.
func clockFrom(begin time.Time) func() time.Time {
	first := clock(begin, time.Time{})
	return func() time.Time {
		if at := first(); !at.IsZero() {
			return at
		}
		return time.Now()
	}
}

// altered decrypts a real ticket with the real key, and puts altered PACs with new signatures into it.
func altered(t *testing.T, d *addc.Domain, a *Acceptor, blob []byte) {
	n := check.Must(parseOuter(blob))
	o := check.Must(a.open(n.apReq))
	data, err := o.pac()
	check.RequireThat(t, err == nil && data != nil, "no PAC: %v", err)
	try := func(pac []byte, client string) (*Client, error) {
		k := forge.Ticket{Service: o.service, Realm: addc.Realm, Key: o.key, Version: o.req.Ticket.EncPart.KVNO,
			Client: client, AuthTime: o.ticket.AuthTime, Start: o.ticket.StartTime, End: o.ticket.EndTime, PAC: pac,
			SessionKey: o.ticket.Key, At: time.Now()}
		return a.Accept(k.Blob(), nil)
	}
	same, err := try(forge.Seal(forge.Split(data), o.key), "hundred")
	check.RequireThat(t, err == nil && len(same.Identity.Groups) >= 100,
		"an unaltered PAC with new signatures: %v, %v, want at least 100 groups, no error", same, err)
	check.That(t, check.Err(try(data, "one")) != nil, "K-14: the PAC of another user's ticket is taken")
	kinds := 0
	for i, b := range forge.Split(data) {
		if b.Type == forge.Server || b.Type == forge.KDC || b.Type == 16 || b.Type == 19 {
			continue
		}
		kinds++
		step := max(1, len(b.Data)/60)
		for at := 0; at < len(b.Data); at += step {
			buffers := forge.Split(data)
			buffers[i].Data[at] ^= 0x55
			tryAltered(t, d, b.Type, at, try, forge.Seal(buffers, o.key))
			buffers = forge.Split(data)
			buffers[i].Data = buffers[i].Data[:at]
			if c, err := try(forge.Seal(buffers, o.key), "hundred"); err == nil && at < len(b.Data)-8 && at > 0 {
				t.Errorf("buffer of type %d, cut at %d of %d: %v", b.Type, at, len(b.Data), c)
			}
		}
	}
	check.That(t, kinds >= 3, "%d kinds of buffers, want logon information, client and names at least", kinds)
}

// tryAltered checks that an altered PAC, signed with the service's key, can only assign SIDs of the
// domain.
func tryAltered(t *testing.T, d *addc.Domain, kind uint32, at int, try func([]byte, string) (*Client, error),
	data []byte) {
	c, err := try(data, "hundred")
	if err != nil {
		return
	}
	check.That(t, kind != forge.ClientInfo && kind != forge.Requestor,
		"byte %d of the buffer of type %d altered, and taken as %v", at, kind, c)
	outside := func(g token.Group) bool {
		s := g.SID
		return s.Prefix() != d.SID && s.Authority() == 5 && s != pac.ClaimsValid && s != pac.Compounded &&
			s.Sub(0) <= 1000 && s.Sub(0) != 21
	}
	if c.Identity.User.Prefix() != d.SID && kind != forge.LogonInfo || slices.ContainsFunc(c.Identity.Groups, outside) {
		t.Errorf("byte %d of the buffer of type %d altered: %+v", at, kind, c.Identity)
	}
}
