package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/winnt"
)

// pacOf returns the test KDC's PAC for a user.
func pacOf(key types.EncryptionKey) func(string, time.Time) []byte {
	return func(name string, at time.Time) []byte {
		p := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: name, DomainName: "EXAMPLE", AuthTime: at,
			Groups: []forge.Group{{RID: 513, Attributes: 7}, {RID: 2001, Attributes: 7}}}
		return forge.Seal(p.Buffers(), key)
	}
}

// startKDC starts a KDC whose user alice has the password wonderland. It returns a password checker that uses the KDC.
func startKDC(t *testing.T, change func(*forge.Centre), configure func(*Config)) *Passwords {
	t.Helper()
	k := &forge.Centre{Realm: realm, Service: service, Key: secret, Users: map[string]string{"alice": "wonderland"},
		Now: func() time.Time { return noon }, PAC: pacOf(secret)}
	if change != nil {
		change(k)
	}
	address := k.Start()
	t.Cleanup(func() { _ = k.Listener.Close() })
	a := acceptor(t, func(c *Config) {
		c.Services = []string{service}
		if configure != nil {
			configure(c)
		}
	})
	return &Passwords{Acceptor: a, KDCs: KDCs{Addresses: []string{address}}}
}

func reason(err error) (status, reason ntstatus.Status) {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Status, r.Reason
	}
	return 0, 0
}

// TestPasswordGivesClientOfTicket checks that a right password returns the client of the ticket for this host, and that
// no text contains the password (K-53).
func TestPasswordGivesClientOfTicket(t *testing.T) {
	p := startKDC(t, func(k *forge.Centre) { k.Key = older }, nil)
	c, err := p.Check(context.Background(), "alice", "wonderland")
	if err == nil || c != nil {
		// The keytab has no key of version 1, the ticket's version, so no key is tried.
		t.Fatalf("K-34: a ticket with a key version that the keytab does not have: %v, want an error and no client", c)
	}
	p = startKDC(t, nil, func(c *Config) { c.Keys = oneKey(t) })
	if c, err = p.Check(context.Background(), "alice", "wonderland"); err != nil {
		t.Fatal(err)
	}
	if c.Name != "alice" || c.Realm != realm || c.Identity.User != domain.WithRID(1104) || len(c.Identity.Groups) != 2 ||
		c.Level != winnt.SecurityImpersonation || !c.ByPassword || c.Answer != nil {
		t.Errorf("K-53: %+v, want alice's ticket by a password at level Impersonation", c)
	}
	text := fmt.Sprintf("%v %+v %s", c, c, c.Proof())
	if strings.Contains(text, "wonderland") || !strings.Contains(c.Proof(), "alice@EXAMPLE.TEST by a password that") ||
		!strings.Contains(c.Proof(), "with a ticket for "+service) {
		t.Errorf("K-50: proof %s, want the client and no password", c.Proof())
	}
}

// oneKey is a keytab with the key of the test's KDC.
func oneKey(t *testing.T) *Keys {
	return check.Must(ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 1, Key: secret})))
}

