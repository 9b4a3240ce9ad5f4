package domain

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var (
	home  = sid.MustParse("S-1-5-21-10-20-30")
	group = token.Group{SID: home.WithRID(2001), Attributes: token.GroupDefault}
)

// next is the authority for all other requests. Its results name it.
type next struct{ *lsa.Store }

func (n next) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	return logon.Result{Proof: "next"}, ntstatus.NoSuchPackage
}

// host has the uids of users of a host.
type host map[string]uint32

func (h host) UID(_ context.Context, name string) (uint32, bool) { n, ok := h[name]; return n, ok }
func (host) GID(context.Context, string) (uint32, bool)          { return 0, false }
func (host) UserName(context.Context, uint32) (string, bool)     { return "visitor", true }
func (host) GroupName(context.Context, uint32) (string, bool)    { return "", false }
func (host) Groups(context.Context, string) ([]uint32, bool)     { return nil, true }
func (host) GroupsOf(context.Context, uint32) ([]uint32, bool)   { return nil, true }

// fixture is an authority whose directory has alice with the password wonderland and counts
// queries.
type fixture struct {
	*Authority
	queries int
	fails   error // returned instead of a result
	now     time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store := check.Must(lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "HERE", Subuids: []string{},
		Hosts: host{"visitor": 1000}, Lookups: host{}, Password: lsa.Hashing{Memory: 8, Passes: 1}}))
	t.Cleanup(func() { _ = store.Close() })
	f := &fixture{now: time.Unix(1_800_000_000, 0)}
	alice := Proved{Proof: "alice of the test", Source: "test", User: lsa.DomainUser{Account: logon.Account{
		SID: home.WithRID(1104), Use: winnt.SidTypeUser, Name: "alice"}, PrimaryGroup: home.WithRID(513),
		Groups: []token.Group{group}}}
	f.Authority = New(Authority{Authority: next{store}, Store: store, Realm: "EXAMPLE.TEST", Name: "EXAMPLE",
		Passwords: func(_ context.Context, name string, _ bool, p logon.Secret) (Proved, error) {
			switch f.queries++; {
			case f.fails != nil:
				return Proved{}, f.fails
			case strings.EqualFold(name, "alice") && p == "wonderland":
				return alice, nil
			}
			return Proved{}, &Refused{Status: ntstatus.LogonFailure, Why: errors.New("of the test")}
		},
		Names: func(_ context.Context, name string, byRealm bool) (Proved, error) {
			if f.queries++; name == "alice" {
				return alice, nil
			}
			return Proved{}, &Refused{Status: ntstatus.NoSuchUser, Why: errors.New("of the test")}
		},
		Limit: &admission.Limit{PerPair: 3, PerName: 5, PerOrigin: 6, Now: func() time.Time { return f.now }}})
	return f
}

func password(domain, name, password string) logon.Request {
	return logon.Request{Package: logon.Password, Type: winnt.LOGON32_LOGON_NETWORK, Domain: domain, Name: name,
		Password: logon.Secret(password), Origin: "192.0.2.1", Caller: sid.LocalService}
}

