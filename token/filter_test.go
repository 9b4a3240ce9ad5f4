package token_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A second restriction fails if its repeated SIDs and the dropped ones exceed the limit of a token (T-63).
func TestSecondRestrictionKeepsLimitOfSIDs(t *testing.T) {
	var all []sid.SID
	for i := range uint32(token.MaxGroups) {
		all = append(all, account(5000+i))
	}
	n := filter(t, must(t, setup()), token.FilterSpec{Restrict: restricting(all...)})
	for repeats, want := range map[int]ntstatus.Status{1: ntstatus.Success, 2: ntstatus.InvalidParameter} {
		_, st := n.Filter(token.FilterSpec{Restrict: slices.Repeat(restricting(all[0]), repeats)})
		check.Equal(t, st, want, "T-63: one of the SIDs, given %d times", repeats)
	}
}

// randomDescriptor returns a descriptor with plain entries only. A condition such as Not_Member_of may grant more to
// a token with fewer groups.
func randomDescriptor(t testing.TB, r *rand.Rand) *sd.Descriptor {
	t.Helper()
	p := sd.Parts{Owner: pick(r), Group: pick(r)}
	ace := func(typ sd.Type, mask winnt.AccessMask, s sid.SID) sd.ACE {
		return check.Must(sd.NewACE(typ, 0, mask, s))
	}
	acl := func(aces []sd.ACE) *sd.ACL { return check.Must(sd.NewACL(aces...)) }
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
	dec := check.Must(access.Check(tok, d, mask, winnt.FileObject))
	if !dec.Allowed() {
		return 0
	}
	return dec.Granted
}

// A filtered token is never granted a right that the original token is not granted (TC-28, T-68).
func TestFilterNeverWidensAccess(t *testing.T) {
	r := newRand(t)
	rounds := randtest.Size(4000)
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
						t.Fatalf("Check of %s for %v: the token is granted %v, the filtered token %v\noriginal "+
							"%s\nfiltered %s", text, mask, had, got, before, after)
					}
					if got != had {
						denied++
					}
					had = got
				}
			}
		}
	}
	check.That(t, denied != 0, "no filter took away a right (%d checks differed), so the test checked nothing", denied)
}

// Filter rejects an invalid entry at any position in the restricting SIDs and in the restricting device groups
// (T-63), and an unknown flag (T-60).
func TestFilterRejectsInvalidEntries(t *testing.T) {
	tok := must(t, setup())
	check.Equal(t, check.Status(tok.Filter(token.FilterSpec{Flags: 0x10})), ntstatus.InvalidParameter, "T-60: flag 0x10")
	many := make([]token.Group, token.MaxGroups+1)
	for i := range many {
		many[i].SID = account(uint32(i))
	}
	for _, c := range []struct {
		name string
		list []token.Group
		want ntstatus.Status
	}{
		{"attributes", []token.Group{{SID: groupG1}, {SID: groupG2, Attributes: 4}}, ntstatus.InvalidParameter},
		{"no SID", []token.Group{{SID: groupG1}, {}}, ntstatus.InvalidParameter},
		{"too many", many, ntstatus.InvalidParameter},
		{"the maximum number", many[1:], ntstatus.Success},
	} {
		for _, f := range []token.FilterSpec{{Restrict: c.list}, {RestrictDevice: c.list}} {
			n, st := tok.Filter(f)
			wantStatus(t, "T-63: "+c.name, st, c.want)
			check.That(t, (n == nil) == (c.want != ntstatus.Success),
				"%s: Filter returned a token %t with %v", c.name, n != nil, st)
		}
	}
}

