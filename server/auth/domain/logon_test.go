package domain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var (
	home  = sid.MustParse("S-1-5-21-10-20-30")
	group = token.Group{SID: home.WithRID(2001), Attributes: token.GroupDefault}
)

// next answers for everybody else, and says so.
type next struct{ *lsa.Store }

func (n next) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	return logon.Result{Proof: "next"}, ntstatus.NoSuchPackage
}

// fixture is an authority whose directory knows alice by the password wonderland, and
// counts how often it is asked.
type fixture struct {
	*Authority
	asked int
	fails error // what the directory answers instead
	now   time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "HERE", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f := &fixture{now: time.Unix(1_800_000_000, 0)}
	alice := Proved{Proof: "alice of the test", Source: "test", User: lsa.DomainUser{Account: logon.Account{
		SID: home.WithRID(1104), Use: winnt.SidTypeUser, Name: "alice"}, PrimaryGroup: home.WithRID(513),
		Groups: []token.Group{group}}}
	f.Authority = New(Authority{Authority: next{store}, Store: store, Realm: "EXAMPLE.TEST", Name: "EXAMPLE",
		Passwords: func(_ context.Context, name string, p logon.Secret) (Proved, error) {
			switch f.asked++; {
			case f.fails != nil:
				return Proved{}, f.fails
			case strings.EqualFold(name, "alice") && p == "wonderland":
				return alice, nil
			}
			return Proved{}, &Refused{Status: ntstatus.LogonFailure, Why: errors.New("of the test")}
		},
		Names: func(_ context.Context, name string, byRealm bool) (Proved, error) {
			if name == "alice" {
				return alice, nil
			}
			return Proved{}, &Refused{Status: ntstatus.NoSuchUser, Why: errors.New("of the test")}
		},
		Limit: &Limit{PerName: 3, PerOrigin: 6, Now: func() time.Time { return f.now }}})
	return f
}

func password(domain, name, password string) logon.Request {
	return logon.Request{Package: logon.Password, Type: winnt.LOGON32_LOGON_NETWORK, Domain: domain, Name: name,
		Password: logon.Secret(password), Origin: "192.0.2.1", Caller: sid.LocalService}
}

// TestNames: which names are the domain's (D-27).
func TestNames(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		domain, name string
		ours         bool
	}{
		{"EXAMPLE", "alice", true}, {"example", "ALICE", true}, {"Example.Test", "alice", true},
		{"", `EXAMPLE\alice`, true}, {"", "alice@example.test", true}, {"EXAMPLE", `example\alice`, true},
		{"", "alice", false}, {".", "alice", false}, {"HERE", "alice", false}, {"OTHER", "alice", false},
		{"", "alice@other.test", false}, {"OTHER", `EXAMPLE\alice`, false}, {"EXAMPLE", "alice@other.test", false},
		{"EXAMPLE", strings.Repeat("a", logon.MaxName), false},
	} {
		r, st := f.LogOn(password(c.domain, c.name, "wonderland"))
		if c.ours && (st != ntstatus.Success || r.Token.User.SID != home.WithRID(1104)) ||
			!c.ours && (st != ntstatus.NoSuchPackage || r.Proof != "next") {
			t.Errorf("D-27: %q, %.30q: %v, %q", c.domain, c.name, st, r.Proof)
		}
	}
	f.Unqualified = true
	if _, st := f.LogOn(password("", "alice", "wonderland")); st != ntstatus.Success {
		t.Errorf("D-27: without a domain: %v", st)
	}
	if r, st := f.LogOn(password("", "Administrators", "wonderland")); st == ntstatus.Success || r.Proof != "next" {
		t.Errorf("D-27: a name of this computer: %v", st)
	}
	if r, _ := f.LogOn(password("", "", "")); r.Proof != "next" {
		t.Error("L-34: an anonymous logon is the domain's")
	}
}

