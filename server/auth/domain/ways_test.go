package domain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// refusal returns the status and the reason of an authentication error.
func refusal(t *testing.T, err error) (status, reason ntstatus.Status) {
	t.Helper()
	if err == nil {
		return 0, 0
	}
	var r *Refused
	check.RequireThat(t, errors.As(err, &r) && r.Error() == r.Why.Error() && errors.Is(err, r.Why),
		"%v is not a refusal with the text of its reason", err)
	return r.Status, r.Result.Reason
}

// TestDirectoryLogonReturnsRestrictionStatus checks the user and the proof that a directory logon returns. A restricted
// account gets the status of its restriction both from a service's assertion and from a right password. An unreachable
// directory returns no user (D-11, D-20, D-24, D-31, D-32).
func TestDirectoryLogonReturnsRestrictionStatus(t *testing.T) {
	s, d := newServer(t)
	s.set("tokenGroups", sids(513, 2001)...)
	byName, byBind := ByDirectory(d), ByBind(d)
	group := func(id sid.SID) token.Group { return token.Group{SID: id, Attributes: token.GroupDefault} }
	proves := func(what string, p Proved, proof string, asserted string) {
		t.Helper()
		want := logon.Account{SID: home.WithRID(1104), Use: winnt.SidTypeUser, Domain: "EXAMPLE", DomainSID: home,
			Name: "alice"}
		groups := []token.Group{group(home.WithRID(513)), group(home.WithRID(2001)), group(sid.MustParse(asserted))}
		check.That(t, p.User.Account == want && p.User.PrimaryGroup == home.WithRID(513) && p.Source == "ldap" &&
			fmt.Sprint(p.User.Groups) == fmt.Sprint(groups) && p.Proof == proof,
			"D-24: %s: %+v, by %q, want %v, by %q", what, p.User, p.Proof, groups, proof)
	}
	for _, byRealm := range []bool{false, true} {
		p := check.Must(byName(context.Background(), "alice", byRealm))
		proves("by name", p, "alice by name, and found in the directory, without 1 SIDs", "S-1-18-2")
	}
	p := check.Must(byBind(context.Background(), "alice", false, "wonderland"))
	proves("by password", p, "alice by a password that the directory accepted, without 1 SIDs", "S-1-18-1")
	const disabled, lost, away = ntstatus.AccountDisabled, ntstatus.LogonFailure, ntstatus.NoLogonServers
	const unknown, wrong = ntstatus.NoSuchUser, ntstatus.WrongPassword
	for _, c := range []struct {
		what, control, name, password string
		status, reason                ntstatus.Status // by password
		byName                        ntstatus.Status // the status and the reason
	}{
		{"a wrong password", "512", "alice", "x", lost, wrong, 0},
		{"an unknown name", "512", "bob", "wonderland", lost, unknown, unknown},
		{"disabled", "514", "alice", "wonderland", disabled, disabled, disabled},
	} {
		s, d := newServer(t) // with an empty cache
		s.set("userAccountControl", c.control)
		p, err := ByBind(d)(context.Background(), c.name, false, logon.Secret(c.password))
		if st, why := refusal(t, err); st != c.status || why != c.reason || !p.User.Account.SID.IsZero() {
			t.Errorf("D-32: %s: %v for %v, %v, want %v for %v", c.what, st, why, err, c.status, c.reason)
		}
		p, err = ByDirectory(d)(context.Background(), c.name, false)
		if st, why := refusal(t, err); st != c.byName || why != c.byName || (st == 0) == p.User.Account.SID.IsZero() {
			t.Errorf("D-11: %s, by name: %v for %v, %v, want %v", c.what, st, why, err, c.byName)
		}
	}
	locked, d := newServer(t)
	locked.set("msDS-User-Account-Control-Computed", "16")
	st, _ := refusal(t, check.Err(ByBind(d)(context.Background(), "alice", false, "wonderland")))
	check.Equal(t, st, ntstatus.AccountLockedOut, "D-11: a locked account whose bind the directory accepts")
	gone, e := newServer(t)
	gone.mu.Lock()
	gone.stopping = true
	gone.mu.Unlock()
	for _, err := range []error{check.Err(ByDirectory(e)(context.Background(), "alice", false)),
		check.Err(ByBind(e)(context.Background(), "alice", false, "wonderland"))} {
		st, why := refusal(t, err)
		check.That(t, st == away && why == away, "D-20: away: %v for %v, %v, want %v twice", st, why, err, away)
	}
}

// TestCachedAccountIsRecorded checks the record for an account from the cache, and all parts of its token (D-24).
func TestCachedAccountIsRecorded(t *testing.T) {
	_, d := newServer(t)
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "dept", Type: claims.String, Strings: []string{"it"}}}))
	f := &ldap.Found{Name: "al\x1b[31mice", SID: home.WithRID(7), PrimaryGroup: home.WithRID(513), Claims: set,
		Cached: true, Groups: make([]token.Group, 1, 4)}
	p := newProved(d, f, byAuthority, "by a test")
	if p.Proof != "al\uFFFD[31mice by a test, from a cached answer because the directory does not answer" ||
		p.User.UserClaims != set || p.User.Account.Name != "al\uFFFD[31mice" || p.User.Account.DomainSID != home ||
		p.User.DeviceClaims != nil || len(p.User.Groups) != 2 || p.User.Groups[1].SID != byAuthority {
		t.Errorf("D-24: %+v", p)
	}
	q := newProved(d, f, byService, "by another")
	if p.User.Groups[1].SID != byAuthority || q.User.Groups[1].SID != byService || len(f.Groups) != 1 {
		t.Errorf("D-24: logons changed the cached account: groups %v and %v", p.User.Groups, q.User.Groups)
	}
}

