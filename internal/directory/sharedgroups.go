package directory

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// The sets of groups of all users, each counted once, have at most groupSetsBase SIDs, and groupSetsPerUser more for
// each user (D-41).
const (
	groupSetsBase    = 8 << 20
	groupSetsPerUser = 256
)

// groupClass is the users with the same groups. Their tokens share the memory of token. It is immutable.
type groupClass struct {
	token *token.Token
	alias int      // index of the SID of the uid in token; 0: none
	sum   [32]byte // of the token without what is the user's own
	admin bool     // the default DACL is that of an administrator
	err   error    // the users have no tokens
}

// sharing finds the classes of users while tokens are built. It is safe for concurrent use.
type sharing struct {
	most int // SIDs in all sets

	mu sync.Mutex
	// +checklocks:mu
	direct map[string]*groupClass // by the direct memberships
	// +checklocks:mu
	classes map[[32]byte]*groupClass // by sum
	// +checklocks:mu
	sids int // in all sets
}

// newSharing returns a sharing for a directory of so many users.
func newSharing(users int) *sharing {
	return &sharing{most: groupSetsBase + groupSetsPerUser*users, direct: map[string]*groupClass{},
		classes: map[[32]byte]*groupClass{}}
}

// key returns a text that two users of a directory share only if their tokens have the same groups, apart from the SIDs
// of the users and their uids.
func (m *membership) key() string {
	flags := byte(m.proof) << 2
	if m.local {
		flags |= 1
	}
	if !m.standard.PrimaryGroup.IsZero() { // the user itself
		flags |= 2
	}
	b := m.primary.AppendBinary([]byte{flags, byte(len(m.usual)), byte(m.primary.Len())})
	parents := slices.Clone(m.parents)
	slices.Sort(parents)
	for _, g := range slices.Compact(parents) {
		b = binary.AppendUvarint(b, uint64(g)+1)
	}
	b = append(b, 0)
	for _, s := range m.unlisted {
		if s == m.alias {
			s = sid.SID{}
		}
		b = s.AppendBinary(append(b, byte(s.Len())))
	}
	return string(b)
}

// sumOf returns a hash of all that two specs of users of one class have in common.
func sumOf(s *token.Spec, alias sid.SID) (sum [32]byte) {
	h := sha256.New()
	var b []byte
	put := func(x sid.SID, attributes uint32) {
		if x == s.User.SID || x == alias {
			x = sid.SID{}
		}
		b = binary.AppendUvarint(x.AppendBinary(append(b[:0], byte(x.Len()))), uint64(attributes))
		h.Write(b)
	}
	for _, g := range s.Groups {
		put(g.SID, g.Attributes)
	}
	put(s.PrimaryGroup, s.Flags)
	put(s.Integrity, s.ElevationType)
	own := byte(0)
	if s.PrimaryGroup == s.User.SID {
		own = 1
	}
	h.Write(binary.AppendUvarint([]byte{own}, uint64(s.Privileges)))
	h.Sum(sum[:0])
	return sum
}

// tokenOf returns the token of another user of the class. It returns nil if it cannot share the class's memory.
func (c *groupClass) tokenOf(u *User, m *membership) *token.Token {
	spec := m.standard
	if c.admin {
		spec = newAdministrator(u.SID)
	}
	return c.token.ForUser(token.Personal{User: u.SID, Alias: m.alias, UserClaims: u.Claims,
		DefaultDACL: spec.DefaultDACL}, c.alias)
}

// find returns the class of users with a key, if there is one.
func (s *sharing) find(key string) (*groupClass, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.direct[key]
	return c, ok
}

// remember sets the class of the users with a key.
func (s *sharing) remember(key string, c *groupClass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.direct[key] = c
}

// keep adds the class of a token that an earlier directory has. A nil class is of a token that shares nothing.
func (s *sharing) keep(c *groupClass, t *token.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c == nil {
		s.sids += t.SIDs().Len()
	} else if s.classes[c.sum] == nil {
		s.classes[c.sum] = c
		s.sids += t.SIDs().Len()
	}
}

// add returns the token of a spec, and its class, which it makes unless it exists. An empty key remembers no class. The
// class is nil if the token shares nothing. The error names the limit of the group sets, if that is reached.
func (s *sharing) add(key string, u *User, m *membership, spec token.Spec) (*token.Token, *groupClass, error) {
	sum := sumOf(&spec, m.alias)
	s.mu.Lock()
	class := s.classes[sum]
	s.mu.Unlock()
	var t *token.Token
	if class != nil {
		t = class.tokenOf(u, m)
	}
	if t == nil {
		var err error
		if t, err = token.New(spec); err != nil {
			return nil, nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		// Nested groups can give each of many users another large set, far beyond the size of the directory (D-41).
		if s.sids += t.SIDs().Len(); s.sids > s.most {
			return nil, nil, fmt.Errorf("the different sets of groups that users are in, nested groups included, have "+
				"more than %d SIDs in all, the limit for this number of users: nest fewer groups in each other, or split "+
				"the directory", s.most)
		}
		if class != nil || s.classes[sum] != nil {
			return t, nil, nil
		}
		class = &groupClass{token: t, sum: sum, alias: max(0, t.SIDs().Find(m.alias.Hash(), m.alias)),
			admin: slices.ContainsFunc(spec.Groups, func(g token.Group) bool { return g.SID == sid.Administrators })}
		s.classes[sum] = class
		if key != "" {
			s.direct[key] = class
		}
		return t, class, nil
	}
	if key != "" {
		s.remember(key, class)
	}
	return t, class, nil
}