// TestLogon: the token of a user whom the directory knows, by password and by name.
func TestLogon(t *testing.T) {
	f := newFixture(t)
	out, st := f.LogOn(password("EXAMPLE", "alice", "wonderland"))
	if st != ntstatus.Success || out.Proof != "alice of the test" || out.Token.Source.Name != "test" ||
		out.Token.PrimaryGroup != home.WithRID(513) || out.Token.Level != winnt.SecurityImpersonation {
		t.Errorf("%v: %+v", st, out)
	}
	if text := fmt.Sprintf("%+v", out); strings.Contains(text, "wonderland") {
		t.Error("K-50: the result has the password")
	}
	by := password("EXAMPLE", "alice", "")
	by.Package = logon.S4U
	if out, st := f.LogOn(by); st != ntstatus.Success || out.Token.Level != winnt.SecurityIdentification {
		t.Errorf("L-36: without SeTcbPrivilege: %v at %v", st, out.Token.Level)
	}
	by.Tcb = true
	if out, st := f.LogOn(by); st != ntstatus.Success || out.Token.Level != winnt.SecurityImpersonation {
		t.Errorf("L-36: with SeTcbPrivilege: %v at %v", st, out.Token.Level)
	}
	by.Type = winnt.LOGON32_LOGON_INTERACTIVE
	if _, st := f.LogOn(by); st != ntstatus.InvalidLogonType {
		t.Errorf("L-3: %v", st)
	}
	by.Type, by.Name = winnt.LOGON32_LOGON_NETWORK, "bob"
	if _, st := f.LogOn(by); st != ntstatus.NoSuchUser {
		t.Errorf("an unknown name: %v", st)
	}
	added := password("EXAMPLE", "alice", "wonderland")
	added.Groups = []token.Group{{SID: sid.Administrators, Attributes: token.GroupDefault}}
	if _, st := f.LogOn(added); st != ntstatus.PrivilegeNotHeld {
		t.Errorf("L-33: %v", st)
	}
	asked := f.asked
	if _, st := f.LogOn(password("EXAMPLE", "alice", "")); st != ntstatus.LogonFailure || f.asked != asked {
		t.Errorf("D-2: an empty password: %v, asked %d times", st, f.asked-asked)
	}
	f.Names, f.Passwords = nil, nil
	if r, st := f.LogOn(password("EXAMPLE", "alice", "wonderland")); st != ntstatus.NoSuchPackage || r.Proof != "" {
		t.Errorf("without a way: %v", st)
	}
	by.Name = "alice"
	if r, _ := f.LogOn(by); r.Proof != "next" {
		t.Error("a name without a way is the next one's")
	}
}

// TestLimit: past the failures of a name or of an origin the directory is not asked (D-25);
// success forgives the name alone; what told nothing does not count.
func TestLimit(t *testing.T) {
	f := newFixture(t)
	try := func(name, word, origin string) ntstatus.Status {
		r := password("EXAMPLE", name, word)
		r.Origin = origin
		_, st := f.LogOn(r)
		return st
	}
	for range 2 {
		try("alice", "wrong", "192.0.2.1")
	}
	if st := try("ALICE", "wonderland", "192.0.2.2"); st != ntstatus.Success {
		t.Fatalf("D-25: below the limit: %v", st)
	}
	for range 3 {
		try("alice", "wrong", "192.0.2.1")
	}
	asked := f.asked
	if st := try("Alice", "wonderland", "192.0.2.2"); st != ntstatus.AccountLockedOut || f.asked != asked {
		t.Errorf("D-25: past the limit of the name: %v, asked %d times", st, f.asked-asked)
	}
	if st := try("bob", "x", "192.0.2.1"); st != ntstatus.LogonFailure {
		t.Errorf("D-25: the sixth of the address: %v", st)
	}
	if st := try("carol", "x", "192.0.2.1"); st != ntstatus.AccountLockedOut {
		t.Errorf("D-25: past the limit of the address: %v", st)
	}
	f.now = f.now.Add(defaultWindow)
	if st := try("alice", "wonderland", "192.0.2.1"); st != ntstatus.Success {
		t.Errorf("D-25: after the window: %v", st)
	}
	f.fails = &Refused{Status: ntstatus.NoLogonServers, Why: errors.New("away")}
	for range 20 {
		if st := try("alice", "wonderland", "192.0.2.1"); st != ntstatus.NoLogonServers {
			t.Fatalf("D-20: %v", st)
		}
	}
	f.fails = nil
	// One password does not pay for guesses at others.
	for i := range 5 {
		try(fmt.Sprint("user", i), "x", "192.0.2.9")
		try("alice", "wonderland", "192.0.2.9")
	}
	try("user5", "x", "192.0.2.9")
	if st := try("alice", "wonderland", "192.0.2.9"); st != ntstatus.AccountLockedOut {
		t.Errorf("D-25: an address with one right password: %v", st)
	}
	// A program that names no address has more of them.
	for i := range 59 {
		try(fmt.Sprint("other", i), "x", "")
	}
	if st := try("alice", "wonderland", ""); st != ntstatus.Success {
		t.Errorf("D-25: a program without an address: %v", st)
	}
	try("other", "x", "")
	if st := try("alice", "wonderland", ""); st != ntstatus.AccountLockedOut {
		t.Errorf("D-25: past its limit: %v", st)
	}
}