// TestKDCLogonTakesUserFromTicket checks that the user comes from the ticket that a right password obtains, and that a
// KDC's rejection is returned unchanged. Without a keytab nothing is known (K-53, K-59).
func TestKDCLogonTakesUserFromTicket(t *testing.T) {
	const service = "HTTP/www.example.test"
	key := forge.NewKey(18)
	keys, err := kerberos.ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: "EXAMPLE.TEST", Version: 1,
		Key: key}))
	check.NoError(t, err)
	now := time.Unix(1_800_000_000, 0).UTC()
	a, err := kerberos.New(kerberos.Config{Keys: keys, Realm: "EXAMPLE.TEST", Domain: home,
		Now: func() time.Time { return now }})
	check.NoError(t, err)
	defer a.Close()
	k := &forge.Centre{Realm: "EXAMPLE.TEST", Service: service, Key: key, Users: map[string]string{"alice": "wonderland"},
		Now: func() time.Time { return now }, PAC: func(name string, at time.Time) []byte {
			return forge.Seal(forge.PAC{Domain: home, User: 1104, Primary: 513, Name: name, DomainName: "EXAMPLE",
				AuthTime: at, Groups: []forge.Group{{RID: 513, Attributes: 7}, {RID: 2001, Attributes: 7}}}.Buffers(), key)
		}}
	address := k.Start()
	defer k.Listener.Close()
	var passwords *kerberos.Passwords
	way := ByKDC(func() *kerberos.Passwords { return passwords })
	_, err = way(context.Background(), "alice", false, "wonderland")
	if st, why := refusal(t, err); st != ntstatus.NoLogonServers || why != 0 || err.Error() != "there is no keytab" ||
		k.Asked() != 0 {
		t.Errorf("K-59: without a keytab: %v for %v, %v", st, why, err)
	}
	passwords = &kerberos.Passwords{Acceptor: a, KDCs: kerberos.KDCs{Addresses: []string{address}}}
	p, err := way(context.Background(), "alice", false, "wonderland")
	if err != nil || p.User.Account.SID != home.WithRID(1104) || p.User.PrimaryGroup != home.WithRID(513) ||
		p.Source != "Kerberos" || len(p.User.Groups) != 2 || p.User.Account.Domain != "EXAMPLE" ||
		!strings.HasPrefix(p.Proof, "alice@EXAMPLE.TEST by a password that the KDC took at ") {
		t.Errorf("K-53: %+v, %v", p, err)
	}
	for _, c := range []struct {
		name, password string
		reason         ntstatus.Status
	}{{"alice", "x", ntstatus.WrongPassword}, {"bob", "wonderland", ntstatus.NoSuchUser}} {
		p, err := way(context.Background(), c.name, false, logon.Secret(c.password))
		if st, why := refusal(t, err); st != ntstatus.LogonFailure || why != c.reason || !p.User.Account.SID.IsZero() {
			t.Errorf("K-58: %s: %v for %v, %v, want STATUS_LOGON_FAILURE for %v", c.name, st, why, err, c.reason)
		}
	}
}

// TestDirectoryErrorsMapToLogonStatus checks status and audit record for each response of a directory. An incomplete
// response counts as none (D-20), a lock is recorded only (D-32), and each restriction has its own
// status (D-11, D-31; MS-ERREF 2.3.1).
func TestDirectoryErrorsMapToLogonStatus(t *testing.T) {
	for name, c := range map[string]struct {
		err            error
		status, reason ntstatus.Status
	}{
		"unknown":        {ldap.ErrUnknown, ntstatus.LogonFailure, ntstatus.NoSuchUser},
		"wrong":          {&ldap.WrongPassword{}, ntstatus.LogonFailure, ntstatus.WrongPassword},
		"locked":         {&ldap.WrongPassword{Locked: true}, ntstatus.LogonFailure, ntstatus.AccountLockedOut},
		"away":           {fmt.Errorf("x: %w", ldap.ErrAway), ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"half an answer": {&ldap.Error{Why: "half"}, ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"anything else":  {errors.New("x"), ntstatus.NoLogonServers, ntstatus.NoLogonServers},
	} {
		if r := newRefused(c.err); r.Status != c.status || r.Result.Reason != c.reason || !errors.Is(r, c.err) {
			t.Errorf("D-20, D-32: %s: status %v, reason %v in the audit record, want %v, %v, and the error %v", name,
				r.Status, r.Result.Reason, c.status, c.reason, c.err)
		}
	}
	for restriction, want := range map[ldap.Restriction]ntstatus.Status{ldap.Disabled: 0xC0000072,
		ldap.Expired: 0xC0000193, ldap.Locked: 0xC0000234, ldap.MustChange: 0xC0000224, ldap.PasswordExpired: 0xC0000071,
		ldap.OutOfHours: 0xC000006F, ldap.OtherWorkstation: 0xC0000070, 99: 0xC000006E} {
		var r *Refused
		err := newForbidden(&ldap.Found{Restricted: restriction})
		check.That(t, errors.As(err, &r) && r.Status == want &&
			r.Result.Reason == want, "D-31: %v: %v, want %v", restriction, err, want)
	}
}
