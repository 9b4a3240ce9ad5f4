package pac

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

var (
	domain = sid.MustParse("S-1-5-21-10-20-30")
	other  = sid.MustParse("S-1-5-21-40-50-60")
	at     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// key returns a key of that encryption type.
func key(kind int32) types.EncryptionKey {
	n := map[int32]int{17: 16, 18: 32, 19: 16, 20: 32, 23: 16}[kind]
	v := make([]byte, n)
	for i := range v {
		v[i] = byte(i) + byte(kind)
	}
	return types.EncryptionKey{KeyType: kind, KeyValue: v}
}

var keyTypes = []int32{17, 18, 19, 20, 23}

// alice is a PAC with each buffer.
func alice() forge.PAC {
	return forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE", AuthTime: at,
		Groups: []forge.Group{{RID: 513, Attributes: 7}, {RID: 2001, Attributes: 7}},
		Extra: []token.Group{{SID: sid.MustParse("S-1-18-1"), Attributes: 7},
			{SID: sid.MustParse("S-1-5-21-0-0-0-497"), Attributes: 7}},
		ResourceDomain: domain, Resources: []forge.Group{{RID: 3001, Attributes: 0x20000007}},
		UPN: "alice@example.test", DNSDomain: "EXAMPLE.TEST", UPNSID: domain.WithRID(1104),
		Requestor: domain.WithRID(1104),
		Delegated: []string{"http/a", "http/b"}, WithAttributes: true,
		Claims:       []claims.Attribute{{Name: "ad://ext/dept", Type: claims.String, Strings: []string{"sales", "it"}}},
		DeviceClaims: []claims.Attribute{{Name: "ad://ext/floor", Type: claims.Int64, Ints: []int64{-3}}},
		Compressed:   true,
		Device: &forge.Device{Domain: other, User: 1200, Primary: 515, Groups: []forge.Group{{RID: 515, Attributes: 7}},
			Extra:  []token.Group{{SID: sid.MustParse("S-1-5-21-0-0-0-497"), Attributes: 7}},
			Others: map[sid.SID][]forge.Group{other: {{RID: 77, Attributes: 7}}}},
	}
}

func memberships(groups []forge.Group) []Membership {
	out := make([]Membership, len(groups))
	for i, g := range groups {
		out[i] = Membership(g)
	}
	return out
}

// checkParsed compares the encoded PAC with the parsed one.
func checkParsed(t *testing.T, w forge.PAC, p *PAC) {
	t.Helper()
	extra, resources, resourceDomain := w.Extra, w.Resources, w.ResourceDomain
	if w.NoFlags || len(extra) == 0 {
		extra = nil
	}
	if w.NoFlags || len(resources) == 0 {
		resources, resourceDomain = nil, sid.SID{}
	}
	l := p.Logon
	check := func(what string, ok bool) {
		check.That(t, ok, "%s: wrote %+v, read %+v", what, w, p)
	}
	check("user", l.DomainID == w.Domain && l.UserID == w.User && l.PrimaryGroupID == w.Primary)
	check("names", l.EffectiveName == w.Name && l.LogonDomainName == w.DomainName && l.LogonServer == "DC1")
	check("times", l.LogonTime == forge.FileTime(w.AuthTime) && l.KickOffTime == 1<<63-1 && l.UserAccountControl == 0x10)
	check("groups", slices.Equal(l.Groups, memberships(w.Groups)))
	check("extra SIDs", slices.Equal(l.ExtraSIDs, extra))
	check("resource groups", slices.Equal(l.ResourceGroups, memberships(resources)) && l.ResourceDomain == resourceDomain)
	check("client", utf16Text([]byte(p.Client.Name)) == w.Name && p.Client.AuthTime == forge.FileTime(w.AuthTime))
	check("UPN", (p.UPN != nil) == (w.UPN != "") && (p.UPN == nil || p.UPN.UPN == w.UPN &&
		p.UPN.DNSDomain == w.DNSDomain && p.UPN.SID == w.UPNSID && (w.UPNSID.IsZero() || p.UPN.SAMName == w.Name)))
	check("requestor", p.Requestor == w.Requestor)
	check("delegation", (p.Delegation != nil) == (w.Delegated != nil) && (p.Delegation == nil ||
		p.Delegation.Target == "target" && slices.Equal(p.Delegation.Transited, w.Delegated)))
	check("attributes", (p.Attributes != nil) == w.WithAttributes &&
		(p.Attributes == nil || *p.Attributes == WasRequested))
	check("claims", equalClaims(p.ClientClaims, w.Claims) && p.HasClientClaims == (w.Claims != nil))
	check("device claims", equalClaims(p.DeviceClaims, w.DeviceClaims) && p.HasDeviceClaims == (w.DeviceClaims != nil))
	check("device", (p.Device != nil) == (w.Device != nil))
	if d := p.Device; d != nil && w.Device != nil {
		check("device", d.DomainID == w.Device.Domain && d.UserID == w.Device.User &&
			slices.Equal(d.Groups, memberships(w.Device.Groups)) && slices.Equal(d.ExtraSIDs, w.Device.Extra) &&
			len(d.DomainGroups) == len(w.Device.Others))
		for _, g := range d.DomainGroups {
			check("groups of a device", slices.Equal(g.Groups, memberships(w.Device.Others[g.Domain])))
		}
	}
}

