package kerberos

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	realm   = "EXAMPLE.TEST"
	service = "HTTP/www.example.test"
)

var (
	domain  = sid.MustParse("S-1-5-21-10-20-30")
	noon    = time.Date(2026, 1, 2, 12, 0, 0, 123456000, time.UTC)
	started = noon.Add(-time.Hour)
	secret  = forge.NewKey(18)
	older   = forge.NewKey(18)
	short   = forge.NewKey(17)
	rc4     = forge.NewKey(23)
)

func keys(t testing.TB) *Keys {
	t.Helper()
	k := check.Must(ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 3, Key: secret},
		forge.Entry{Service: service, Realm: realm, Version: 2, Key: older},
		forge.Entry{Service: service, Realm: realm, Version: 3, Key: short},
		forge.Entry{Service: service, Realm: realm, Version: 3, Key: rc4},
		forge.Entry{Service: "cifs/www.example.test", Realm: realm, Version: 300, Key: secret})))
	return k
}

// acceptor returns an Acceptor whose clock shows noon and that started an hour earlier.
func acceptor(t testing.TB, change func(*Config)) *Acceptor {
	t.Helper()
	cfg := Config{Keys: keys(t), Realm: realm, Domain: domain, Now: clock(started, noon)}
	if change != nil {
		change(&cfg)
	}
	a := check.Must(New(cfg))
	t.Cleanup(func() { check.NoError(t, a.Close()) })
	return a
}

// alicePAC is the PAC of alice's ticket, signed with the key.
func alicePAC(key types.EncryptionKey, change func(*forge.PAC)) []byte {
	p := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE",
		AuthTime: noon.Add(-time.Minute), Groups: []forge.Group{{RID: 513, Attributes: 7}},
		Extra:     []token.Group{{SID: sid.MustParse("S-1-18-1"), Attributes: 7}},
		Requestor: domain.WithRID(1104)}
	if change != nil {
		change(&p)
	}
	return forge.Seal(p.Buffers(), key)
}

func ticket() forge.Ticket {
	return forge.Ticket{Service: service, Realm: realm, Key: secret, Version: 3, Client: "alice",
		AuthTime: noon.Add(-time.Minute), At: noon, PAC: alicePAC(secret, nil)}
}

// TestAcceptTakesEachServiceKeyAndType lists the accepted tickets: with and without SPNEGO, for each service and key
// version of the keytab, with each allowed encryption type (K-34, K-35, K-38, K-39).
func TestAcceptTakesEachServiceKeyAndType(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*forge.Ticket)
		config func(*Config)
	}{
		"unchanged":                 {func(*forge.Ticket) {}, nil},
		"Kerberos without SPNEGO":   {func(k *forge.Ticket) { k.Raw = true }, nil},
		"Kerberos offered first":    {func(k *forge.Ticket) { k.Mechanisms = [][]byte{forge.OIDKerberos} }, nil},
		"a service in another case": {func(k *forge.Ticket) { k.Service = "http/WWW.example.test" }, nil},
		"another service":           {func(k *forge.Ticket) { k.Service, k.Version = "cifs/www.example.test", 300 }, nil},
		"a service in the list of services": {func(*forge.Ticket) {},
			func(c *Config) { c.Services = []string{"http/www.example.test"} }},
		"no version":         {func(k *forge.Ticket) { k.Version = 0 }, nil},
		"the version before": {func(k *forge.Ticket) { k.Key, k.Version, k.PAC = older, 2, alicePAC(older, nil) }, nil},
		"a short key":        {func(k *forge.Ticket) { k.Key, k.PAC = short, alicePAC(short, nil) }, nil},
		"RC4, if the configuration allows it": {func(k *forge.Ticket) { k.Key, k.PAC = rc4, alicePAC(rc4, nil) },
			func(c *Config) { c.EncryptionTypes = []int32{18, 23} }},
		"as late as may be":       {func(k *forge.Ticket) { k.At = noon.Add(-5 * time.Minute) }, nil},
		"as early as may be":      {func(k *forge.Ticket) { k.At = noon.Add(5 * time.Minute) }, nil},
		"no checksum, no binding": {func(k *forge.Ticket) { k.NoChecksum = true }, nil},
	} {
		k := ticket()
		c.change(&k)
		got, err := acceptor(t, c.config).Accept(k.Blob(), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		check.That(t, got.Name == "alice" && got.Realm == realm && got.Service == k.Service &&
			got.AuthTime.Equal(k.AuthTime.Truncate(time.Second)) && got.Identity.User == domain.WithRID(1104) &&
			len(got.Identity.Groups) == 2 && got.Level == winnt.SecurityImpersonation, "%s: %+v", name, got)
		want := k.Service
		check.That(t, strings.Contains(got.String(), want) && strings.Contains(got.String(),
			"alice@"+realm), "%s: the client's name is %q, want alice@%s", name, got, realm)
	}
}

