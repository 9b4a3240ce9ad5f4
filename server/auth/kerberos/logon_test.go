package kerberos

import (
	"context"
	"encoding/base64"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// openStore opens an empty account store, which ends with the test.
func openStore(tb testing.TB) *lsa.Store {
	tb.Helper()
	s := check.Must(lsa.Open(lsa.Config{Folder: tb.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}}))
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// logonOf returns the request to log on by a ticket.
func logonOf(k *forge.Ticket) logon.Request {
	return logon.Request{Package: logon.Ticket, Type: winnt.LOGON32_LOGON_NETWORK,
		Token: logon.Secret(base64.StdEncoding.EncodeToString(k.Blob()))}
}

// TestTicketLogsOnAndIsRecorded checks that a Kerberos token logs its client on, and that the record has the ticket,
// its delegation and the dropped SIDs (K-50). Only log and record have the reason of a rejection (K-51). The store
// handles all other requests.
func TestTicketLogsOnAndIsRecorded(t *testing.T) {
	store := openStore(t)
	var why error
	a := Authority{Store: store, Refused: func(_ string, err error) { why = err }}
	ask := func(change func(*logon.Request, *forge.Ticket)) (logon.Result, ntstatus.Status) {
		why = nil
		taking := acceptor(t, func(c *Config) { c.Delegated = true })
		a.Tickets = func() *Acceptor { return taking }
		k := ticket()
		k.GSSFlags, k.SessionType, k.Mutual = 0x2000, 17, true
		k.PAC = alicePAC(secret, func(p *forge.PAC) {
			p.Delegated = []string{"http/front", "http/back\x1b[31m"}
			p.Extra = []token.Group{{SID: sid.Administrators, Attributes: 7}}
		})
		r := logon.Request{Package: logon.Ticket, Type: winnt.LOGON32_LOGON_NETWORK}
		change(&r, &k)
		if r.Token == "" {
			r.Token = logonOf(&k).Token
		}
		return a.LogOn(r)
	}
	r, st := ask(func(*logon.Request, *forge.Ticket) {})
	if st != ntstatus.Success || r.Token.Source.Name != "Kerberos" || r.Token.Level != winnt.SecurityIdentification ||
		r.Answer == "" || r.Account.Name != "alice" || r.Account.Domain != "EXAMPLE" ||
		r.Account.SID != domain.WithRID(1104) {
		t.Fatalf("%v, %+v", st, r)
	}
	for _, want := range []string{"alice@EXAMPLE.TEST by a ticket for HTTP/www.example.test of 2026-01-02T11:59:00Z",
		"valid from 2026-01-02T11:59:00Z to 2026-01-02T21:59:00Z, encryption type 18, session key of type 17",
		"issued by EXAMPLE.TEST, logged on at DC1", "by delegation through http/front, http/back",
		"without 1 SIDs: S-1-5-32-544"} {
		check.That(t, strings.Contains(r.Proof, want) && !strings.Contains(r.Proof, "\x1b"),
			"K-50, K-81: the proof is %q, want text containing %q and no escape sequence", r.Proof, want)
	}
	for name, c := range map[string]struct {
		change func(*logon.Request, *forge.Ticket)
		want   ntstatus.Status
		reason string
	}{
		"another type": {func(r *logon.Request, _ *forge.Ticket) { r.Type = winnt.LOGON32_LOGON_INTERACTIVE },
			ntstatus.InvalidLogonType, ""},
		"a service's type": {func(r *logon.Request, _ *forge.Ticket) { r.Type = winnt.LOGON32_LOGON_SERVICE },
			ntstatus.InvalidLogonType, ""}, // with a ticket it is a network logon (K-52)
		"a batch's type": {func(r *logon.Request, _ *forge.Ticket) { r.Type = winnt.LOGON32_LOGON_BATCH },
			ntstatus.InvalidLogonType, ""},
		"groups": {func(r *logon.Request, _ *forge.Ticket) { r.Groups = []token.Group{{SID: sid.Administrators}} },
			ntstatus.PrivilegeNotHeld, ""},
		"no base64": {func(r *logon.Request, _ *forge.Ticket) { r.Token = "!" }, ntstatus.LogonFailure, "not a token"},
		"too much": {func(r *logon.Request, _ *forge.Ticket) { r.Token = logon.Secret(strings.Repeat("A", 1<<20)) },
			ntstatus.LogonFailure, "not a token"},
		"bindings of no base64": {func(r *logon.Request, _ *forge.Ticket) { r.Bindings = "!" }, ntstatus.LogonFailure,
			"base64"},
		"bob's": {func(_ *logon.Request, k *forge.Ticket) { k.Client = "bob" }, ntstatus.LogonFailure, "made for"},
		"a password": {func(r *logon.Request, _ *forge.Ticket) { r.Package, r.Name = logon.Password, "zoe" },
			ntstatus.LogonFailure, ""},
	} {
		r, st := ask(c.change)
		if st != c.want || !r.Token.User.SID.IsZero() || (why != nil) != (c.reason != "") ||
			why != nil && !strings.Contains(why.Error(), c.reason) {
			t.Errorf("K-51: %s: status %v, result %+v, logged error %v", name, st, r, why)
		}
		check.Equal(t, r.Unchecked, !slices.Contains([]string{"bob's", "a password"}, name), "U-92: %s: unchecked", name)
	}
	var refusal *Refusal
	if _, st := ask(func(_ *logon.Request, k *forge.Ticket) { k.PAC = nil }); st != ntstatus.LogonFailure ||
		!errors.As(why, &refusal) || !errors.Is(why, errNoPAC) || refusal.Client != "alice" {
		t.Errorf("K-43: %v, %v, want alice's refusal for errNoPAC", st, why)
	}
	a.Refused = nil // without a log
	_, st = ask(func(_ *logon.Request, k *forge.Ticket) { k.PAC = nil })
	check.Equal(t, st, ntstatus.LogonFailure, "K-51: without a log")
	none := Authority{Store: store, Tickets: func() *Acceptor { return nil }}
	if r, st := none.LogOn(logon.Request{Package: logon.Ticket, Type: winnt.LOGON32_LOGON_NETWORK}); st !=
		ntstatus.NoSuchPackage || !r.Token.User.SID.IsZero() || !r.Unchecked {
		t.Errorf("K-49: where no tickets are accepted: %v, want STATUS_NO_SUCH_PACKAGE and no token", st)
	}
	// A caller with the privilege may add groups to those of the ticket.
	r, st = ask(func(r *logon.Request, _ *forge.Ticket) {
		r.Tcb, r.Groups = true, []token.Group{{SID: sid.Administrators, Attributes: token.GroupDefault}}
	})
	check.That(t, st == ntstatus.Success && r.Administrator() && slices.ContainsFunc(r.Token.Groups,
		func(g token.Group) bool { return g.SID == domain.WithRID(513) }),
		"L-33: %v, groups %+v, want those of the ticket and administrators", st, r.Token.Groups)
}

// TestUserHasEachFieldOfTheClient checks each field of the user for the store, and that control characters in
// names are escaped (K-18, K-50).
func TestUserHasEachFieldOfTheClient(t *testing.T) {
	set := func(name string) *claims.Set {
		return check.Must(claims.NewSet([]claims.Attribute{{Name: name, Type: claims.Int64, Ints: []int64{1}}}))
	}
	other := sid.MustParse("S-1-5-21-40-50-60")
	group := func(rid, attributes uint32) []token.Group {
		return []token.Group{{SID: other.WithRID(rid), Attributes: attributes}}
	}
	c := &Client{Name: "of the ticket", Realm: realm, PAC: &pac.PAC{Logon: pac.LogonInfo{EffectiveName: "al\x1bice",
		FullName: "A. Lice", LogonServer: "DC1", LogonDomainName: "EXAM\u202ePLE", UserID: 9, PrimaryGroupID: 8,
		DomainID: domain}}, Identity: pac.Identity{User: domain.WithRID(1104), PrimaryGroup: domain.WithRID(513),
		Groups: group(1, 7), DeviceGroups: group(2, 0x10), UserClaims: set("ad://user"), DeviceClaims: set("ad://device"),
		Dropped: []pac.Dropped{{SID: sid.Everyone, Why: "no"}}}}
	want := lsa.DomainUser{Account: logon.Account{SID: domain.WithRID(1104), Use: winnt.SidTypeUser,
		Domain: "EXAM\ufffdPLE", DomainSID: domain, Name: "al\ufffdice"}, PrimaryGroup: domain.WithRID(513),
		Groups: group(1, 7), DeviceGroups: group(2, 0x10), UserClaims: c.Identity.UserClaims,
		DeviceClaims: c.Identity.DeviceClaims}
	if got := c.User(); !reflect.DeepEqual(got, want) || got.UserClaims == got.DeviceClaims {
		t.Errorf("K-18: the user passed to the store is\n%+v, want\n%+v", got, want)
	}
}

// TestWaitForSlotEnds checks that a ticket without a slot is rejected after 30 seconds, and that the daemon's stop
// cancels it before (L-74, W-19).
func TestWaitForSlotEnds(t *testing.T) {
	store, k := openStore(t), ticket()
	for want, ends := range map[ntstatus.Status]time.Duration{ntstatus.InsufficientResources: waitChecks + time.Second,
		ntstatus.Cancelled: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			stopping, stop := context.WithTimeout(t.Context(), ends)
			defer stop()
			taking, began := acceptor(t, nil), time.Now()
			a := Authority{Store: store, Tickets: func() *Acceptor { return taking }, Checks: admission.NewPool(0, 1),
				Stopping: stopping}
			r, st := a.LogOn(logonOf(&k))
			check.Equal(t, st, want, "a stop after %v", ends)
			check.Equal(t, r.Unchecked, true, "U-92: a stop after %v: unchecked", ends)
			check.Equal(t, time.Since(began), min(ends, 30*time.Second), "a stop after %v: the wait", ends)
		})
	}
}

