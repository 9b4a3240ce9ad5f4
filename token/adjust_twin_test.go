package token_test

import (
	"math/rand/v2"
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// naive is a simple second implementation of Token. It has plain slices.
type naive struct {
	groups   []token.Group // entry 0 is the user
	present  winnt.PrivilegeSet
	enabled  winnt.PrivilegeSet
	owner    sid.SID
	primary  sid.SID
	modified winnt.LUID
}

// matches reports whether an entry with the SID matches an allow entry (A-1, T-3), or with deny a deny entry
//
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