// TestForgedKDCIsRejected checks that no wrong response of a KDC, or of an attacker in its place, and
// no wrong input is accepted.
func TestForgedKDCIsRejected(t *testing.T) {
	other, old := forge.NewKey(18), func(client string) *forge.Ticket {
		at := noon.Add(-time.Hour)
		return &forge.Ticket{Service: service, Realm: realm, Key: secret, Version: 1, Client: client, AuthTime: at,
			Start: noon.Truncate(time.Second), PAC: pacOf(secret)(client, at)}
	}
	recorded := func(client string) func(string) *forge.Ticket {
		return func(string) *forge.Ticket {
			return &forge.Ticket{Service: service, Realm: realm, Key: secret, Version: 1, Client: client, AuthTime: noon.
				Truncate(time.Second), PAC: pacOf(secret)(client, noon.Truncate(time.Second))}
		}
	}
	changed := func(change func(*forge.Ticket)) func(*forge.Centre) {
		return func(k *forge.Centre) {
			k.Ticket = func(client string) *forge.Ticket {
				x := recorded(client)(client)
				change(x)
				return x
			}
		}
	}
	const failure = ntstatus.LogonFailure
	for what, c := range map[string]struct {
		change         func(*forge.Centre)
		name, password string
		status, reason ntstatus.Status
	}{
		"a wrong password (K-58)": {nil, "alice", "Wonderland", failure, ntstatus.WrongPassword},
		"an unknown user (K-58)":  {nil, "bob", "wonderland", failure, ntstatus.NoSuchUser},
		"an empty password":       {nil, "alice", "", failure, failure},
		"a long password":         {nil, "alice", strings.Repeat("x", maxPassword+1), failure, failure},
		"a service's name":        {nil, "HTTP/www", "wonderland", failure, failure},
		"a name with a realm":     {nil, "alice@" + realm, "wonderland", failure, failure},
		"a name with a NUL":       {nil, "alice\x00", "wonderland", failure, failure},
		"no name":                 {nil, "", "wonderland", failure, failure},
		"a disabled account (K-58)": {func(k *forge.Centre) { k.Code = 18 }, "alice", "x", failure,
			ntstatus.AccountRestriction},
		"a disabled account, says the status (K-85)": {func(k *forge.Centre) {
			k.Code, k.Data = 18, statusData(0xC0000072)
		}, "alice", "x", failure, ntstatus.AccountDisabled},
		"one outside its hours, in a list (K-85)": {func(k *forge.Centre) {
			k.Code, k.Data = 12, append([]byte{0x30, byte(len(statusData(0xC000006F)))}, statusData(0xC000006F)...)
		}, "alice", "x", failure, ntstatus.InvalidLogonHours},
		"a KDC without our key (K-53)": {func(k *forge.Centre) { k.Anyone, k.Key, k.PAC = true, other, pacOf(other) },
			"alice", "wonderland", failure, ntstatus.MutualAuthFailed},
		"a rogue KDC without a proof (K-53)": {func(k *forge.Centre) {
			k.NoPreauth, k.Key, k.PAC = true, other, pacOf(other)
		}, "alice", "wonderland", failure, ntstatus.MutualAuthFailed},
		"a recorded ticket (K-53)": {func(k *forge.Centre) { k.Ticket, k.Session = recorded("alice"), &other }, "alice",
			"wonderland", failure, failure},
		"an expired ticket (K-53)": {changed(func(k *forge.Ticket) { k.End = noon.Add(-time.Hour) }), "alice", "wonderland",
			failure, ntstatus.TimeDifferenceAtDC},
		"a ticket that is not yet valid (K-53)": {changed(func(k *forge.Ticket) { k.Start = noon.Add(time.Hour) }), "alice",
			"wonderland", failure, ntstatus.TimeDifferenceAtDC},
		"an invalid ticket (K-53)": {changed(func(k *forge.Ticket) { k.Invalid = true }), "alice", "wonderland", failure,
			failure},
		"an earlier ticket (K-57)": {func(k *forge.Centre) { k.Ticket = old }, "alice", "wonderland", failure, failure},
		"a ticket of another user (K-57)": {func(k *forge.Centre) { k.Ticket = recorded("bob") }, "alice", "wonderland",
			failure, failure},
		"an answer to another request (K-56)": {func(k *forge.Centre) { k.Nonce = 1 }, "alice", "wonderland", failure,
			failure},
		"an answer of another name (K-56)": {func(k *forge.Centre) { k.Named = "bob" }, "alice", "wonderland", failure,
			failure},
		"a ticket without a PAC (K-43)": {func(k *forge.Centre) { k.PAC = nil }, "alice", "wonderland", failure,
			failure},
		"a key cheap to guess (K-55)": {func(k *forge.Centre) { k.Iterations = []byte{0, 0, 0, 1} }, "alice",
			"wonderland", failure, failure},
		"a key for 2^32 rounds (K-55)": {func(k *forge.Centre) { k.Iterations = []byte{0, 0x20, 0, 0} }, "alice",
			"wonderland", failure, failure},
		"weak encryption (K-55)": {func(k *forge.Centre) { k.Type = 23 }, "alice", "wonderland", failure, failure},
		"an answer that ends early (K-59)": {func(k *forge.Centre) {
			k.Answer = func(b []byte) []byte { return b[:2] }
		}, "alice", "wonderland", ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"an answer of four gigabytes (K-54)": {func(k *forge.Centre) {
			k.Answer = func([]byte) []byte { return []byte{0xff, 0xff, 0xff, 0xff, 1} }
		}, "alice", "wonderland", ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"an answer without contents": {func(k *forge.Centre) {
			k.Answer = func([]byte) []byte { return []byte{0, 0, 0, 2, 0x7e, 0} }
		}, "alice", "wonderland", failure, failure},
		"an answer of another kind (AP-REQ's)": {func(k *forge.Centre) {
			k.Answer = func([]byte) []byte { return []byte{0, 0, 0, 2, 0x6e, 0} }
		}, "alice", "wonderland", failure, failure},
	} {
		p := startKDC(t, func(k *forge.Centre) {
			if c.change != nil {
				c.change(k)
			}
		}, func(cfg *Config) { cfg.Keys = oneKey(t) })
		got, err := p.Check(context.Background(), c.name, logon.Secret(c.password))
		status, why := reason(err)
		check.That(t, got == nil && err != nil && status == c.status && why == c.reason,
			"%s: %v, %v, %v: %v, want nil, %v, %v, an error", what, got, status, why, err, c.status, c.reason)
		check.Equal(t, errors.Is(err, errParameters), strings.HasSuffix(what, "(K-55)"),
			"%s: %v is about a weak key", what, err)
		check.That(t, err == nil || c.password == "" || c.password == "x" || !strings.Contains(err.Error(), c.password),
			"K-50: %s: error %v, want no password in it", what, err)
	}
}

// contexts returns the two ends of a security context, with or without the acceptor's subkey.
func contexts(t *testing.T, acceptorsKey bool) (here *Context, there func(number uint64, message string) []byte) {
	t.Helper()
	key := forge.NewKey(18)
	here = &Context{key: key, acceptor: acceptorsKey, received: 7}
	return here, func(number uint64, message string) []byte {
		flags := byte(1)
		if acceptorsKey {
			flags |= 4
		}
		return forge.Wrap(key, flags, number, 22, []byte(message))
	}
}

// TestAlteredMessageIsRefused checks that signed messages are accepted only unaltered and in order, whatever the
// rotation of the checksum (K-61), and that ours have the initiator's form.
func TestAlteredMessageIsRefused(t *testing.T) {
	for _, own := range []bool{false, true} {
		here, there := contexts(t, own)
		first := there(7, "first")
		for i := range first {
			if i == 6 || i == 7 {
				continue // the rotation count is not signed
			}
			bad := slices.Clone(first)
			bad[i] ^= 1
			m, err := here.Unwrap(bad)
			check.That(t, err != nil, "K-61: Unwrap with byte %d altered: %q, want an error", i, m)
		}
		for n := range len(first) {
			m, err := here.Unwrap(first[:n])
			check.That(t, err != nil, "K-61: Unwrap of a message cut at %d: %q, want an error", n, m)
		}
		if m, err := here.Unwrap(first); err != nil || string(m) != "first" {
			t.Fatalf(`K-61: Unwrap = %q, %v, want "first", no error`, m, err)
		}
		check.That(t, check.Err(here.Unwrap(first)) != nil, "K-61: Unwrap of the same message twice: no error, want one")
		check.That(t, check.Err(here.Unwrap(there(9, "third"))) != nil, "K-61: Unwrap after a lost message: no error")
		turned := there(8, "second")
		sum := turned[len(turned)-12:]
		turned = slices.Concat(turned[:16], sum, turned[16:len(turned)-12])
		binary.BigEndian.PutUint16(turned[6:], 12)
		if m, err := here.Unwrap(turned); err != nil || string(m) != "second" {
			t.Errorf(`K-61: Unwrap with the checksum in front = %q, %v, want "second", no error`, m, err)
		}
		mine := check.Must(here.Wrap([]byte("ours")))
		flags := byte(0)
		if own {
			flags = 4
		}
		want := forge.Wrap(here.key, flags, 0, 24, []byte("ours"))
		check.That(t, slices.Equal(mine, want), "K-61: sent %x, want %x", mine, want)
		check.That(t, check.Err(here.Unwrap(mine)) != nil, "K-61: Unwrap of our own message: no error, want one")
	}
}

// FuzzUnwrap checks that no bytes form a signed message without the key (K-61) or cause a panic.
func FuzzUnwrap(f *testing.F) {
	f.Add([]byte{}, byte(1))                                                                  // nothing
	f.Add(forge.Wrap(forge.NewKey(18), 1, 7, 22, []byte("x")), byte(1))                       // with another key
	f.Add([]byte{5, 4, 1, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 7}, byte(1))           // rotated, one byte short
	f.Add([]byte{5, 4, 1, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3}, byte(17)) // too long a checksum
	f.Fuzz(func(t *testing.T, b []byte, _ byte) {
		here := &Context{key: secret, received: 7}
		m, err := here.Unwrap(b)
		check.That(t, err != nil, "Unwrap(%x) = %q, want an error", b, m)
		err = (&Context{session: secret, subkey: secret}).Finish(b)
		check.That(t, err != nil, "Finish(%x): no error, want one", b)
	})
}

// FuzzAnswer checks that no response of a KDC makes the client accept a password or panic.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0x6b, 0})                                     // an AS-REP without contents
	f.Add([]byte{0x7e, 0})                                     // an error without contents
	f.Add([]byte{0x7e, 0x82, 0xff, 0xff, 0x30})                // an error longer than it is
	f.Add([]byte{0x6d, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x30, 0}) // a TGS-REP of two gigabytes
	f.Fuzz(func(t *testing.T, answer []byte) {
		x := exchange{realm: realm, etypes: []int32{18}, now: func() time.Time { return noon }}
		x.kdcs.Addresses = nil
		body := check.Must(x.body(principal(1, "alice"), principal(2, "krbtgt/"+realm)))
		g, err := x.readLogOn("alice", answer, &body, passwordKey("wonderland"))
		check.That(t, err != nil, "taken: %+v", g)
		_, err = x.timestamp("alice", answer, passwordKey("wonderland"))
		check.That(t, err != nil || len(answer) != 0, "a timestamp for no methods")
	})
}

// statusData returns KERB-ERROR-DATA with a status, encoded as MS-KILE 2.2.1 describes.
func statusData(status uint32) []byte {
	b := []byte{0x30, 21, 0xa1, 3, 2, 1, 3, 0xa2, 14, 4, 12}
	return append(binary.LittleEndian.AppendUint32(b, status), 0, 0, 0, 0, 1, 0, 0, 0)
}

// FuzzExtendedStatus checks that no response of a KDC makes the parser of the extended status panic (K-85).
func FuzzExtendedStatus(f *testing.F) {
	f.Add(statusData(0xC0000193))
	f.Add(append([]byte{0x30, 23}, statusData(0xC000006F)...)) // a list of one
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})          // a length of four gigabytes
	f.Fuzz(func(t *testing.T, b []byte) {
		st := extended(b)
		check.That(t, st == 0 || len(b) >= 12, "a status of %d bytes", len(b))
	})
}