func equalClaims(got *claims.Set, want []claims.Attribute) bool {
	if got.Len() != len(want) {
		return false
	}
	for i, a := range got.All() {
		w := want[i]
		if a.Name != w.Name || a.Type != w.Type || !slices.Equal(a.Ints, w.Ints) || !slices.Equal(a.Uints, w.Uints) ||
			!slices.Equal(a.Strings, w.Strings) {
			return false
		}
	}
	return true
}

// TestRandomPACsAreParsed checks that PACs of an independent encoder are parsed, for every key type and with
// each buffer present and absent (K-2, K-4, K-5).
func TestRandomPACsAreParsed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 300 {
		w := random(rng)
		k := key(keyTypes[i%len(keyTypes)])
		buffers := append(w.Buffers(), forge.Buffer{Type: 99, Data: []byte("unknown")})
		if rng.IntN(2) == 0 { // the second of a type does not count
			buffers = append(buffers, forge.Buffer{Type: forge.ClientInfo, Data: []byte("another")})
		}
		p, err := Open(forge.Seal(buffers, k), k)
		check.RequireThat(t, err == nil, "%+v: %v", w, err)
		checkParsed(t, w, p)
	}
}

func random(rng *rand.Rand) forge.PAC {
	w := alice()
	some := func() []forge.Group {
		var out []forge.Group
		for range rng.IntN(5) {
			out = append(out, forge.Group{RID: rng.Uint32(), Attributes: rng.Uint32()})
		}
		return out
	}
	sids := func() []token.Group {
		var out []token.Group
		for range rng.IntN(5) {
			subs := make([]uint32, rng.IntN(16))
			for i := range subs {
				subs[i] = rng.Uint32()
			}
			s, _ := sid.New(uint64(rng.IntN(20)), subs...)
			out = append(out, token.Group{SID: s, Attributes: rng.Uint32()})
		}
		return out
	}
	w.Name = []string{"", "a", "alice", "Ünïcode", "😀"}[rng.IntN(5)]
	w.Groups, w.Extra, w.Resources = some(), sids(), some()
	w.NoFlags = rng.IntN(4) == 0
	w.Device.Groups, w.Device.Extra = some(), sids()
	w.Device.Others = map[sid.SID][]forge.Group{domain: some(), other: some()}
	w.Claims = randomClaims(rng)
	w.Compressed = rng.IntN(2) == 0
	for _, drop := range []func(){func() { w.UPN = "" }, func() { w.UPNSID = sid.SID{} },
		func() { w.Requestor = sid.SID{} },
		func() { w.Delegated = nil }, func() { w.Delegated = []string{} }, func() { w.WithAttributes = false },
		func() { w.Claims = nil }, func() { w.Claims = []claims.Attribute{} }, func() { w.DeviceClaims = nil },
		func() { w.Device = nil }, func() { w.Resources, w.ResourceDomain = nil, sid.SID{} }} {
		if rng.IntN(4) == 0 {
			drop()
		}
	}
	return w
}

func randomClaims(rng *rand.Rand) []claims.Attribute {
	out := make([]claims.Attribute, rng.IntN(5))
	for i := range out {
		a := claims.Attribute{Name: fmt.Sprintf("claim %d", i)}
		switch n := uint64(1 + rng.IntN(4)); rng.IntN(4) {
		case 0:
			a.Type = claims.Int64
			for j := range n {
				a.Ints = append(a.Ints, -int64(j)<<40)
			}
		case 1:
			a.Type = claims.Uint64
			for j := range n {
				a.Uints = append(a.Uints, j<<40)
			}
		case 2:
			a.Type, a.Uints = claims.Boolean, []uint64{uint64(rng.IntN(2))}
		default:
			a.Type = claims.String
			for j := range n {
				a.Strings = append(a.Strings, fmt.Sprint("value ", j))
			}
		}
		out[i] = a
	}
	return out
}
