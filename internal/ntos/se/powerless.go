package se

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Powerless is immutable: the token of S-1-0-0, which no entry should name, at level Anonymous.
var Powerless = func() *token.Token {
	v, err := token.New(token.Spec{
		User: token.Group{SID: sid.MustParse("S-1-0-0")}, Type: winnt.TokenImpersonation, Level: winnt.SecurityAnonymous,
		Integrity: sid.IntegrityLevel(winnt.SECURITY_MANDATORY_UNTRUSTED_RID),
	})
	if err != nil {
		panic("se: the token of S-1-0-0: " + err.Error())
	}
	return v
}()

// Revoke takes all rights from the token, and reports whether it had any. A token that was revoked before does not
// change.
func (t *TokenObject) Revoke() (changed bool) {
	t.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		n := revoked(old, modified)
		if changed = !n.Equal(old); !changed {
			return nil
		}
		return n
	})
	return changed
}

// revoked returns the token that replaces a revoked one. The user and the logon session stay. The token has no
// privilege, its SIDs count only for deny ACEs, and its restricting SID is in no descriptor (W-98). Only a
// descriptor without a DACL grants it access.
func revoked(t *token.Token, modified winnt.LUID) *token.Token {
	f := token.FilterSpec{Disable: []sid.SID{t.User().SID}, Delete: t.Present(),
		Restrict: []token.Group{{SID: sid.Nobody}}, RestrictUserClaims: []string{}, ModifiedID: modified}
	for _, g := range t.Groups() {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
			f.Disable = append(f.Disable, g.SID)
		}
	}
	n, _ := t.Filter(f) // only unknown flags or a bad restricting SID are errors
	return n
}