// TestRejectedTokensHaveReasons checks the reason for each kind of rejected token. The record has the documented
// status, and the client's name if a key decrypted the ticket (K-80).
func TestRejectedTokensHaveReasons(t *testing.T) {
	other := forge.NewKey(18)
	const lost, late, wrongKey, weak = ntstatus.LogonFailure, ntstatus.TimeDifferenceAtDC, ntstatus.MutualAuthFailed,
		ntstatus.KDCUnknownEtype
	const named, unnamed = "alice", ""
	for name, c := range map[string]struct {
		rule, why string
		reason    ntstatus.Status
		client    string
		change    func(*forge.Ticket)
	}{
		"another service":      {"K-38", "is for", lost, unnamed, func(k *forge.Ticket) { k.Service = "HTTP/other.test" }},
		"another realm":        {"K-38", "is for", lost, unnamed, func(k *forge.Ticket) { k.Realm = "OTHER.TEST" }},
		"a service of no part": {"K-38", "is for", lost, unnamed, func(k *forge.Ticket) { k.Service = "" }},
		"another key": {"K-40", "no key", wrongKey, unnamed,
			func(k *forge.Ticket) { k.Key, k.PAC = other, alicePAC(other, nil) }},
		"another version": {"K-34", "no key", wrongKey, unnamed, func(k *forge.Ticket) { k.Version = 4 }},
		"RC4": {"K-39", "type 23", weak, unnamed,
			func(k *forge.Ticket) { k.Key, k.PAC = rc4, alicePAC(rc4, nil) }},
		"an RC4 session":   {"K-39", "session key", weak, unnamed, func(k *forge.Ticket) { k.SessionType = 23 }},
		"user to user":     {"K-38", "session key", lost, unnamed, func(k *forge.Ticket) { k.UseSessionKey = true }},
		"invalid":          {"K-41", "invalid", lost, named, func(k *forge.Ticket) { k.Invalid = true }},
		"before the start": {"K-47", "", late, named, func(k *forge.Ticket) { k.At = started.Add(-time.Second) }},
		"another channel":  {"K-46", "", ntstatus.BadBindings, named, func(k *forge.Ticket) { k.Bindings = [16]byte{1} }},
		"a user of ours from another realm": {"K-29", "", ntstatus.TrustedDomainFailure, named,
			func(k *forge.Ticket) { k.ClientRealm = "OTHER.TEST" }},
		"a user of ours from our realm in lower case": {"K-29", "", ntstatus.TrustedDomainFailure, named,
			func(k *forge.Ticket) { k.ClientRealm = strings.ToLower(realm) }},
		"no mechanism": {"K-36", "", ntstatus.InvalidParameter, unnamed,
			func(k *forge.Ticket) { k.Mechanisms = [][]byte{} }},
		"expired by a second": {"K-41", "expired", late, named,
			func(k *forge.Ticket) { k.End = noon.Add(-5*time.Minute - time.Second) }},
		"too late by a moment": {"K-41", "clocks", late, named,
			func(k *forge.Ticket) { k.At = noon.Add(-5*time.Minute - time.Microsecond) }},
		"a later version":     {"K-34", "no key", wrongKey, unnamed, func(k *forge.Ticket) { k.Version, k.Key = 1, older }},
		"bob's authenticator": {"K-41", "another client", lost, named, func(k *forge.Ticket) { k.NamedClient = "bob" }},
		"no PAC":              {"K-43", "no PAC", lost, named, func(k *forge.Ticket) { k.PAC = nil }},
		"a PAC of the client's": {"K-42", "no PAC", lost, named,
			func(k *forge.Ticket) { k.PAC, k.PACFromClient = nil, k.PAC }},
		"two PACs": {"K-42", "two PACs", lost, named, func(k *forge.Ticket) { k.SecondPAC = k.PAC }},
		"bob's PAC": {"K-14", "made for", lost, named,
			func(k *forge.Ticket) { k.PAC = alicePAC(secret, func(p *forge.PAC) { p.Name = "bob" }) }},
		"a PAC of another key":  {"K-12", "signature", lost, named, func(k *forge.Ticket) { k.PAC = alicePAC(older, nil) }},
		"a PAC of a weaker key": {"K-13", "signature", lost, named, func(k *forge.Ticket) { k.PAC = alicePAC(rc4, nil) }},
		"a short checksum": {"K-44", "checksum", lost, named,
			func(k *forge.Ticket) { k.Checksum = &types.Checksum{CksumType: 0x8003, Checksum: make([]byte, 23)} }},
		"the steps of DCE": {"K-44", "DCE", lost, named, func(k *forge.Ticket) { k.GSSFlags = 0x1000 }},
		"NTLM alone": {"K-36", "NTLM", ntstatus.NTLMBlocked, unnamed,
			func(k *forge.Ticket) { k.Mechanisms = [][]byte{forge.OIDNTLM} }},
		"NTLM before Kerberos": {"K-35", "prefers", lost, unnamed,
			func(k *forge.Ticket) { k.Mechanisms = [][]byte{forge.OIDNTLM, forge.OIDKerberos} }},
	} {
		k := ticket()
		c.change(&k)
		got, err := acceptor(t, nil).Accept(k.Blob(), Bindings("tls-server-end-point:x"))
		var r *Refusal
		check.RequireThat(t, got == nil && errors.As(err, &r), "%s: %s: %v, %v, want a refusal", c.rule, name, got, err)
		check.That(t, r.Status == lost && r.Reason == c.reason && r.Client == c.client &&
			(c.client == unnamed) == (r.Realm == "") && (k.ClientRealm == "" || r.Realm == k.ClientRealm) &&
			strings.Contains(err.Error(), c.why) && !strings.Contains(err.Error(), string(secret.KeyValue)),
			"%s: %s: %+v, want %v and the client %q, a text with %q and no key", c.rule, name, r, c.reason, c.client, c.why)
	}
}

