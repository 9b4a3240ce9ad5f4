package se

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// systemSource is the TOKEN_SOURCE name of tokens that the system created itself.
const systemSource = "*SYSTEM*"

// CanImpersonate decides I-42: whether a thread of a process with primary token p may impersonate token t at this
// level. condition is the letter of the first condition that holds. It is a pure function of the values.
func CanImpersonate(p, t *token.Token, level winnt.SecurityImpersonationLevel, profile nt.Profile) (ok bool,
	condition string) {
	// The first condition that holds decides. d precedes c, because the privilege allows a case that is refused for an
	// anonymous logon.
	anonymous := t.AuthenticationID() == winnt.ANONYMOUS_LOGON_LUID
	switch {
	case level < winnt.SecurityImpersonation:
		return true, "a" // the server cannot act with it (I-42)
	case anonymous && t.Source().Name == systemSource:
		return true, "b" // gives nothing away (I-42)
	case p.Has(winnt.SeImpersonatePrivilege):
		return true, "d" // held and enabled (I-42)
	case anonymous:
		return false, "c" // no anonymous authentication id (I-42)
	case t.OriginatingLogon() != 0 && t.OriginatingLogon() == p.AuthenticationID() && t.Integrity() <= p.Integrity():
		return true, "e" // made by an explicit logon from p's own logon (I-42)
	case t.User().SID != p.User().SID:
		return false, "f" // another user (I-42)
	case restrictedDiffer(p, t, profile):
		return false, "g" // restricted (I-42)
	case t.Integrity() > p.Integrity():
		return false, "h" // would rise in integrity (I-42)
	case t.IsElevated() && !p.IsElevated():
		return false, "h2" // would rise in elevation (I-42)
	case !p.Package().IsZero() && t.Package() != p.Package():
		return false, "i" // would leave its AppContainer (I-42)
	}
	return true, "j" // the same identity (I-42)
}

// restrictedDiffer reports whether condition g of I-42 refuses an impersonation: in the
// profile Documented if either token is restricted, in Observed if their restricting SIDs differ. Two tokens without
// restricting SIDs never differ.
func restrictedDiffer(p, t *token.Token, profile nt.Profile) bool {
	// The documents speak of restricted tokens only; Windows was seen to let equal
	// restricting sets pass (docs/CAVEATS.md).
	if profile == nt.Documented {
		return p.IsRestricted() || t.IsRestricted()
	}
	if p.IsRestricted() != t.IsRestricted() {
		return true
	}
	return p.IsRestricted() && !sameSIDs(p.RestrictedSet(), t.RestrictedSet())
}

// sameSIDs reports whether two sets have the same members.
func sameSIDs(a, b *sidset.Set) bool { return within(a, b) && within(b, a) }

// within reports whether every member of a is also in b. The empty set is within each.
func within(a, b *sidset.Set) bool {
	for i := range a.Len() {
		if s := a.At(i); b.Find(s.Hash(), s) < 0 {
			return false
		}
	}
	return true
}

// ConditionText describes the condition of I-42 with this letter in words. An unknown letter gives the text of j.
func ConditionText(condition string) string {
	switch condition {
	case "a":
		return "the level is below SecurityImpersonation"
	case "b":
		return "the token is the system's own anonymous token"
	case "c":
		return "the token is of an anonymous logon"
	case "d":
		return "the server's process holds SeImpersonatePrivilege"
	case "e":
		return "the token was made by an explicit logon from the server's own session"
	case "f":
		return "the client is another user and the server's process lacks SeImpersonatePrivilege"
	case "g":
		return "one of the tokens is restricted and the server's process lacks SeImpersonatePrivilege"
	case "h":
		return "the client's integrity is above the server's"
	case "h2":
		return "the client's token is elevated and the server's is not"
	case "i":
		return "the server runs in an AppContainer the client is not in"
	}
	return "the tokens are of the same identity"
}
