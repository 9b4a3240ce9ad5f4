package access

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// condition decides whether a callback ACE applies, and returns matched or the cause why not. The request's callback
// decides data that is not a condition.
//   - allow ACE: applies if its condition is TRUE
//   - deny ACE: applies unless its condition is FALSE
//   - option ClaimsDisabled: does not apply
func (q *query) condition(entry *sd.Entry, kind effect) cause {
	// Callback entries are switched off: they neither allow nor deny.
	if q.r.Options.ClaimsDisabled {
		return claimsDisabled
	}
	truth, opaque := claims.Unknown, false // malformed
	if x := q.dacl.acl.Extra(entry.Aux); x != nil {
		switch {
		case x.Condition != nil:
			truth = q.evaluate(x.Condition, kind, q.pass)
		case x.Opaque && q.r.Options.Callback != nil:
			// The resource manager's callback decides data that is not a condition
			//
			truth, opaque = q.r.Options.Callback(q.dacl.acl.At(int(entry.Index)), q.who.token), true
		case x.Opaque:
			// Without a callback such data is Unknown.
			opaque = true
		}
	}
	if truth == claims.True || kind == deny && truth == claims.Unknown {
		return matched
	}
	switch {
	case opaque:
		return opaqueCondition
	case truth == claims.False:
		return conditionFalse
	}
	return conditionUnknown
}

// evaluate returns the truth of a condition for an ACE that allows or denies (kind) in one pass. Both determine which
// groups and claims the condition can see.
func (q *query) evaluate(expr *claims.Expr, kind effect, inPass pass) claims.Truth {
	return expr.Eval(q.environment(kind, inPass))
}

// environment returns the token and object data that a condition of an ACE sees. kind says whether the ACE allows or
// denies.
func (q *query) environment(kind effect, inPass pass) *environment {
	// The owner and PRINCIPAL_SELF are passed on because Member_of may name S-1-3-4 or S-1-5-10, which refer to them
	//
	return &environment{
		token: q.who.token, self: q.r.Self, owner: q.who.owner, resource: q.who.resource,
		deny: kind == deny, restricted: inPass == restrictedPass,
	}
}

// environment is the data that a conditional expression is evaluated against: the token's groups and claims, the
// object's owner and resource attributes. It copies the fields, so that the check itself can live on the stack.
type environment struct {
	token       *token.Token
	self, owner sid.SID
	resource    *sd.ACL
	deny        bool // the entry denies: deny-only groups count
	restricted  bool // restricting SIDs only
}

// Attribute returns the value of a claim or resource attribute that a condition names, and whether there is one
// . In an allow ACE it does not find a claim that is for deny ACEs only. Of two resource attributes
// with the same name it returns the first that can be parsed. The caller needs no right to read resource attributes,
// because the monitor itself reads the SACL.
func (v *environment) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	a, found := v.attribute(scope, name)
	if found && a.Flags&claims.FlagUseForDenyOnly != 0 && !v.deny {
		// A deny-only claim is used only in deny entries.
		return claims.Attribute{}, false
	}
	return a, found
}

// attribute finds what [environment.Attribute] finds, and also claims that are for deny ACEs only.
func (v *environment) attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	switch {
	case v.restricted && scope == claims.User:
		// The restricted pass sees the claims that the restriction left (T-67).
		return v.token.RestrictedUserClaims().Lookup(name)
	case v.restricted && scope == claims.Device:
		// The same for the claims of the device (T-67).
		return v.token.RestrictedDeviceClaims().Lookup(name)
	}
	switch scope {
	case claims.User:
		return v.token.UserClaims().Lookup(name)
	case claims.Device:
		return v.token.DeviceClaims().Lookup(name)
	case claims.Local:
		return v.token.LocalAttributes().Lookup(name)
	case claims.Resource:
		return resourceAttribute(v.resource, name)
	}
	return claims.Attribute{}, false
}

// resourceAttribute returns the first resource attribute of a SACL with this name, ignoring case. It returns false if
// the SACL has no such attribute.
func resourceAttribute(sacl *sd.ACL, name string) (claims.Attribute, bool) {
	if sacl.Facts()&sd.HasResourceAttribute == 0 {
		return claims.Attribute{}, false
	}
	for at := nextSACLEntry(sacl.Entries(), sd.SystemResourceAttribute, 0); at >= 0; at = nextSACLEntry(sacl.Entries(),
		sd.SystemResourceAttribute, at+1) {
		x := sacl.Extra(sacl.Entries()[at].Aux)
		if x != nil && x.Attribute != nil && claims.EqualName(x.Attribute.Name, name) {
			return *x.Attribute, true
		}
	}
	return claims.Attribute{}, false
}

// Member reports whether the token has a SID, for the operators Member_of and Device_Member_of.
//   - With device it looks at the device's groups instead of the token's.
//   - In an allow ACE only enabled groups match. In a deny ACE deny-only groups match too.
//   - In the restricted pass only the restricting SIDs match.
func (v *environment) Member(member sid.SID, device bool) bool {
	member = Substitute(member, v.self, v.owner)
	t, hash := v.token, member.Hash()
	switch {
	// The order matters: the restricted pass replaces the groups of the device
	// as it does the user's, whatever the entry does.
	case device && v.restricted:
		return t.RestrictedDeviceSet().Find(hash, member) >= 0
	case device && v.deny:
		return t.DeviceDenyBits().Has(t.DeviceSet().Find(hash, member))
	case device:
		return t.DeviceBits().Has(t.DeviceSet().Find(hash, member))
	case v.restricted:
		return t.RestrictedSet().Find(hash, member) >= 0
	}
	return t.Member(member, v.deny)
}

// HasDevice reports whether the token has device groups, in the restricted pass restricting device groups. Without
// them every device operator is false.
func (v *environment) HasDevice() bool {
	if v.restricted {
		return v.token.RestrictedDeviceSet().Len() > 0
	}
	return v.token.DeviceSet().Len() > 0
}