// TestAlteredTicketIsRejected checks that a ticket or authenticator with any changed byte is rejected, and so are
// truncated tokens (K-40).
func TestAlteredTicketIsRejected(t *testing.T) {
	a := acceptor(t, nil)
	k := ticket()
	blob := k.Blob()
	taken := 0
	for i := range blob {
		bad := append([]byte{}, blob...)
		bad[i] ^= 0x41
		if c, err := a.Accept(bad, nil); err == nil {
			taken++ // a byte without meaning, such as a name's type or an unused mechanism
			check.RequireThat(t, c.Identity.User == domain.WithRID(1104),
				"K-40: byte %d altered: accepted as %+v, want alice or an error", i, c)
			a = acceptor(t, nil)
		}
	}
	check.That(t, taken <= 60, "K-40: %d of %d bytes do not matter, want at most 60", taken, len(blob))
	for n := range blob {
		_, err := a.Accept(blob[:n], nil)
		check.RequireThat(t, err != nil, "Accept of the first %d of %d bytes: no error, want one", n, len(blob))
	}
}

// TestTokenOfOtherChannelIsRefused checks that a token is refused on another channel than its own, and that without a
// channel its binding counts only if bindings are required (K-46).
func TestTokenOfOtherChannelIsRefused(t *testing.T) {
	data := []byte("tls-server-end-point:0123456789")
	packed := make([]byte, 16, 64)
	packed = append(binary.LittleEndian.AppendUint32(packed, uint32(len(data))), data...)
	right, wrong := md5.Sum(packed), [16]byte{1}
	for i, c := range []struct {
		sent            [16]byte
		aware, required bool
		channel         Bindings
		valid           bool
	}{
		{[16]byte{}, false, false, nil, true}, {[16]byte{}, false, false, data, true},
		{[16]byte{}, true, false, data, false}, {[16]byte{}, true, false, nil, true},
		{[16]byte{}, false, true, data, false}, {[16]byte{}, false, true, nil, false},
		{right, false, false, data, true}, {right, true, true, data, true},
		{right, false, false, []byte("tls-server-end-point:012345678a"), false},
		{wrong, false, false, data, false}, {wrong, true, true, data, false},
		{right, false, true, nil, false}, {right, false, false, nil, true},
	} {
		k := ticket()
		k.Bindings, k.Aware = c.sent, c.aware
		_, err := acceptor(t, func(cfg *Config) { cfg.RequireBinding = c.required }).Accept(k.Blob(), c.channel)
		check.That(t, (err == nil) == c.valid && (err == nil || errors.Is(err, errBindings)),
			"K-46: row %d: %v, want it taken: %t", i, err, c.valid)
	}
}