// TestDirectoryIsNotQueriedBeyondTheLimit checks that the directory is not queried after too many failures of a name or
// of an origin, which can be a whole IPv6 network (D-25, D-30). A success clears the name only, and an attempt without
// a result does not count. A name with other accents or of another width has the same counter.
func TestDirectoryIsNotQueriedBeyondTheLimit(t *testing.T) {
	f := newFixture(t)
	const ok, wrong, locked = ntstatus.Success, ntstatus.LogonFailure, ntstatus.AccountLockedOut
	try := func(want ntstatus.Status, name, word, origin string) {
		t.Helper()
		r, queries := password("EXAMPLE", name, word), f.queries
		r.Origin = origin
		result, st := f.LogOn(r)
		check.Equal(t, st, want, "D-25: %s with %s from %s", name, word, origin)
		check.That(t, (f.queries == queries) == (st == locked) && (st != locked || result.Reason == st),
			"D-25: %s from %s: %v with the reason %v, and %d queries", name, origin, st, result.Reason, f.queries-queries)
		check.Equal(t, result.Unchecked, st == locked || st == ntstatus.NoLogonServers, "U-92: %s: unchecked", name)
	}
	for range 2 {
		try(wrong, "alice", "x", "192.0.2.1")
	}
	try(ok, "ALICE", "wonderland", "192.0.2.2")
	try(wrong, "alice", "x", "192.0.2.1")
	try(locked, "Alice", "wonderland", "192.0.2.1") // the limit of name and address
	try(ok, "Alice", "wonderland", "192.0.2.4")
	for range 2 {
		try(wrong, "alice", "x", "192.0.2.3")
	}
	try(locked, "Alice", "wonderland", "192.0.2.5") // the limit of the name
	try(ok, "Alice", "wonderland", "192.0.2.4")     // an origin of an earlier logon
	for i := range 6 {
		try(wrong, fmt.Sprint("user", i), "x", fmt.Sprintf("2001:db8::%x:1", i+1))
	}
	try(locked, "carol", "x", "2001:db8::beef") // the limit of the network
	try(wrong, "carol", "x", "2001:db8:0:1::beef")
	for i := range 7 { // a program that names no address has a greater limit
		try(wrong, fmt.Sprint("other", i), "x", "")
	}
	f.now = f.now.Add(admission.DefaultWindow)
	try(ok, "alice", "wonderland", "192.0.2.1")
	for _, name := range []string{"zoë kim", "ZOE KIM", "Zoe\u0308 \u212aim"} {
		try(wrong, name, "x", "192.0.2.6")
	}
	try(locked, "ｚoe kím", "x", "192.0.2.6") // Active Directory finds one account by all of them
	f.fails = &Refused{Status: ntstatus.NoLogonServers, Why: errors.New("away")}
	for range 20 {
		try(ntstatus.NoLogonServers, "alice", "wonderland", "192.0.2.1")
	}
}

// TestNameWithIgnoredCharactersIsRefused checks that a password is not checked for a name with blanks or invisible
// characters that a directory ignores, so that the failures of a name have one counter (D-25).
func TestNameWithIgnoredCharactersIsRefused(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{" alice", "alice ", "alice\t", "alice\u00a0", "al\u200bice", "al  ice", "\x00alice",
		"al\u034fice", "al\u1806ice", "alice\u180b", "alice\ufe0f", "alice\U000e0100", "alice\ufffc"} {
		r, st := f.LogOn(password("EXAMPLE", name, "wonderland"))
		check.That(t, st == ntstatus.LogonFailure && r.Reason == ntstatus.NoSuchUser && r.Unchecked,
			"D-25: a logon as %q: %v, the record has %v", name, st, r.Reason)
	}
	check.Equal(t, f.queries, 0, "D-25: queries of the directory")
	_, _ = f.LogOn(password("EXAMPLE", "Zoë Example", "x"))
	check.Equal(t, f.queries, 1, "D-25: queries for a name with one blank")
}

// TestConcurrentLogonsOfOneUserSucceed checks that logons with the right password do not count as failures of each
// other while the directory checks them (D-25).
func TestConcurrentLogonsOfOneUserSucceed(t *testing.T) {
	f := newFixture(t)
	passwords := f.Passwords
	synctest.Test(t, func(t *testing.T) {
		begin := make(chan struct{})
		f.Passwords = func(ctx context.Context, name string, byRealm bool, p logon.Secret) (Proved, error) {
			<-begin
			return passwords(ctx, name, byRealm, p)
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, st := f.LogOn(password("EXAMPLE", "alice", "wonderland"))
				check.Equal(t, st, ntstatus.Success, "D-25: one of eight logons at the same time")
			})
		}
		synctest.Wait()
		close(begin)
		all.Wait()
	})
}