// TestPasswordGoesToOneKDC checks that a KDC that got a password and does not answer ends the logon, because the next
// KDC would count a wrong password again. The next logon begins with the other KDC. A KDC that cannot be reached got
// nothing, so the same logon goes on with the other one (K-59).
func TestPasswordGoesToOneKDC(t *testing.T) {
	for _, reached := range []bool{true, false} {
		var first, spare *forge.Centre
		p := startKDC(t, func(k *forge.Centre) {
			first = k
			k.Answer = func(b []byte) []byte {
				if k.Asked() > 1 {
					return nil
				}
				if !reached {
					_ = k.Listener.Close()
				}
				return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
			}
		}, func(c *Config) { c.Keys = oneKey(t) })
		other := startKDC(t, func(k *forge.Centre) { spare = k }, nil)
		p.KDCs.Addresses = append(p.KDCs.Addresses, other.KDCs.Addresses...)
		p.KDCs.Up = &admission.Servers{}
		if reached {
			st, _ := reason(check.Err(p.Check(t.Context(), "alice", "wrong")))
			check.Equal(t, st, ntstatus.NoLogonServers, "K-59: a KDC that does not answer to a password")
			check.Equal(t, fmt.Sprint(first.Asked(), spare.Asked()), "2 0", "K-59: requests to both KDCs")
		}
		check.NoError(t, check.Err(p.Check(t.Context(), "alice", "wonderland")))
		check.Equal(t, first.Asked(), map[bool]int{true: 2, false: 1}[reached], "K-59: requests to the first KDC")
	}
}