// TestTicketsWaitByRequester checks that a ticket of another requester takes the place of the newest one of the
// requester with the most waiting tickets (L-74).
func TestTicketsWaitByRequester(t *testing.T) {
	store, k := openStore(t), ticket()
	synctest.Test(t, func(t *testing.T) {
		taking, began := acceptor(t, nil), time.Now()
		a := Authority{Store: store, Tickets: func() *Acceptor { return taking }, Checks: admission.NewPool(0, 2)}
		var waited [3]time.Duration
		var all sync.WaitGroup
		for i, origin := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"} {
			all.Go(func() {
				r := logonOf(&k)
				r.Origin = origin
				check.Equal(t, check.Status(a.LogOn(r)), ntstatus.InsufficientResources, "L-74: ticket %d", i)
				waited[i] = time.Since(began)
			})
			synctest.Wait()
		}
		all.Wait()
		check.Equal(t, waited, [3]time.Duration{30 * time.Second, 0, 30 * time.Second}, "L-74: the waits")
	})
}

// TestTicketWaitsForFreeSlot checks that a ticket waits for a free slot, and that the newest token of the requester
// with the most waiting tokens is rejected without a check (L-74). The configuration after the wait applies (K-82).
func TestTicketWaitsForFreeSlot(t *testing.T) {
	var taking atomic.Pointer[Acceptor]
	taking.Store(acceptor(t, nil))
	a := Authority{Store: openStore(t), Tickets: taking.Load, Checks: admission.NewPool(1, 1)}
	k := ticket()
	r := logonOf(&k)
	r.Origin = "192.0.2.1"
	check.That(t, a.Checks.Enter(t.Context(), "192.0.2.2"), "no slot is free at the start")
	first := make(chan ntstatus.Status)
	go func() { first <- check.Status(a.LogOn(r)) }()
	for a.Checks.Waiting() == 0 {
		runtime.Gosched()
	}
	check.Equal(t, check.Status(a.LogOn(r)), ntstatus.InsufficientResources, "L-74: a second token of the requester")
	a.Checks.Leave()
	check.Equal(t, <-first, ntstatus.Success, "L-74: the token that waited")
	check.That(t, a.Checks.Enter(t.Context(), "192.0.2.2"), "L-74: a token keeps its place")
	for want, now := range map[ntstatus.Status]*Acceptor{ntstatus.NoSuchPackage: nil,
		ntstatus.LogonFailure: acceptor(t, func(cfg *Config) { cfg.Realm = "OTHER" })} {
		taking.Store(acceptor(t, nil))
		go func() { first <- check.Status(a.LogOn(r)) }()
		for a.Checks.Waiting() == 0 {
			runtime.Gosched()
		}
		taking.Store(now)
		a.Checks.Leave()
		check.Equal(t, <-first, want, "K-82: a token that waited while the keytab was removed or changed")
		check.That(t, a.Checks.Enter(t.Context(), "192.0.2.2"), "L-74: a token keeps its place")
	}
}