// TestStoppingEndsWaitingLogons checks that a stop ends logons that a domain controller does not answer, those that
// wait for one of the same user, and those that have no slot yet, and that none counts as a failure (W-19, D-25).
func TestStoppingEndsWaitingLogons(t *testing.T) {
	f := newFixture(t)
	f.Passwords = func(ctx context.Context, _ string, _ bool, _ logon.Secret) (Proved, error) {
		<-ctx.Done() // the controller hangs
		return Proved{}, &Refused{Status: ntstatus.NoLogonServers, Why: ctx.Err()}
	}
	f.Names = func(ctx context.Context, _ string, _ bool) (Proved, error) {
		<-ctx.Done()
		return Proved{}, &Refused{Status: ntstatus.NoLogonServers, Why: ctx.Err()}
	}
	synctest.Test(t, func(t *testing.T) {
		stopping, stop := context.WithCancel(t.Context())
		f.Stopping = stopping
		started := time.Now()
		var all sync.WaitGroup
		for i := range checks + 8 {
			all.Go(func() {
				r := password("EXAMPLE", fmt.Sprint("user", i/2), "x")
				r.Origin = fmt.Sprintf("192.0.2.%d", i/2)
				_, st := f.LogOn(r)
				check.Equal(t, st, ntstatus.Cancelled, "W-19: a logon with a password that waits")
			})
		}
		all.Go(func() {
			_, st := f.LogOn(logon.Request{Package: logon.S4U, Name: "alice", Domain: "EXAMPLE",
				Type: winnt.LOGON32_LOGON_NETWORK})
			check.Equal(t, st, ntstatus.Cancelled, "W-19: a logon by name that waits")
		})
		synctest.Wait()
		stop()
		all.Wait()
		check.Equal(t, time.Since(started), 0, "W-19: time until waiting logons end")
	})
	check.That(t, !f.Limit.Refuses("user0", "192.0.2.0", true), "D-25: logons that a stop ended count as failures")
	f = newFixture(t)
	stopping, stop := context.WithCancel(t.Context())
	answer := f.Passwords
	f.Stopping, f.Passwords = stopping, func(ctx context.Context, n string, by bool, p logon.Secret) (Proved, error) {
		stop()
		return answer(ctx, n, by, p)
	}
	st := check.Status(f.LogOn(password("EXAMPLE", "alice", "wonderland")))
	check.Equal(t, st, ntstatus.Success, "W-19: a logon whose answer came before the stop took effect")
}

// TestConcurrentChecksAreBounded checks that a logon beyond the limit of concurrent password checks, or of lookups by
// name, is rejected and does not count as a failed attempt (L-74).
func TestConcurrentChecksAreBounded(t *testing.T) {
	for _, by := range []logon.Package{logon.Password, logon.S4U} {
		f := newFixture(t)
		pool, r := f.checks, password("EXAMPLE", "alice", "wonderland")
		other := r
		other.Package = logon.S4U
		if r.Package = by; by == logon.S4U {
			pool, other.Package = f.lookups, logon.Password
		}
		for range checks {
			pool.Enter(t.Context(), "192.0.2.1")
		}
		check.Equal(t, check.Status(f.LogOn(other)), ntstatus.Success, "L-74: %v while %v has no free place",
			other.Package, by)
		f.queries = 0
		var waiting sync.WaitGroup
		for range waiters {
			waiting.Go(func() {
				if pool.Enter(t.Context(), "192.0.2.1") {
					pool.Leave()
				}
			})
		}
		for pool.Waiting() < waiters {
			runtime.Gosched()
		}
		for range 9 {
			out, st := f.LogOn(r)
			check.Equal(t, out.Unchecked, by == logon.Password, "U-92: %v beyond the limit: unchecked", by)
			check.RequireThat(t, st == ntstatus.InsufficientResources && f.queries == 0,
				"L-74: %v beyond the limit = %v, want %v without a directory query", by, st, ntstatus.InsufficientResources)
		}
		pool.Leave()
		waiting.Wait()
		for range 2 {
			check.Equal(t, check.Status(f.LogOn(r)), ntstatus.Success, "L-74: %v with a free place", by)
		}
	}
}

