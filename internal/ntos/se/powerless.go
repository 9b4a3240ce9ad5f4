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