// TestOverlongPasswordIsRejected checks both sides of the length limits of names and passwords, and a logon ticket
// whose age equals the clock skew or exceeds it by a second (K-53, K-57).
func TestOverlongPasswordIsRejected(t *testing.T) {
	for name, want := range map[string]bool{"alice": true, "": false, "a/b": false, "a@b": false, `a\b`: false,
		"a\nb": false, "a\x7f": false, "\xff": false, "ä": true, "a b": true, strings.Repeat("n", 256): true,
		strings.Repeat("n", 257): false, strings.Repeat("ü", 128): true, strings.Repeat("ü", 128) + "n": false} {
		err := checkUser(name)
		check.That(t, (err == nil) == want, "K-53: checkUser(%.20q): %v, want success: %t", name, err, want)
	}
	now := noon.Truncate(time.Second)
	for _, c := range []struct {
		name, password, ticketOf string
		proved                   time.Duration
		want                     string // in the error; "" for a client
	}{
		{"alice", strings.Repeat("x", 1024), "alice", 0, ""}, {"alice", strings.Repeat("x", 1025), "alice", 0, "too long"},
		{"alice", "x", "bob", 0, "the authenticator is of another client than the ticket"},
		{"alice", "x", "alice", -5 * time.Minute, ""},
		{"alice", "x", "alice", -5*time.Minute - time.Second,
			"does not prove that it is the realm's: the ticket is of an earlier logon"},
	} {
		p := startKDC(t, func(k *forge.Centre) {
			k.Users = map[string]string{"alice": c.password}
			k.Ticket = func(string) *forge.Ticket {
				at := now.Add(c.proved)
				return &forge.Ticket{Service: service, Realm: realm, Key: secret, Version: 1, Client: c.ticketOf, AuthTime: at,
					PAC: pacOf(secret)(c.ticketOf, at)}
			}
		}, func(cfg *Config) { cfg.Keys, cfg.Now = oneKey(t), clock(started, now) })
		got, err := p.Check(context.Background(), c.name, logon.Secret(c.password))
		if (got != nil) != (c.want == "") || (err == nil) != (c.want == "") ||
			err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("K-57: a ticket of %s, %v ago: %v, %v, want %q", c.ticketOf, -c.proved, got, err, c.want)
		}
		if got != nil && (got.Level != winnt.SecurityImpersonation || !got.ByPassword || got.Name != c.ticketOf) {
			t.Errorf("K-53: %+v", got)
		}
	}
	// The ticket for this host is refused, after the password was right.
	p := startKDC(t, nil, func(cfg *Config) { cfg.Keys, cfg.Services = oneKey(t), nil })
	requests := 0
	k := forge.Centre{Realm: realm, Users: map[string]string{"alice": "w"}, Key: secret,
		Now: func() time.Time { return noon }}
	k.Answer = func(b []byte) []byte {
		if requests++; requests == 3 {
			e := messages.NewKRBError(principal(2, "krbtgt/"+realm), realm, 7, "unknown service")
			b, _ = e.Marshal()
		}
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	}
	p.KDCs.Addresses = []string{k.Start()}
	defer k.Listener.Close()
	if got, err := p.Check(context.Background(), "alice", "w"); got != nil || err == nil ||
		!strings.Contains(err.Error(), "the ticket for this host: the KDC refuses with code 7") {
		t.Errorf("K-58: %v, %v", got, err)
	}
}