// TestDomainNamesIgnoreCase checks that a name belongs to the domain only under the domain's NetBIOS name or its
// realm, in any case (D-27).
func TestDomainNamesIgnoreCase(t *testing.T) {
	for _, named := range []string{"EXAMPLE", ""} {
		a := New(Authority{Realm: "EXAMPLE.TEST", Name: named})
		check.That(t, a.Limit != nil && a.Stopping != nil, "the defaults are %+v", a)
		for _, c := range []struct {
			name, domain string
			want         bool
		}{
			{"x@EXAMPLE.TEST", "", true}, {"x@example.test", "", true}, {`EXAMPLE\x`, "", named != ""},
			{"x", "EXAMPLE.TEST", true},
			{"x", "example", named != ""}, {"x@SUB.EXAMPLE.TEST", "", false}, {"x@MYEXAMPLE.TEST", "", false},
			{"x@EXAMPLE.TEST.EVIL", "", false}, {`EXAMPLE2\x`, "", false}, {`EXAMPL\x`, "", false}, {"x", "OTHER", false},
			{"x@EXAMPLE.TEST", "OTHER", false}, {"x@EXAMPLE.TEST", "example.test", true}, {"x", "", false},
			{"", "EXAMPLE", false}, {`EXAMPLE\x`, "example", named != ""}, {`EXAMPLE\x`, "OTHER", false}, {"x", ".", false},
			{"x", "HERE", false}, {strings.Repeat("x", logon.MaxName), "EXAMPLE", false},
		} {
			name, _, ours := a.user(&logon.Request{Name: c.name, Domain: c.domain})
			check.That(t, ours == c.want && (!ours || name == "x"),
				"D-27: named %q: %q of %q: %q, ours %t, want %t", named, c.name, c.domain, name, ours, c.want)
		}
	}
}

