package token

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Personal is what the tokens of two users in the same groups differ in.
type Personal struct {
	User       sid.SID
	Alias      sid.SID     // of the same user, among the groups; zero: none
	UserClaims *claims.Set // nil: none
	// DefaultDACL is the default DACL, nil for none.
	DefaultDACL *sd.ACL
}

// ForUser returns the token of another user in the same groups, and shares the memory of the groups with t. alias is
// the index of t's own alias in SIDs, and 0 without one. The result equals the token that New makes for the changed
// Spec without DynamicCharged. ForUser returns nil if the two cannot share, because t shares already, the user's
// attributes are not 0, or a SID of the user is among the groups too. Then call New.
func (t *Token) ForUser(p Personal, alias int) *Token {
	own := []sidset.Entry{{At: 0, SID: p.User.Clone()}}
	if alias != 0 {
		own = append(own, sidset.Entry{At: alias, SID: p.Alias.Clone()})
	}
	s := Spec{User: Group{SID: p.User}}
	if s.validate() != nil || p.Alias.IsZero() != (alias == 0) || t.User().Attributes != 0 {
		return nil
	}
	set := t.body.set.With(own...)
	if set == nil {
		return nil
	}
	n := t.withBody(t.modified, func(b *body) { b.set, b.userClaims = set, p.UserClaims })
	n.dacl = p.DefaultDACL
	n.charged = max(dynamicMinimum, n.dynamicNeed(n.PrimaryGroup(), n.dacl))
	return n
}
