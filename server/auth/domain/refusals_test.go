package domain

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// TestWhoIsAsked: what is asked, of whom and with what, for each kind of request; the answer is the one of who was
// asked, and the log is told of each refusal of the domain's (D-2, D-25, D-27, L-33, L-36).
func TestWhoIsAsked(t *testing.T) {
	f := newFixture(t)
	var asked []string
	var told []error
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
			t.Error("a question that does not end of itself")
		}
	}
	f.Passwords = func(ctx context.Context, name string, p logon.Secret) (Proved, error) {
		ends(ctx)
		asked = append(asked, "password of "+name+" "+string(p))
		return answer(name)
	}
	f.Names = func(ctx context.Context, name string, byRealm bool) (Proved, error) {
		ends(ctx)
		asked = append(asked, fmt.Sprintf("%s %t", name, byRealm))
		return answer(name)
	}
	f.Refused = func(err error) { told = append(told, err) }
	const of, byName, lost = logon.Password, logon.S4U, ntstatus.LogonFailure
	groups := []token.Group{{SID: sid.BackupOperators, Attributes: token.GroupDefault}}
	for _, c := range []struct {
		what   string
		r      logon.Request
		asked  string // "next": who stands behind
		want   ntstatus.Status
		reason ntstatus.Status
	}{
		{"a password", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\a`, Password: "w"}, "password of a w", 0, 0},
		{"a name", logon.Request{Package: byName, Type: 3, Name: `EXAMPLE\a`}, "a false", 0, 0},
		{"a name before the realm", logon.Request{Package: byName, Type: 3, Name: "a@example.test"}, "a true", 0, 0},
		{"a name before the realm's name", logon.Request{Package: byName, Type: 3, Name: "a@EXAMPLE"}, "a true", 0, 0},
		{"a name beside the realm", logon.Request{Package: byName, Type: 3, Domain: "example.test", Name: "a"},
			"a false", 0, 0},
		{"a name with both", logon.Request{Package: byName, Type: 3, Name: `EXAMPLE\a@EXAMPLE.TEST`},
			"a@EXAMPLE.TEST false", 0, 0},
		{"a name with another sign", logon.Request{Package: byName, Type: 3, Name: "a@b@EXAMPLE.TEST"}, "a@b true", 0, 0},
		{"a ticket", logon.Request{Package: logon.Ticket, Type: 3, Name: `EXAMPLE\a`}, "next", ntstatus.NoSuchPackage, 0},
		{"no package", logon.Request{Type: 3, Name: `EXAMPLE\a`, Groups: groups}, "next", ntstatus.NoSuchPackage, 0},
		{"of this computer", logon.Request{Package: byName, Type: 3, Domain: ".", Name: "a"}, "next",
			ntstatus.NoSuchPackage, 0},
		{"groups, by password", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\a`, Password: "w", Groups: groups}, "",
			ntstatus.PrivilegeNotHeld, 0},
		{"groups, by name", logon.Request{Package: byName, Type: 2, Name: `EXAMPLE\a`, Groups: groups}, "",
			ntstatus.PrivilegeNotHeld, 0},
		{"groups with the privilege", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\a`, Password: "w", Groups: groups,
			Tcb: true}, "password of a w", 0, 0},
		{"an empty password", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\a`}, "", lost, ntstatus.WrongPassword},
		{"another type by name", logon.Request{Package: byName, Type: 2, Name: `EXAMPLE\a`}, "",
			ntstatus.InvalidLogonType, 0},
		{"a type that is not granted", logon.Request{Package: of, Type: winnt.LOGON32_LOGON_SERVICE, Name: `EXAMPLE\a`,
			Password: "w"}, "password of a w", ntstatus.LogonTypeNotGranted, ntstatus.LogonTypeNotGranted},
		{"refused", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\no`, Password: "w"}, "password of no w",
			ntstatus.AccountExpired, ntstatus.AccountDisabled},
		{"refused by name", logon.Request{Package: byName, Type: 3, Name: `EXAMPLE\no`}, "no false", ntstatus.AccountExpired,
			ntstatus.AccountDisabled},
		{"refused without a status", logon.Request{Package: of, Type: 3, Name: `EXAMPLE\zero`, Password: "w"},
			"password of zero w", lost, 0},
		{"another error", logon.Request{Package: byName, Type: 3, Name: `EXAMPLE\odd`}, "odd false", lost, 0},
		{"the longest name", logon.Request{Package: of, Type: 3, Domain: "EXAMPLE", Name: strings.Repeat("n", 1017),
			Password: "w"}, "password of " + strings.Repeat("n", 1017) + " w", 0, 0},
		{"one byte more", logon.Request{Package: of, Type: 3, Domain: "EXAMPLE", Name: strings.Repeat("n", 1018),
			Password: "w"}, "next", ntstatus.NoSuchPackage, 0},
	} {
		asked, told = nil, nil
		r, st := f.LogOn(c.r)
		who := strings.Join(asked, "; ")
		if r.Proof == "next" {
			who += "next"
		}
		if who != c.asked || st != c.want || r.Reason != c.reason || (st == 0) != (r.Token.User.SID == home.WithRID(1104)) {
			t.Errorf("%s: %v for %v after %.40q, want %v for %v after %.40q", c.what, st, r.Reason, who, c.want, c.reason,
				c.asked)
		}
		refused := slices.ContainsFunc([]string{"no", "zero", "odd"}, func(n string) bool {
			return strings.HasSuffix(c.r.Name, `\`+n)
		})
		if refused != (len(told) == 1) || refused && !errors.Is(told[0], odd) {
			t.Errorf("%s: the log is told %v", c.what, told)
		}
		if st != 0 {
			continue
		}
		added := slices.ContainsFunc(r.Token.Groups, func(g token.Group) bool { return g.SID == sid.BackupOperators })
		if r.Proof != "p" || r.Token.Source.Name != "s" || added != (len(c.r.Groups) > 0) ||
			len(user.User.Groups) != 1 || (r.Token.Level == winnt.SecurityIdentification) != (c.r.Package == byName) {
			t.Errorf("%s: %+v by %q", c.what, r.Token, r.Proof)
		}
	}
	// Both tokens of an administrator are of this source.
	if err := f.Store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		return e.AddMember(sid.Administrators, home.WithRID(1104))
	}); err != nil {
		t.Fatal(err)
	}
	r, st := f.LogOn(logon.Request{Package: of, Type: 2, Name: `EXAMPLE\a`, Password: "w"})
	if st != 0 || r.Linked == nil || r.Linked.Source.Name != "s" || r.Token.Source.Name != "s" {
		t.Errorf("an administrator's tokens: %v, %+v", st, r.Linked)
	}
	f.Refused = nil // without a log the answer is the same
	if _, st := f.LogOn(logon.Request{Package: byName, Type: 3, Name: `EXAMPLE\no`}); st != ntstatus.AccountExpired {
		t.Errorf("without a log: %v", st)
	}
}

// TestUnqualifiedNames: a name without a domain is the domain's where this computer has none of it, and only where
// the configuration says so (D-27).
func TestUnqualifiedNames(t *testing.T) {
	f := newFixture(t)
	if err := f.Store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		e.AddAccount(lsa.Account{Name: "local"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, unqualified := range []bool{false, true} {
		f.Unqualified = unqualified
		for name, want := range map[string]bool{"x": true, "local": false, "LOCAL": false, "Everyone": false, "HERE": false,
			`HERE\x`: false, "x@HERE": false, `\x`: true} {
			got, byRealm, ours := f.user(&logon.Request{Name: name})
			if ours != (want && unqualified) || ours && byRealm || ours && got != "x" {
				t.Errorf("D-27: unqualified %t: %s is %q, %t by the realm %t", unqualified, name, got, ours, byRealm)
			}
		}
	}
}

// TestBounds: the bounds of a limit that says none, and that each counts by itself: names and origins, each key of
// its own, in any case of the name (D-25, D-30).
func TestBounds(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	fails := func(l *Limit, n int, name, origin func(int) string, named bool) (failed int) {
		for i := range n {
			if !l.attempt(name(i), origin(i), named) {
				failed++
			}
		}
		return failed
	}
	same := func(s string) func(int) string { return func(int) string { return s } }
	each := func(s string) func(int) string { return func(i int) string { return fmt.Sprint(s, i) } }
	for _, c := range []struct {
		what         string
		l            *Limit
		name, origin func(int) string
		named        bool
		most         int
	}{
		{"a name", &Limit{}, same("a"), each("o"), true, 5}, {"an origin", &Limit{}, each("n"), same("o"), true, 50},
		{"a program", &Limit{}, each("n"), same("o"), false, 500},
		{"a name of a program", &Limit{}, same("a"), each("o"), false, 5},
		{"a name, bounded", &Limit{PerName: 7}, same("a"), each("o"), true, 7},
		{"an origin, bounded", &Limit{PerOrigin: 7}, each("n"), same("o"), true, 7},
		{"a program, bounded", &Limit{PerOrigin: 7}, each("n"), same("o"), false, 70},
		{"a name in two cases", &Limit{}, func(i int) string { return []string{"ab", "aB"}[i%2] }, each("o"), true, 5},
	} {
		c.l.Now = func() time.Time { return now }
		if failed := fails(c.l, c.most+3, c.name, c.origin, c.named); failed != 3 {
			t.Errorf("D-25: %s: %d of %d are refused, want 3", c.what, failed, c.most+3)
		}
	}
	// A window that is given counts, and what is taken back is of both.
	l := &Limit{PerName: 2, PerOrigin: 3, Window: time.Minute, Now: func() time.Time { return now }}
	state := func(want string) {
		t.Helper()
		var got []string
		for _, c := range []*counts{&l.names, &l.origins} {
			for e := c.order.Front(); e != nil; e = e.Next() {
				x := e.Value.(*counted)
				got = append(got, fmt.Sprintf("%s:%d", x.key, x.n))
			}
			if len(c.byKey) != c.order.Len() {
				t.Errorf("D-26: %d and %d", len(c.byKey), c.order.Len())
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("D-25: counted %q, want %q", text, want)
		}
	}
	l.attempt("a", "o", true)
	l.attempt("A", "o", true)
	l.attempt("b", "o", true)
	state("A:2 B:1 o:3")
	l.unknown("a", "o")
	state("A:1 B:1 o:2")
	l.unknown("b", "p") // an origin that is not counted
	state("A:1 o:2")
	l.succeeded("a", "o")
	state("o:1")
	l.succeeded("x", "o")
	state("")
	l.attempt("a", "o", true)
	now = now.Add(time.Minute - 1)
	l.attempt("b", "p", true)
	state("A:1 B:1 o:1 p:1")
	now = now.Add(1)
	l.attempt("c", "q", true)
	state("B:1 C:1 p:1 q:1")
	l.Bound(1, 9)
	if l.attempt("b", "r", true) || l.PerName != 1 || l.PerOrigin != 9 {
		t.Errorf("D-33: bounds %d and %d", l.PerName, l.PerOrigin)
	}
	if clock := (&Limit{}); !clock.attempt("a", "o", true) || time.Since(clock.origins.order.Front().Value.(*counted).
		first) > time.Hour {
		t.Error("D-25: without a clock of its own a limit has another time")
	}
	// The origin of a request that names none is the program's user, and it has its own bound.
	f := newFixture(t)
	r := password("EXAMPLE", "bob", "x")
	r.Origin, r.Caller = "", sid.LocalService
	f.LogOn(r)
	if f.Limit.origins.byKey["program of S-1-5-19"] == nil || len(f.Limit.origins.byKey) != 1 {
		t.Errorf("D-25: a program counts as %v", f.Limit.origins.byKey)
	}
	if New(Authority{}).Limit == nil || cap(New(Authority{}).checking) != 32 {
		t.Error("D-25: an authority without a limit, or another number at once")
	}
}
