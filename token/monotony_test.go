package token_test

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// randomDescriptor has plain entries only: a condition such as
// Not_Member_of may grant more to a token with fewer groups.
func randomDescriptor(t testing.TB, r *rand.Rand) *sd.Descriptor {
	t.Helper()
	p := sd.Parts{Owner: pick(r), Group: pick(r)}
	ace := func(typ sd.Type, mask winnt.AccessMask, s sid.SID) sd.ACE {
		a, err := sd.NewACE(typ, 0, mask, s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	acl := func(aces []sd.ACE) *sd.ACL {
		l, err := sd.NewACL(aces...)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if r.IntN(12) > 0 {
		var aces []sd.ACE
		for range r.IntN(8) {
			who := pick(r)
			if r.IntN(10) == 0 {
				who = sid.OwnerRights
			}
			aces = append(aces, ace(sd.Type(r.IntN(2)), winnt.AccessMask(r.Uint32())&0x1F01FF, who))
		}
		p.DACL = acl(aces)
	}
	p.Control = sd.DACLPresent
	if r.IntN(3) == 0 {
		p.Control |= sd.SACLPresent
		p.SACL = acl([]sd.ACE{ace(sd.Type(0x11), winnt.AccessMask(1+r.IntN(7)),
			sid.IntegrityLevel(uint32(r.IntN(5))*0x1000))})
	}
	return sd.New(p)
}

func granted(t testing.TB, tok *token.Token, d *sd.Descriptor, mask winnt.AccessMask) winnt.AccessMask {
	t.Helper()
	dec, err := access.Check(tok, d, mask, winnt.FileObject)
	if err != nil {
		t.Fatal(err)
	}
	if !dec.Allowed() {
		return 0
	}
	return dec.Granted
}

// TC-28, T-68: a filtered token is granted nothing its origin is not.
func TestFilterMonotony(t *testing.T) {
	r := newRand(t)
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	denied := 0
	for range rounds {
		s := randomSpec(r)
		s.MandatoryPolicy = uint32(r.IntN(4))
		tok := must(t, s)
		chain := []*token.Token{tok}
		for range 1 + r.IntN(3) {
			f := randomFilter(r)
			f.Flags |= uint32(r.IntN(16)) &^ winnt.DISABLE_MAX_PRIVILEGE
			chain = append(chain, filter(t, chain[len(chain)-1], f))
		}
		for range 6 {
			d := randomDescriptor(t, r)
			for _, mask := range []winnt.AccessMask{winnt.MAXIMUM_ALLOWED, winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA |
				winnt.READ_CONTROL,
				winnt.WRITE_OWNER, winnt.GENERIC_READ, winnt.ACCESS_SYSTEM_SECURITY, winnt.WRITE_DAC | winnt.DELETE} {
				had := granted(t, tok, d, mask)
				for i, n := range chain[1:] {
					got := granted(t, n, d, mask)
					if got&^had != 0 {
						text, _ := sddl.Format(d, sddl.Options{})
						before, _ := chain[i].MarshalJSON()
						after, _ := n.MarshalJSON()
						t.Fatalf("%s asked %v: the token has %v, filtered %v\n%s\n%s", text, mask, had, got, before, after)
					}
					if got != had {
						denied++
					}
					had = got
				}
			}
		}
	}
	if denied == 0 {
		t.Error("no filter ever took anything away: the test tests nothing")
	}
}
