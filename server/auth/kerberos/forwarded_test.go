package kerberos

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// proxied returns alice's ticket after services delegated it by S4U2proxy.
func proxied(requestor sid.SID, services ...string) forge.Ticket {
	k := ticket()
	k.PAC = alicePAC(secret, func(p *forge.PAC) {
		p.Delegated, p.Requestor = append([]string{}, services...), requestor
	})
	return k
}

// TestDelegatedTicketsAreRefused checks a configuration without delegation: it rejects each ticket whose PAC has
// delegation information, even one that its client requested. The error names the client and the services (K-17,
// K-87).
func TestDelegatedTicketsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		ticket forge.Ticket
		want   string
	}{
		"the client is the requestor": {proxied(domain.WithRID(1104), "http/front", "cifs/back"),
			"through http/front, cifs/back for target"},
		"the service is the requestor": {proxied(domain.WithRID(2000), "http/front"), "through http/front for target"},
		"no requestor":                 {proxied(sid.SID{}, "http/front"), "through http/front for target"},
		"no service is listed":         {proxied(domain.WithRID(1104)), "through no named service for target"},
	} {
		var r *Refusal
		got, err := acceptor(t, nil).Accept(c.ticket.Blob(), nil)
		if got != nil || !errors.As(err, &r) || r.Status != ntstatus.LogonFailure || !errors.Is(err, pac.ErrInvalid) ||
			!strings.HasPrefix(err.Error(), "kerberos: alice@"+realm) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("K-17: %s: %v, %v, want a refusal with %q", name, got, err, c.want)
		}
		let, err := acceptor(t, func(c *Config) { c.Delegated = true }).Accept(c.ticket.Blob(), nil)
		if err != nil || let.Identity.User != domain.WithRID(1104) {
			t.Errorf("K-17: %s, where delegation is let in: %v, %v, want the user %v, no error", name,
				let, err, domain.WithRID(1104))
		} else if proof := let.Proof(); !strings.Contains(proof, ", by delegation "+c.want) {
			t.Errorf("K-87: %s: the record has %q, want %q", name, proof, c.want)
		}
	}
}

// TestRefusedDelegationIsRecorded checks that the logon's record has client and services of a rejected delegated
// ticket (K-87), and that the client receives only STATUS_LOGON_FAILURE (K-51).
func TestRefusedDelegationIsRecorded(t *testing.T) {
	store := openStore(t)
	var refusal error
	taking := acceptor(t, nil)
	a := Authority{Store: store, Tickets: func() *Acceptor { return taking },
		Refused: func(_ string, err error) { refusal = err }}
	k := proxied(domain.WithRID(1104), "http/front\x1b[31m")
	r, st := a.LogOn(logonOf(&k))
	check.That(t, st == ntstatus.LogonFailure && r.Account.Name == "alice" && r.Account.Domain == realm &&
		strings.Contains(r.Proof, "http/front") && !strings.Contains(r.Proof, "\x1b") && refusal != nil,
		"K-87: %v, %+v, the log got %v", st, r, refusal)
}

// TestDelegationNeedsACredential checks that a token has level Delegation only if the client forwarded its own
// credential. The flag alone, or a credential that is cut, sealed with another key, of another client, or without a
// ticket, gives level Impersonation (K-45).
func TestDelegationNeedsACredential(t *testing.T) {
	const plain, full = winnt.SecurityImpersonation, winnt.SecurityDelegation
	subkey := forge.NewKey(18)
	for name, c := range map[string]struct {
		flags     uint32
		forwarded *forge.Forwarded
		want      winnt.SecurityImpersonationLevel
	}{
		"no flag":              {0, nil, plain},
		"the flag alone":       {1, nil, plain},
		"an empty credential":  {1, &forge.Forwarded{Cut: -1}, plain},
		"a credential":         {1, &forge.Forwarded{}, full},
		"without the flag":     {0, &forge.Forwarded{}, plain},
		"with the subkey":      {1, &forge.Forwarded{Key: subkey}, full},
		"of another key":       {1, &forge.Forwarded{Key: forge.NewKey(18)}, plain},
		"cut":                  {1, &forge.Forwarded{Cut: 9}, plain},
		"of bob":               {1, &forge.Forwarded{Client: "bob"}, plain},
		"of another service":   {1, &forge.Forwarded{Service: service}, plain},
		"expired":              {1, &forge.Forwarded{End: noon.Add(-time.Hour)}, plain},
		"expired within skew":  {1, &forge.Forwarded{End: noon.Add(-time.Minute)}, full},
		"without a ticket":     {1, &forge.Forwarded{NoTicket: true}, plain},
		"identification alone": {0x2001, &forge.Forwarded{}, winnt.SecurityIdentification},
		"other flags":          {0x3e, &forge.Forwarded{}, plain},
	} {
		k := ticket()
		k.GSSFlags, k.Forwarded, k.Subkey = c.flags, c.forwarded, subkey
		got, err := acceptor(t, nil).Accept(k.Blob(), nil)
		check.That(t, err == nil && got.Level == c.want, "K-45: %s: %+v, %v, want level %v", name, got, err, c.want)
	}
}

