package kerberos

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestTokenHolds10000PACGroups checks PACs of 5,000 groups, and of 10,000, the largest configurable maximum of an
// account. The token has all of them, whether they are domain groups, extra SIDs, resource groups or a mixture. A PAC
// with one group more than a token holds is rejected (L-4).
func TestTokenHolds10000PACGroups(t *testing.T) {
	store := openStore(t)
	taking := acceptor(t, nil)
	a := Authority{Store: store, Tickets: func() *Acceptor { return taking }}
	far := sid.MustParse("S-1-5-21-7-8-9")
	// Everyone, Network, Authenticated Users, This Organization, Users, and the primary group, in
	// addition to those below.
	const others = 6
	for _, c := range []struct {
		what                            string
		groups, extra, times, resources int // times: how often each extra SID is in the PAC
		want                            ntstatus.Status
	}{
		{"5,000 groups of the domain", 5000, 0, 1, 0, ntstatus.Success},
		{"5,000 extra SIDs", 0, 5000, 1, 0, ntstatus.Success},
		{"5,000 resource groups", 0, 0, 1, 5000, ntstatus.Success},
		{"all three, the extra SIDs twice", 4000, 600, 2, 400, ntstatus.Success},
		{"10,000 groups", 10000, 0, 1, 0, ntstatus.Success},
		{"as many as a token holds", token.MaxGroups - others, 0, 1, 0, ntstatus.Success},
		{"one more", token.MaxGroups - others + 1, 0, 1, 0, ntstatus.TooManyContextIDs},
	} {
		k := ticket()
		k.PAC = alicePAC(secret, func(p *forge.PAC) {
			withGroups(c.groups)(p)
			p.Extra = nil
			for i := range c.times * c.extra {
				p.Extra = append(p.Extra, token.Group{SID: far.WithRID(uint32(5000 + i/c.times)), Attributes: 7})
			}
			for i := range c.resources {
				p.ResourceDomain = domain
				p.Resources = append(p.Resources, forge.Group{RID: uint32(90000 + i), Attributes: 0x20000007})
			}
		})
		r, st := a.LogOn(logonOf(&k))
		if st != c.want {
			t.Errorf("L-4: %s: %v, want %v", c.what, st, c.want)
			continue
		}
		if st != ntstatus.Success {
			continue
		}
		v, err := token.New(r.Token)
		if err != nil || len(r.Token.Groups) != c.groups+c.extra+c.resources+others {
			t.Errorf("L-4: %s: %d groups in the token, %v, want %d, nil", c.what, len(r.Token.Groups), err,
				c.groups+c.extra+c.resources+others)
			continue
		}
		for _, last := range []struct {
			n int
			s sid.SID
		}{{c.groups, domain.WithRID(uint32(1999 + c.groups))}, {c.extra, far.WithRID(uint32(4999 + c.extra))},
			{c.resources, domain.WithRID(uint32(89999 + c.resources))}} {
			check.That(t, last.n <= 0 || v.Member(last.s, false), "L-4: %s: the token has no group %v", c.what, last.s)
		}
	}
}
