package token_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// naive is a simple second implementation of Token. It has plain slices.
type naive struct {
	groups     []token.Group // entry 0 is the user
	restricted []sid.SID
	isRestr    bool
	present    winnt.PrivilegeSet
	enabled    winnt.PrivilegeSet
	owner      sid.SID
	primary    sid.SID
	modified   winnt.LUID
}

func (n naive) clone() naive {
	n.groups = slices.Clone(n.groups)
	n.restricted = slices.Clone(n.restricted)
	return n
}

// matches reports whether an entry with the SID matches an allow entry, or with deny a deny entry.
func (n *naive) matches(s sid.SID, deny bool) bool {
	for i, g := range n.groups {
		switch {
		case g.SID != s || g.Attributes&0x20 != 0:
		case g.Attributes&0x10 != 0:
			if deny {
				return true
			}
		case i == 0 || g.Attributes&4 != 0:
			return true
		}
	}
	return false
}

func (n *naive) effectiveOnly() {
	n.present = n.enabled
	var keep []token.Group
	owner, primary := false, false
	for i, g := range n.groups {
		if i == 0 || g.Attributes&(4|0x10|0x20) != 0 {
			keep = append(keep, g)
			owner = owner || g.SID == n.owner && (i == 0 || g.Attributes&(8|0x10) == 8)
			primary = primary || g.SID == n.primary
		}
	}
	n.groups = keep
	if !owner {
		n.owner = n.groups[0].SID
	}
	if !primary {
		n.primary = n.groups[0].SID
	}
}

func (n *naive) adjustPrivileges(modified winnt.LUID, all bool, cs []token.PrivilegeChange) ntstatus.Status {
	st := ntstatus.Success
	p, e := n.present, n.enabled
	if all {
		e, cs = 0, nil
	}
	for _, c := range cs {
		if c.LUID > 63 || p&(1<<c.LUID) == 0 {
			st = ntstatus.NotAllAssigned
			continue
		}
		e &^= 1 << c.LUID
		if c.Attributes&4 != 0 {
			p &^= 1 << c.LUID
		} else if c.Attributes&2 != 0 {
			e |= 1 << c.LUID
		}
	}
	if p != n.present || e != n.enabled {
		n.present, n.enabled, n.modified = p, e, modified
	}
	return st
}

func (n *naive) adjustGroups(modified winnt.LUID, reset bool, cs []token.Group) ntstatus.Status {
	work := slices.Clone(n.groups)
	st := ntstatus.Success
	for _, c := range cs {
		if reset {
			break
		}
		found := false
		for i := range work {
			g := &work[i]
			if g.SID != c.SID {
				continue
			}
			found = true
			on := c.Attributes&4 != 0
			special := i == 0 || g.Attributes&0x20 != 0
			switch {
			case on && g.Attributes&0x10 != 0:
				return ntstatus.CantEnableDenyOnly
			case on && !special:
				g.Attributes |= 4
			case !on && (special || g.Attributes&1 != 0 || g.Attributes&0xC0000000 == 0xC0000000):
				return ntstatus.CantDisableMandatory
			case !on:
				g.Attributes &^= 4
			}
		}
		if !found {
			st = ntstatus.NotAllAssigned
		}
	}
	for i := range work {
		g := &work[i]
		if !reset || i == 0 || g.Attributes&(1|0x10|0x20) != 0 {
			continue
		}
		if g.Attributes&2 != 0 {
			g.Attributes |= 4
		} else if g.Attributes&0xC0000000 != 0xC0000000 {
			g.Attributes &^= 4
		}
	}
	if !slices.Equal(work, n.groups) {
		n.groups, n.modified = work, modified
	}
	return st
}

func (n *naive) filter(f token.FilterSpec) {
	n.modified = f.ModifiedID
	for i := range n.groups {
		g := &n.groups[i]
		if slices.Contains(f.Disable, g.SID) && g.Attributes&0x20 == 0 {
			g.Attributes = g.Attributes&^(4|2) | 0x10
			if g.SID == n.owner {
				n.owner = n.groups[0].SID
			}
		}
	}
	drop := f.Delete
	if f.Flags&1 != 0 {
		drop = ^winnt.PrivilegeSet(1 << 23)
	}
	n.present &^= drop
	n.enabled &^= drop
	if len(f.Restrict) > 0 {
		var list []sid.SID
		for _, g := range f.Restrict {
			if !n.isRestr || slices.Contains(n.restricted, g.SID) {
				list = append(list, g.SID)
			}
		}
		n.restricted, n.isRestr = list, true
	}
}

// universe has the SIDs that random tokens and changes use.
var universe = func() (out []sid.SID) {
	for rid := range uint32(12) {
		out = append(out, account(7000+rid))
	}
	out = append(out, sid.Everyone, sid.Users, sid.Administrators)
	for level := range uint32(5) { // changes also name integrity entries
		out = append(out, sid.IntegrityLevel(level*0x1000))
	}
	return out
}()

// accounts are the SIDs of the universe that may be users and groups: all but the integrity levels.
var accounts = universe[:len(universe)-5]

func pick(r *rand.Rand) sid.SID { return universe[r.IntN(len(universe))] }

func randomSpec(r *rand.Rand) token.Spec {
	kinds := []uint32{0, 7, 4, 6, 2, 0x10, 0x11, 0x12, 0xF, 0xC0000007, 0xC0000004, 0xC}
	s := token.Spec{User: token.Group{SID: accounts[r.IntN(len(accounts))]}, ModifiedID: 1}
	if r.IntN(8) == 0 {
		s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	}
	for range r.IntN(90) % (1 + r.IntN(90)) { // sometimes more than one word of the bitmaps; SIDs may repeat
		s.Groups = append(s.Groups, token.Group{SID: accounts[r.IntN(len(accounts))], Attributes: kinds[r.IntN(len(kinds))]})
	}
	if r.IntN(3) > 0 {
		s.Integrity = sid.IntegrityLevel(uint32(r.IntN(5)) * 0x1000)
	}
	s.Privileges = winnt.PrivilegeSet(r.Uint64()) & (1<<37 - 4)
	s.EnabledPrivileges = s.Privileges & winnt.PrivilegeSet(r.Uint64())
	return s
}