// TestReplyProvesThatTicketWasDecrypted checks the reply that proves to the client that the service decrypted the
// ticket: the authenticator's time, encrypted with the session key (K-48).
func TestReplyProvesThatTicketWasDecrypted(t *testing.T) {
	for _, raw := range []bool{false, true} {
		for _, asked := range []struct{ option, flag bool }{{}, {true, false}, {false, true}, {true, true}} {
			k := ticket()
			k.Raw, k.Mutual = raw, asked.option
			if asked.flag { // of the checksum of GSS
				k.GSSFlags = 2
			}
			c := check.Must(acceptor(t, nil).Accept(k.Blob(), nil))
			if !asked.option && !asked.flag {
				check.That(t, raw == (c.Answer == nil),
					"K-48: reply of %d bytes, want one only if the client requested mutual authentication", len(c.Answer))
				continue
			}
			checkReply(t, c.Answer, &k, raw)
		}
	}
}

func checkReply(t *testing.T, answer []byte, k *forge.Ticket, raw bool) {
	t.Helper()
	var outer struct {
		State asn1.Enumerated       `asn1:"explicit,tag:0"`
		Mech  asn1.ObjectIdentifier `asn1:"explicit,tag:1"`
		Token []byte                `asn1:"explicit,tag:2"`
	}
	if !raw {
		_, err := asn1.UnmarshalWithParams(answer, &outer, "explicit,tag:1")
		check.RequireThat(t, err == nil && outer.State == 0 &&
			fmt.Sprint(outer.Mech) == "1.2.840.48018.1.2.2", "K-48: %+v, %v", outer, err)
		answer = outer.Token
	}
	head := len(forge.DER(0x60, forge.OIDKerberos, []byte{2, 0}, make([]byte, len(answer)-18))) - (len(answer) - 18)
	var rep messages.APRep
	check.NoError(t, rep.Unmarshal(answer[head:]))
	b := check.Must(crypto.DecryptEncPart(rep.EncPart, k.SessionKey, 12))
	var part messages.EncAPRepPart
	if err := part.Unmarshal(b); err != nil || !part.CTime.Equal(k.At.Truncate(time.Second)) || part.Cusec != 123456 {
		t.Errorf("K-48: %+v, %v", part, err)
	}
}