// TestForwardedTicketsAreBounded checks that a credential has up to 16 tickets, a description of each, and the client's
// realm, and that a name has up to 16 components (K-45).
func TestForwardedTicketsAreBounded(t *testing.T) {
	k, a := ticket(), acceptor(t, nil)
	o := check.Must(a.open(k.Request()))
	text := func(s string) []byte { return forge.DER(27, []byte(s)) }
	name := func(parts ...string) []byte {
		var all []byte
		for _, p := range parts {
			all = append(all, text(p)...)
		}
		return forge.DER(0x30, forge.DER(0xa0, []byte{2, 1, 1}), forge.DER(0xa1, forge.DER(0x30, all)))
	}
	for _, c := range []struct {
		tickets, infos int
		realm          string
		version, list  []byte // the version unless it is 5, and bytes after the list of tickets
		want           bool
	}{{1, 1, realm, nil, nil, true}, {2, 1, realm, nil, nil, false}, {16, 16, realm, nil, nil, true},
		{17, 17, realm, nil, nil, false}, {1, 1, "OTHER.TEST", nil, nil, false},
		{1, 1, realm, []byte{2, 1, 5, 5, 0}, nil, false}, {1, 1, realm, []byte{2, 1, 4}, nil, false},
		{1, 1, realm, nil, []byte{5, 0}, false}} {
		info := forge.DER(0x30, forge.DER(0xa1, text(c.realm)), forge.DER(0xa2, name("alice")),
			forge.DER(0xa6, forge.DER(24, []byte("20260102200000Z"))), forge.DER(0xa9, name("krbtgt", realm)))
		part := forge.DER(0x60|29, forge.DER(0x30, forge.DER(0xa0, forge.DER(0x30, bytes.Repeat(info, c.infos)))))
		sealed := check.Must(crypto.GetEncryptedData(part, k.SessionKey, usageCredential, 0))
		credential := forge.DER(0x60|22, forge.DER(0x30, forge.DER(0xa0, []byte(cmp.Or(string(c.version), "\x02\x01\x05"))),
			forge.DER(0xa1, []byte{2, 1, 22}),
			forge.DER(0xa2, forge.DER(0x30, bytes.Repeat(forge.DER(0x61), c.tickets)), c.list),
			forge.DER(0xa3, check.Must(sealed.Marshal()))))
		check.Equal(t, a.forwarded(o, credential, noon), c.want, "K-45: %+v", c)
	}
	for what, info := range map[string][]byte{"a realm": forge.DER(0xa1, []byte{2, 1, 1}),
		"a client": forge.DER(0xa2, []byte{2, 1, 1}), "an end": forge.DER(0xa6, text("x")), "half a field": {0xa1, 9},
		"a service": forge.DER(0xa9, forge.DER(0x30, forge.DER(0xa0), forge.DER(0xa1, forge.DER(0x30, []byte{5, 0}))))} {
		part := forge.DER(0x60|29, forge.DER(0x30, forge.DER(0xa0, forge.DER(0x30, forge.DER(0x30, info)))))
		_, ok := readCredentialPart(part)
		check.That(t, !ok, "K-45: %s that is malformed is read", what)
	}
	for n, want := range map[int]bool{16: true, 17: false} {
		_, ok := readName(name(slices.Repeat([]string{"x"}, n)...))
		check.Equal(t, ok, want, "K-45: a name of %d components", n)
	}
}

// FuzzForwarded checks that no bytes of a forwarded credential, inside or outside of its sealed part, make the
// readers panic or count more tickets than fit into it (K-45).
func FuzzForwarded(f *testing.F) {
	k := ticket()
	k.GSSFlags, k.Forwarded = 1, &forge.Forwarded{}
	credential := k.Credential()
	f.Add(credential)
	_, sealed, _ := readCredential(credential)
	sealed.EType = k.SessionKey.KeyType
	part := check.Must(decrypt(sealed, k.SessionKey, usageCredential))
	f.Add(part)
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, _, ok := readCredential(b); ok && n > maxForwarded {
			t.Errorf("K-45: readCredential found %d tickets, want at most %d", n, maxForwarded)
		}
		if all, ok := readCredentialPart(b); ok && len(all) > maxForwarded {
			t.Errorf("K-45: readCredentialPart found %d entries, want at most %d", len(all), maxForwarded)
		}
	})
}