func twinOf(t *token.Token) naive {
	n := naive{groups: []token.Group{t.User()}, present: t.Present(), enabled: t.Enabled(), owner: t.Owner(),
		primary: t.PrimaryGroup(), modified: t.ModifiedID()}
	for _, g := range t.Groups() {
		n.groups = append(n.groups, g)
	}
	return n
}

func randomFilter(r *rand.Rand) token.FilterSpec {
	f := token.FilterSpec{ModifiedID: winnt.LUID(r.Uint64())}
	if r.IntN(4) == 0 {
		f.Flags = winnt.DISABLE_MAX_PRIVILEGE
	}
	for range r.IntN(3) {
		f.Disable = append(f.Disable, pick(r))
	}
	if r.IntN(3) == 0 {
		f.Delete = winnt.PrivilegeSet(r.Uint64())
	}
	if r.IntN(3) == 0 {
		for range r.IntN(6) {
			f.Restrict = append(f.Restrict, token.Group{SID: pick(r)})
		}
	}
	return f
}

// step does one random operation on the token and on its twin. It returns the new token and both statuses.
func step(r *rand.Rand, t *token.Token, n *naive) (after *token.Token, what string, got, want ntstatus.Status) {
	id := winnt.LUID(r.Uint64())
	switch r.IntN(6) {
	case 0:
		n.effectiveOnly()
		return t.EffectiveOnly(), "effective only", 0, 0
	case 1:
		f := randomFilter(r)
		n.filter(f)
		after, got = t.Filter(f)
		return after, "filter", got, 0
	case 2, 3:
		var cs []token.PrivilegeChange
		for range r.IntN(4) {
			cs = append(cs, token.PrivilegeChange{LUID: winnt.LUID(r.IntN(40)),
				Attributes: []uint32{0, 2, 2, 4, 6, 1, 0x80000000}[r.IntN(7)]})
		}
		all := r.IntN(6) == 0
		want = n.adjustPrivileges(id, all, cs)
		after, _, got = t.AdjustPrivileges(id, all, cs)
		return after, "adjust privileges", got, want
	case 4:
		return t.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation), "duplicate", 0, 0
	}
	var cs []token.Group
	for range r.IntN(4) {
		cs = append(cs, token.Group{SID: pick(r), Attributes: uint32(r.IntN(8))})
	}
	reset := r.IntN(5) == 0
	want = n.adjustGroups(id, reset, cs)
	after, _, got = t.AdjustGroups(id, reset, cs)
	return after, "adjust groups", got, want
}

func compare(t *testing.T, tok *token.Token, n *naive) {
	t.Helper()
	got := twinOf(tok)
	check.RequireThat(t, slices.Equal(got.groups, n.groups), "groups\n%v, want\n%v", got.groups, n.groups)
	if got.present != n.present || got.enabled != n.enabled || got.owner != n.owner || got.primary != n.primary ||
		got.modified != n.modified {
		t.Fatalf("held or enabled privileges, owner, primary group or ModifiedID differ: got\n%+v\nwant\n%+v", got, *n)
	}
	if tok.IsRestricted() != n.isRestr || tok.RestrictedSet().Len() != len(n.restricted) {
		t.Fatalf("restricted %v with %d SIDs, want %v with %d", tok.IsRestricted(), tok.RestrictedSet().Len(),
			n.isRestr, len(n.restricted))
	}
	for i, s := range n.restricted {
		check.Require(t, tok.RestrictedSet().At(i), s, "restricting SID %d", i)
	}
	for _, s := range universe {
		if a, d := tok.Member(s, false), tok.Member(s, true); a != n.matches(s, false) || d != n.matches(s, true) {
			t.Fatalf("Member(%v): allow %v, deny %v; want %v, %v", s, a, d, n.matches(s, false), n.matches(s, true))
		}
	}
	// T-1: flags derived from other fields are right after every operation.
	f := tok.Flags()
	for p, bit := range map[int]uint32{23: 1, 17: 2, 18: 4, 29: 0x80} {
		check.RequireThat(t, (n.enabled>>p&1 != 0) == (f&bit != 0),
			"T-1: flag %#x is set: %t, want it to follow the enabled privilege %d", bit, f&bit != 0, p)
	}
	if (f&0x10 != 0) != n.isRestr || (f&0x2000 != 0) != (tok.Integrity() > 0x1000) || f&8 != 0 && f&0x10 == 0 {
		t.Fatalf("T-1: flags %#x do not match: restricted %t, integrity %#x", f, n.isRestr, tok.Integrity())
	}
}

// TestTwin compares a token with its naive twin after random operations. The token before an operation does not
// change.
func TestTwin(t *testing.T) {
	r := newRand(t)
	rounds := randtest.Size(2000)
	for range rounds {
		tok := must(t, randomSpec(r))
		n := twinOf(tok)
		compare(t, tok, &n)
		for range 12 {
			before := n.clone()
			after, what, got, want := step(r, tok, &n)
			check.Require(t, got, want, "%s", what)
			compare(t, after, &n)
			compare(t, tok, &before) // the receiver did not change
			tok = after
		}
		again := must(t, tok.Spec())
		if !again.Equal(tok) || !tok.Equal(again) {
			t.Fatalf("New(tok.Spec()) is not equal to the token %+v", tok.Spec())
		}
	}
}