// TestNewRefusesUselessConfigurations checks that New rejects configurations that accept nothing, or too much.
func TestNewRefusesUselessConfigurations(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no keys":                    func(c *Config) { c.Keys = nil },
		"no realm":                   func(c *Config) { c.Realm = "" },
		"a service without a key":    func(c *Config) { c.Services = []string{"HTTP/other"} },
		"weak and unknown types":     func(c *Config) { c.EncryptionTypes = []int32{24} },
		"no types":                   func(c *Config) { c.EncryptionTypes = []int32{} },
		"a replay cache in no place": func(c *Config) { c.State = "/dev/null/missing" },
	} {
		cfg := Config{Keys: keys(t), Realm: realm}
		change(&cfg)
		a, err := New(cfg)
		check.That(t, err != nil && a == nil, "New, %s: no error, want one", name)
	}
}

// TestNewConfigurationRefusesOldTokens checks that an acceptor with another configuration rejects tokens that the
// previous acceptor accepted, or may have accepted and forgotten. A wrong configuration returns no acceptor (K-82).
func TestNewConfigurationRefusesOldTokens(t *testing.T) {
	now, a := noon, acceptor(t, nil)
	cfg := Config{Keys: keys(t), Realm: realm, Domain: domain, Now: func() time.Time { return now }}
	k := ticket()
	blob := k.Blob()
	check.NoError(t, check.Err(a.Accept(blob, nil)))
	b, err := a.With(cfg)
	check.NoError(t, err)
	check.ErrorIs(t, check.Err(b.Accept(blob, nil)), errReplay, "K-82: a token that the previous acceptor accepted")
	fresh := ticket()
	check.ErrorIs(t, check.Err(b.Accept(fresh.Blob(), nil)), nil, "K-82: a new token")
	cfg.Skew = time.Minute
	b, err = b.With(cfg)
	check.NoError(t, err)
	fresh = ticket()
	check.ErrorIs(t, check.Err(b.Accept(fresh.Blob(), nil)), nil, "K-82: a new token with a smaller skew")
	cfg.Skew = 30 * time.Minute
	b, err = b.With(cfg)
	check.NoError(t, err)
	old := ticket()
	old.At = noon.Add(-10 * time.Minute) // the cache may have lost an authenticator of an earlier time
	check.ErrorIs(t, check.Err(b.Accept(old.Blob(), nil)), errBefore,
		"K-82: with a greater skew, a token older than the change")
	now = noon.Add(2 * time.Second)
	fresh = ticket()
	fresh.At = now
	check.ErrorIs(t, check.Err(b.Accept(fresh.Blob(), nil)), nil, "K-82: a new token with a greater skew")
	c, err := b.With(Config{Keys: keys(t)})
	check.That(t, c == nil && err != nil, "K-82: With without a realm: %v, want an error and no acceptor", err)
}

// TestClockSkewBeyondAnHourIsRejected checks the allowed clock skew: from a second to an hour, five minutes
// by default (K-41).
func TestClockSkewBeyondAnHourIsRejected(t *testing.T) {
	for skew, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, time.Second - 1: 0,
		time.Second: time.Second, time.Hour: time.Hour, time.Hour + 1: 0, -time.Minute: 0} {
		a, err := New(Config{Keys: keys(t), Realm: realm, Skew: skew})
		check.That(t, (err == nil) == (want != 0) && (a == nil) == (want == 0),
			"K-41: New with skew %v: %v, want success: %t", skew, err, want != 0)
		if a != nil {
			check.Equal(t, a.cfg.Skew, want, "K-41: skew %v in effect", skew)
			check.SlicesEqual(t, a.etypes, []int32{17, 18, 19, 20}, "K-39: types with skew %v", skew)
		}
	}
}

// TestTokenBeyond512KiBIsRejectedUnread checks that a token of 512 KiB is decoded and that a longer one is rejected
// unread (K-36).
func TestTokenBeyond512KiBIsRejectedUnread(t *testing.T) {
	for n, want := range map[int]error{MaxBlob - 1: errNTLM, 512 << 10: errNTLM, 512<<10 + 1: errOuter} {
		b := append([]byte("NTLMSSP\x00"), make([]byte, n-8)...)
		check.ErrorIs(t, check.Err(parseOuter(b)), want, "K-36: %d bytes", n)
	}
}