// TestRequestReachesItsAuthority checks which authority gets each kind of request and with what contents, that its
// result is returned without the password, and that each rejection is logged (D-2, D-25, D-27, K-50,
// L-3, L-33, L-34, L-36).
func TestRequestReachesItsAuthority(t *testing.T) {
	f := newFixture(t)
	var queries []string
	var refusals []error
	user := Proved{Proof: "p", Source: "s", User: lsa.DomainUser{Account: logon.Account{SID: home.WithRID(1104)},
		PrimaryGroup: home.WithRID(513), Groups: []token.Group{group}}}
	odd := errors.New("odd")
	answer := func(name string) (Proved, error) {
		switch name {
		case "odd":
			return user, odd
		case "zero":
			return user, &Refused{Result: logon.Result{Reason: ntstatus.AccountDisabled}, Why: odd}
		case "no":
			return user, fmt.Errorf("x: %w", &Refused{Status: ntstatus.AccountExpired,
				Result: logon.Result{Reason: ntstatus.AccountDisabled, Proof: "why"}, Why: odd})
		}
		return user, nil
	}
	ends := func(ctx context.Context) {
		if at, ok := ctx.Deadline(); !ok || time.Until(at) > 30*time.Second || ctx.Err() != nil {
			t.Error("the question has no deadline within 30 s, want one")
		}
	}
	f.Passwords = func(ctx context.Context, name string, byRealm bool, p logon.Secret) (Proved, error) {
		ends(ctx)
		if queries = append(queries, "password of "+name+" "+string(p)); byRealm {
			queries = append(queries, "by realm")
		}
		return answer(name)
	}
	f.Names = func(ctx context.Context, name string, byRealm bool) (Proved, error) {
		ends(ctx)
		queries = append(queries, fmt.Sprintf("%s %t", name, byRealm))
		return answer(name)
	}
	f.Refused = func(_ string, err error) { refusals = append(refusals, err) }
	const of, s4u, lost = logon.Password, logon.S4U, ntstatus.LogonFailure
	groups := []token.Group{{SID: sid.BackupOperators, Attributes: token.GroupDefault}}
	by := func(p logon.Package, kind winnt.LogonType, name string) logon.Request {
		return logon.Request{Package: p, Type: kind, Name: name, Password: "w"}
	}
	for _, c := range []struct {
		what   string
		r      logon.Request
		call   string // "next": the next authority decides
		want   ntstatus.Status
		reason ntstatus.Status
	}{
		{"a password", by(of, 3, `EXAMPLE\a`), "password of a w", 0, 0},
		{"a password, a realm", by(of, 3, "a@example.test"), "password of a w; by realm", 0, 0},
		{"a name", by(s4u, 3, `EXAMPLE\a`), "a false", 0, 0},
		{"a name, with the privilege", logon.Request{Package: s4u, Type: 3, Name: `EXAMPLE\a`, Tcb: true}, "a false", 0,
			0},
		{"a name before the realm", by(s4u, 3, "a@example.test"), "a true", 0, 0},
		{"a name before the realm's name", by(s4u, 3, "a@EXAMPLE"), "a true", 0, 0},
		{"a name with a realm as its domain", logon.Request{Package: s4u, Type: 3, Domain: "example.test", Name: "a"},
			"a false", 0, 0},
		{"a name with both", by(s4u, 3, `EXAMPLE\a@EXAMPLE`), "a@EXAMPLE false", 0, 0},
		{"a name with another sign", by(s4u, 3, "a@b@EXAMPLE.TEST"), "a@b true", 0, 0},
		{"a ticket", by(logon.Ticket, 3, `EXAMPLE\a`), "next", ntstatus.NoSuchPackage, 0},
		{"no package", logon.Request{Type: 3, Name: `EXAMPLE\a`, Groups: groups}, "next", ntstatus.NoSuchPackage, 0},
		{"of this computer", logon.Request{Package: s4u, Type: 3, Domain: ".", Name: "a"}, "next",
			ntstatus.NoSuchPackage, 0},
		{"groups, by password", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\a`, Password: "w", Groups: groups},
			"", ntstatus.PrivilegeNotHeld, 0},
		{"groups, by name", logon.Request{Package: s4u, Type: 2, Name: `EXAMPLE\a`, Groups: groups}, "",
			ntstatus.PrivilegeNotHeld, 0},
		{"groups with the privilege",
			logon.Request{Package: of, Type: 3, Name: `EXAMPLE\a`, Password: "w", Groups: groups, Tcb: true},
			"password of a w", 0, 0},
		{"an empty password", logon.Request{Package: of, Type: 3, Domain: "EXAMPLE", Name: "a"}, "", lost,
			ntstatus.WrongPassword},
		{"another type by name", by(s4u, 2, `EXAMPLE\a`), "", ntstatus.InvalidLogonType, 0},
		{"a type that is not granted", by(of, winnt.LOGON32_LOGON_SERVICE, `EXAMPLE\a`), "password of a w",
			ntstatus.LogonTypeNotGranted, ntstatus.LogonTypeNotGranted},
		{"refused", by(of, 3, `EXAMPLE\no`), "password of no w", ntstatus.AccountExpired, ntstatus.AccountDisabled},
		{"refused by name", by(s4u, 3, `EXAMPLE\no`), "no false", ntstatus.AccountExpired, ntstatus.AccountDisabled},
		{"refused without a status", by(of, 3, `EXAMPLE\zero`), "password of zero w", lost, 0},
		{"another error", by(s4u, 3, `EXAMPLE\odd`), "odd false", lost, 0},
		{"the longest name",
			logon.Request{Package: of, Type: 3, Domain: "EXAMPLE", Name: strings.Repeat("n", 1017), Password: "w"},
			"password of " + strings.Repeat("n", 1017) + " w", 0, 0},
		{"one byte more",
			logon.Request{Package: of, Type: 3, Domain: "EXAMPLE", Name: strings.Repeat("n", 1018), Password: "w"},
			"next", ntstatus.NoSuchPackage, 0},
	} {
		queries, refusals = nil, nil
		r, st := f.LogOn(c.r)
		call := strings.Join(queries, "; ")
		if r.Proof == "next" {
			call += "next"
		}
		if call != c.call || st != c.want || r.Reason != c.reason || (st == 0) != (r.Token.User.SID == home.WithRID(1104)) {
			t.Errorf("%s: %v for %v after %.40q, want %v for %v after %.40q",
				c.what, st, r.Reason, call, c.want, c.reason,
				c.call)
		}
		unchecked := c.call == "" && (c.r.Package == of || c.r.Groups != nil)
		check.Equal(t, r.Unchecked, unchecked, "U-92: %s: unchecked", c.what)
		refused := slices.ContainsFunc([]string{"no", "zero", "odd"}, func(n string) bool {
			return strings.HasSuffix(c.r.Name, `\`+n)
		})
		check.That(t, refused == (len(refusals) == 1) && (!refused || errors.Is(refusals[0], odd)),
			"%s: the log has %v, want one entry for a rejected request and none otherwise", c.what, refusals)
		if st != 0 {
			continue
		}
		added := slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool { return g.SID == sid.BackupOperators })
		check.That(t, r.Proof == "p" && r.Token.Source.Name == "s" && added == (len(c.r.Groups) > 0) &&
			slices.Contains(r.Token.Groups, group) &&
			len(user.User.Groups) == 1 && r.Token.PrimaryGroup == home.WithRID(513) &&
			(r.Token.Level == winnt.SecurityIdentification) == (c.r.Package == s4u && !c.r.Tcb),
			"%s: %+v by %q, want that of the authority, at Identification by a name alone", c.what, r.Token, r.Proof)
	}
	// Both tokens of an administrator are of this source.
	check.NoError(t, f.Store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		return e.AddMember(sid.Administrators, home.WithRID(1104))
	}))
	r, st := f.LogOn(logon.Request{Package: of, Type: 2, Name: `EXAMPLE\a`, Password: "wonderland"})
	if text := fmt.Sprintf("%+v", r); strings.Contains(text, "wonderland") {
		t.Errorf("K-50: the result is %s, want one without the password", text)
	}
	check.That(t, st == 0 && r.Linked != nil && r.Linked.Source.Name == "s" && r.Token.Source.Name == "s",
		"an administrator's tokens: %v, linked %+v, want two of source s", st, r.Linked)
	if r, _ := f.LogOn(password("", "", "")); r.Proof != "next" {
		t.Errorf(`L-34: an anonymous logon is by %q, want "next"`, r.Proof)
	}
	f.Refused = nil // without a log the answer is the same
	check.Equal(t, check.Status(f.LogOn(logon.Request{Package: s4u, Type: 3, Name: `EXAMPLE\no`})),
		ntstatus.AccountExpired, "without a log")
	f.Names, f.Passwords = nil, nil
	if r, st := f.LogOn(password("EXAMPLE", "alice", "wonderland")); st != ntstatus.NoSuchPackage || r.Proof != "" ||
		!r.Unchecked {
		t.Errorf("a logon without a way: %v by %q, want STATUS_NO_SUCH_PACKAGE", st, r.Proof)
	}
	if r, _ := f.LogOn(logon.Request{Package: s4u, Type: 3, Name: `EXAMPLE\a`}); r.Proof != "next" {
		t.Errorf(`a name without a way: by %q, want "next"`, r.Proof)
	}
}

// TestUnqualifiedNamePrefersLocalAccount checks that a name without a domain is the domain's only if the
// configuration allows it and this computer does not have such an account (D-27). It finds users of the host even if
// the lookups of clients do not (L-85).
func TestUnqualifiedNamePrefersLocalAccount(t *testing.T) {
	f := newFixture(t)
	check.NoError(t, f.Store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.AddAccount(lsa.Account{Name: "resident"})
		return nil
	}))
	for _, unqualified := range []bool{false, true} {
		f.Unqualified = unqualified
		for name, want := range map[string]bool{"x": true, "resident": false, "RESIDENT": false, "Everyone": false,
			"HERE": false, `HERE\x`: false, "x@HERE": false, `\x`: true, "Administrators": false, "visitor": false} {
			got, byRealm, ours := f.user(&logon.Request{Package: logon.S4U, Name: name})
			check.That(t, ours == (want && unqualified) && (!ours || !byRealm) && (!ours || got == "x"),
				"D-27: unqualified %t: %s is %q, %t by the realm %t", unqualified, name, got, ours, byRealm)
		}
	}
}