// TestLimitIsBounded: so many names are kept, and the oldest is forgotten (D-26).
func TestLimitIsBounded(t *testing.T) {
	var c counts
	now := time.Unix(1_800_000_000, 0)
	for i := range maxKept + 5 {
		c.add(fmt.Sprint(i), now)
	}
	if len(c.byKey) != maxKept || c.order.Len() != maxKept || c.live("4", now, time.Minute) != nil ||
		c.live("5", now, time.Minute) == nil {
		t.Errorf("D-26: %d and %d are kept", len(c.byKey), c.order.Len())
	}
	if c.live("7", now.Add(time.Hour), time.Minute) != nil || len(c.byKey) != 0 || c.order.Len() != 0 {
		t.Errorf("D-26: %d are kept after the window", len(c.byKey))
	}
}

// TestManyAtOnce: so many passwords are checked at once, and the next is refused without
// being counted.
func TestManyAtOnce(t *testing.T) {
	f := newFixture(t)
	for range checks {
		f.checking <- struct{}{}
	}
	for range 9 {
		_, st := f.LogOn(password("EXAMPLE", "alice", "wonderland"))
		if st != ntstatus.InsufficientResources || f.asked != 0 {
			t.Fatalf("too many at once: %v", st)
		}
	}
	<-f.checking
	if _, st := f.LogOn(password("EXAMPLE", "alice", "wonderland")); st != ntstatus.Success {
		t.Errorf("a place is free: %v", st)
	}
}

// TestOneNetwork: the addresses of a network of IPv6 are one client's, however they are
// written, and those of IPv4 one each (D-30).
func TestOneNetwork(t *testing.T) {
	for _, c := range []struct{ origin, want string }{
		{"192.0.2.1", "192.0.2.1"}, {"192.0.2.2", "192.0.2.2"}, {"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8::1", "2001:db8::/64"}, {"2001:db8:0:0:ffff::9", "2001:db8::/64"}, {"2001:DB8::1", "2001:db8::/64"},
		{"2001:db8:0:1::1", "2001:db8:0:1::/64"}, {"fe80::1%eth0", "fe80::/64"}, {"fe80::1%eth1", "fe80::/64"},
		{"a printer", "a printer"}, {"192.0.2.1:80", "192.0.2.1:80"},
	} {
		if got := network(c.origin); got != c.want {
			t.Errorf("D-30: %s counts as %q, want %q", c.origin, got, c.want)
		}
	}
	f := newFixture(t)
	for i := range 6 {
		r := password("EXAMPLE", fmt.Sprint("user", i), "x")
		r.Origin = fmt.Sprintf("2001:db8::%x:1", i+1)
		if _, st := f.LogOn(r); st != ntstatus.LogonFailure {
			t.Fatalf("D-30: guess %d: %v", i, st)
		}
	}
	r := password("EXAMPLE", "alice", "wonderland")
	r.Origin = "2001:db8::beef"
	if _, st := f.LogOn(r); st != ntstatus.AccountLockedOut || f.asked != 6 {
		t.Errorf("D-30: the seventh guess of a network: %v, asked %d times", st, f.asked)
	}
	r.Origin = "2001:db8:0:1::beef"
	if _, st := f.LogOn(r); st != ntstatus.Success {
		t.Errorf("D-30: another network: %v", st)
	}
}
