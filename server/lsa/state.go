package lsa

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Account is one account of this computer.
type Account struct {
	Name     string  `json:"name"`
	RID      uint32  `json:"rid"`
	UID      *uint32 `json:"uid,omitempty"` // uid of the host's user with this account; nil: none
	FullName string  `json:"fullName,omitempty"`
	Disabled bool    `json:"disabled,omitempty"`
	Hash     string  `json:"hash,omitempty"` // argon2id; "" means no password, and every password is wrong
}

// Group is one local group.
type Group struct {
	Name    string    `json:"name"`
	SID     sid.SID   `json:"sid"`
	GID     *uint32   `json:"gid,omitempty"` // gid of the host's group that is this group; nil: none
	Members []sid.SID `json:"members,omitempty"`
}

// Grant is the set of privileges and logon rights of a SID.
type Grant struct {
	Privileges winnt.PrivilegeSet
	Rights     logon.Rights
}

// state has the contents of the store except failed logons. It is immutable once published.
type state struct {
	machine  sid.SID
	next     uint32 // the RID of the next account or group
	accounts map[uint32]Account
	groups   map[sid.SID]Group
	grants   map[sid.SID]Grant
	maps     []IDMap
	policy   string // the audit policy, as package audit writes it

	// Indexes that index computes from the fields above.
	names    map[string]sid.SID // SIDs of accounts and groups by upper-case name
	uids     map[uint32]uint32  // uid to RID
	gids     map[uint32]sid.SID
	memberOf map[sid.SID][]sid.SID
}

// clone returns a copy whose accounts, groups and grants may be changed. Call index before it is
// published.
func (s *state) clone() *state {
	c := *s
	c.accounts, c.groups, c.grants = maps.Clone(s.accounts), maps.Clone(s.groups), maps.Clone(s.grants)
	return &c
}

// index prepares a state for lookups: it computes the indexes of names, uids, gids and memberships from the accounts
// and groups, in place of earlier ones.
func (s *state) index() {
	s.names, s.uids, s.gids = map[string]sid.SID{}, map[uint32]uint32{}, map[uint32]sid.SID{}
	s.memberOf = map[sid.SID][]sid.SID{}
	for rid, a := range s.accounts {
		s.names[strings.ToUpper(a.Name)] = s.machine.WithRID(rid)
		if a.UID != nil {
			s.uids[*a.UID] = rid
		}
	}
	for id, g := range s.groups {
		s.names[strings.ToUpper(g.Name)] = id
		if g.GID != nil {
			s.gids[*g.GID] = id
		}
		for _, m := range g.Members {
			s.memberOf[m] = append(s.memberOf[m], id)
		}
	}
}

// account returns the account of a SID; ok is false if the SID is not an account of this machine.
func (s *state) account(id sid.SID) (Account, bool) {
	if id.Prefix() != s.machine {
		return Account{}, false
	}
	a, ok := s.accounts[id.RID()]
	return a, ok
}

// expand resolves nested membership: it returns ids and all groups that contain them, directly or through groups, each
// once (L-20).
func (s *state) expand(ids []sid.SID) []sid.SID {
	n := directory.Nesting[sid.SID]{Most: math.MaxInt}
	for _, id := range ids {
		_ = n.Add(id) // cannot fail: Most has no limit
	}
	return s.addContaining(&n)
}

// addContaining completes a set of groups: it adds those that contain the groups of n, at any depth, and returns all
// groups of n. A cycle ends (L-20). The result begins with the groups of n.
func (s *state) addContaining(n *directory.Nesting[sid.SID]) []sid.SID {
	for level := n.Next(1); len(level) > 0; level = n.Next(1) {
		for _, g := range s.memberOf[level[0]] {
			// A group is visited once, so a cycle ends (L-20).
			_ = n.Add(g) // cannot fail: Most has no limit
		}
	}
	return n.Groups()
}

// containingGroups returns the groups that contain any of ids, directly or through groups, except those in
// ids; nil if none exist. It allocates for ids, of which there may be a thousand, only if such
// a group exists.
func (s *state) containingGroups(ids []sid.SID) (out []sid.SID) {
	n := directory.Nesting[sid.SID]{Most: math.MaxInt}
	for _, id := range ids {
		for _, g := range s.memberOf[id] {
			_ = n.Add(g) // cannot fail: Most has no limit
		}
	}
	if out = s.addContaining(&n); len(out) == 0 {
		return nil
	}
	own := make(map[sid.SID]bool, len(ids))
	for _, id := range ids {
		own[id] = true
	}
	return slices.DeleteFunc(out, func(g sid.SID) bool { return own[g] })
}
