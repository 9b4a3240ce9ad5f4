package lsa

import (
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Account is one account of this computer.
type Account struct {
	Name     string  `json:"name"`
	RID      uint32  `json:"rid"`
	UID      *uint32 `json:"uid,omitempty"` // of the host's user that this account is
	FullName string  `json:"fullName,omitempty"`
	Disabled bool    `json:"disabled,omitempty"`
	Hash     string  `json:"hash,omitempty"` // argon2id; "" for no password: then no password is right
}

// Group is one local group.
type Group struct {
	Name    string    `json:"name"`
	SID     sid.SID   `json:"sid"`
	GID     *uint32   `json:"gid,omitempty"` // of the host's group that this group is
	Members []sid.SID `json:"members,omitempty"`
}

// Grant has the privileges and logon rights of a SID.
type Grant struct {
	Privileges winnt.PrivilegeSet
	Rights     logon.Rights
}

// state is everything the store knows: immutable once published.
type state struct {
	machine  sid.SID
	next     uint32 // the RID of the next account or group
	accounts map[uint32]Account
	groups   map[sid.SID]Group
	grants   map[sid.SID]Grant
	maps     []IDMap
	policy   string // the audit policy, as package audit writes it

	// What follows from the rest.
	names    map[string]sid.SID // by upper-case name
	uids     map[uint32]uint32  // uid to RID
	gids     map[uint32]sid.SID
	memberOf map[sid.SID][]sid.SID
}

// clone returns a copy that may be changed; index completes it.
func (s *state) clone() *state {
	c := *s
	c.accounts, c.groups, c.grants = maps.Clone(s.accounts), maps.Clone(s.groups), maps.Clone(s.grants)
	return &c
}

// index computes what follows from the rest.
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

// account returns the account of a SID.
func (s *state) account(id sid.SID) (Account, bool) {
	if id.Prefix() != s.machine {
		return Account{}, false
	}
	a, ok := s.accounts[id.RID()]
	return a, ok
}

// expand returns the SIDs and every group that they are in, each once, whatever
// the groups contain. L-20
func (s *state) expand(ids []sid.SID) []sid.SID {
	seen := make(map[sid.SID]bool, len(ids))
	out := make([]sid.SID, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id], out = true, append(out, id)
		}
	}
	for i := 0; i < len(out); i++ {
		for _, g := range s.memberOf[out[i]] {
			// A group that was reached is not walked again, so a cycle ends. L-20
			if !seen[g] {
				seen[g], out = true, append(out, g)
			}
		}
	}
	return out
}

// beyond returns the groups that SIDs are in and that are not among them, each once. It takes no
// memory for the SIDs, of which there may be a thousand, unless there is such a group.
func (s *state) beyond(ids []sid.SID) (out []sid.SID) {
	seen := map[sid.SID]bool{}
	walk := func(from []sid.SID) {
		for _, id := range from {
			for _, g := range s.memberOf[id] {
				// A group that was reached is not walked again, so a cycle ends. L-20
				if !seen[g] {
					seen[g], out = true, append(out, g)
				}
			}
		}
	}
	walk(ids)
	for i := 0; i < len(out); i++ {
		walk(out[i : i+1])
	}
	if len(out) == 0 {
		return nil
	}
	for _, id := range ids {
		delete(seen, id)
	}
	return slices.DeleteFunc(out, func(g sid.SID) bool { return !seen[g] })
}