// A filter marks the token as filtered only if it takes something away. SANDBOX_INERT takes nothing away, nor does a
// group that is deny-only already (T-61, T-64).
func TestFilterMarksOnlyTokensItChanges(t *testing.T) {
	tok := must(t, setup(token.Group{SID: sid.Guests, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}))
	for _, c := range []struct {
		spec token.FilterSpec
		want bool
	}{
		{token.FilterSpec{Flags: winnt.SANDBOX_INERT}, false}, {token.FilterSpec{Disable: []sid.SID{sid.Guests}}, false},
		{token.FilterSpec{Disable: []sid.SID{tok.IntegrityLevel().SID}}, false},
		{token.FilterSpec{Delete: winnt.SeBackupPrivilege.Bit()}, false},
		{token.FilterSpec{Disable: []sid.SID{groupG2}}, true},
		{token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()}, true},
	} {
		n := filter(t, tok, c.spec)
		check.That(t, n.IsFiltered() == c.want && n.SandboxInert() == (c.spec.Flags != 0),
			"T-64: %+v: filtered %t, inert %t; want %t, %t", c.spec, n.IsFiltered(), n.SandboxInert(), c.want, c.spec.Flags != 0)
	}
}

// LUA_TOKEN marks a token as filtered if it only lowers the level. It lowers a level above Medium to Medium, and no
// other (T-64, T-65, T-68).
func TestLUATokenLowersLevelToMedium(t *testing.T) {
	for level, want := range map[sid.SID]bool{sid.SystemLevel: true, sid.HighLevel: true, sid.MediumPlusLevel: true,
		sid.MediumLevel: false, sid.LowLevel: false, sid.UntrustedLevel: false} {
		s := setup()
		s.Integrity = level
		n := filter(t, must(t, s), token.FilterSpec{Flags: winnt.LUA_TOKEN})
		after := level
		if want {
			after = sid.MediumLevel
		}
		check.That(t, n.IsFiltered() == want && n.IntegrityLevel().SID == after && n.Integrity() == after.RID(),
			"T-65: LUA_TOKEN at %v: filtered %t, level %v; want %t, %v", level, n.IsFiltered(), n.IntegrityLevel(), want, after)
	}
}

// LUA_TOKEN compares whole SIDs. The RID of an administrative group under another authority or prefix is an ordinary
// group (T-65).
func TestLUATokenComparesWholeSIDs(t *testing.T) {
	for text, want := range map[string]bool{
		"S-1-5-32-544": true, "S-1-5-32-547": true, "S-1-5-32-548": true, "S-1-5-32-549": true, "S-1-5-32-550": true,
		"S-1-5-32-551": true, "S-1-5-32-545": false, "S-1-5-32-546": false, "S-1-5-32-543": false,
		sid.Replicator.String(): false, "S-1-5-32-555": false,
		"S-1-1-32-544": false, "S-1-5-33-544": false, "S-1-5-32-1-544": false, "S-1-5-544": false,
		"S-1-5-21-1-2-3-512": true, "S-1-5-21-1-2-3-519": true, "S-1-5-21-1-2-3-498": true, "S-1-5-21-1-2-3-527": true,
		"S-1-5-21-1-2-3-516": true, "S-1-5-21-1-2-3-517": true, "S-1-5-21-1-2-3-518": true, "S-1-5-21-1-2-3-520": true,
		"S-1-5-21-1-2-3-521": false,
		"S-1-5-21-1-2-3-513": false, "S-1-5-21-1-2-3-544": false, "S-1-5-22-1-2-3-512": false, "S-1-5-21-1-2-512": false,
		"S-1-5-21-1-2-3-4-512": false, "S-1-1-21-1-2-3-512": false, "S-1-5-21-512": false,
	} {
		s := setup()
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse(text), Attributes: token.GroupDefault})
		n := filter(t, must(t, s), token.FilterSpec{Flags: winnt.LUA_TOKEN})
		a, _ := attributes(t, n, sid.MustParse(text))
		got := a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0
		check.That(t, got == want && n.IsFiltered() == want,
			"T-65: LUA_TOKEN with %s: deny-only %t, filtered %t; want %t, %t", text, got, n.IsFiltered(), want, want)
	}
}
