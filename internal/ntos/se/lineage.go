package se

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// lineage is the list of tokens that a token object was filtered from, nearest first. It is immutable and may be
// shared by objects.
type lineage struct {
	id    winnt.LUID
	from  *lineage
	count int // tokens in the list
}

// heapSize returns the approximate bytes of the list, which every token that shares it is charged for: the one that
// it outlives may have paid for it.
func (l *lineage) heapSize() int {
	const element = 32
	if l == nil {
		return 0
	}
	return element * l.count
}

// NewCopy returns a new object for the same token as t: the copy for a child process or a job's process (T-113,
// I-90). It has the lineage of t.
func (s *State) NewCopy(t *TokenObject, value *token.Token, d *sd.Descriptor) *TokenObject {
	n := s.NewToken(value, d)
	n.identity, n.from = t.standsFor(), t.from
	return n
}

// NewFiltered returns the object of a token that was filtered from t, with one reference (TagCall).
func (s *State) NewFiltered(t *TokenObject, value *token.Token, d *sd.Descriptor) *TokenObject {
	n := s.NewToken(value, d)
	n.from = &lineage{id: t.standsFor(), from: t.from, count: 1}
	if t.from != nil {
		n.from.count += t.from.count
	}
	return n
}

// standsFor returns the TokenId by which DescendsFrom compares tokens: that of the token which this object copies, or
// its own if it is not a copy.
func (t *TokenObject) standsFor() winnt.LUID {
	if t.identity != 0 {
		return t.identity
	}
	return t.id
}

// DescendsFrom reports whether t is root, a copy of it, or was filtered from it in any number of steps (I-90). It
// also holds if the tokens between have ended.
func (t *TokenObject) DescendsFrom(root *TokenObject) bool {
	want := root.standsFor()
	if t.standsFor() == want {
		return true
	}
	for l := t.from; l != nil; l = l.from {
		if l.id == want {
			return true
		}
	}
	return false
}

// Unlabelled is the integrity of a program without a mandatory label, for
// [Primary]. It never lowers the token's integrity.
const Unlabelled = ^uint32(0)

// Primary returns the token of a child process whose parent has t (T-113). Only the TokenId changes and, with the
// policy NEW_PROCESS_MIN, the integrity, which becomes the lower of the token's and the program's label. It returns
// an error status if the token has no room for the new integrity entry. The process must not be created then.
func Primary(t *token.Token, image uint32) (*token.Token, ntstatus.Status) {
	v := t
	if t.Type() != winnt.TokenPrimary {
		v = t.WithTypeLevel(winnt.TokenPrimary, 0) // a primary token reports no level (T-54)
	}
	if image >= v.Integrity() || v.MandatoryPolicy()&winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN == 0 {
		return v, ntstatus.Success
	}
	// The child gets the program's integrity, which is the lower one (T-113).
	return v.WithIntegrity(v.ModifiedID(), IntegritySID(image))
}

// MayAssign reports whether the owner of the primary token own may give token t to a process without
// SeAssignPrimaryTokenPrivilege (T-111). It may if t was filtered from own. It also may if both have the same
// ParentTokenId, logon session and user; tokens that were never filtered all have the ParentTokenId 0.
func MayAssign(own, t *TokenObject) bool {
	o, v := own.Value(), t.Value()
	if v.ParentTokenID() == own.ID() {
		return true // a child of the caller's token (T-111)
	}
	return v.ParentTokenID() == o.ParentTokenID() && v.AuthenticationID() == o.AuthenticationID() &&
		v.User().SID == o.User().SID // a sibling of the caller's token (T-111)
}
