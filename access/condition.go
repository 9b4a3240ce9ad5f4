package access

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// condition decides whether a callback ACE, which usually has a conditional expression, applies. An allow ACE applies
// if its condition is TRUE, a deny ACE unless it is FALSE. With the option ClaimsDisabled neither applies. The
// result is matched, or the cause why the ACE does not apply.
func (q *query) condition(e *sd.Entry, f effect) cause {
	// Callback entries are switched off: they neither allow nor deny.
	if q.r.Options.ClaimsDisabled {
		return claimsDisabled
	}
	truth, opaque := claims.Unknown, false // malformed
	if x := q.dacl.acl.Extra(e.Aux); x != nil {
		switch {
		case x.Condition != nil:
			truth = q.evaluate(x.Condition, f, q.pass)
		case x.Opaque && q.r.Options.Callback != nil:
			// The resource manager's callback decides data that is not a condition
			//
			truth, opaque = q.r.Options.Callback(q.dacl.acl.At(int(e.Index)), q.who.token), true
		case x.Opaque:
			// Without a callback such data is Unknown.
			opaque = true
		}
	}
	if truth == claims.True || f == deny && truth == claims.Unknown {
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

// evaluate returns the truth of a condition for an allow or deny entry (f) in pass p. The effect and the pass
// determine which groups and claims the condition can see.
func (q *query) evaluate(x *claims.Expr, f effect, p pass) claims.Truth {
	return x.Eval(q.environment(f, p))
}

// environment returns the token and object data that a condition sees, for an ACE of effect f in pass p.
func (q *query) environment(f effect, p pass) *environment {
	// The owner and PRINCIPAL_SELF are passed on because Member_of may name S-1-3-4 or S-1-5-10, which refer to them
	//
	return &environment{
		token: q.who.token, self: q.r.Self, owner: q.who.owner, resource: q.who.resource,
		deny: f == deny, restricted: p == restrictedPass,
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
// . In an allow ACE it does not find a claim that counts only in deny ACEs. If two resource attributes
// have the name, it returns the first that can be parsed. Resource attributes need no right of the caller: the
// monitor itself reads the SACL.
func (v *environment) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	a, found := v.attribute(scope, name)
	if found && a.Flags&claims.FlagUseForDenyOnly != 0 && !v.deny {
		// A claim for deny only counts where the entry denies.
		return claims.Attribute{}, false
	}
	return a, found
}

// attribute finds what [environment.Attribute] finds, and also claims that count only in deny ACEs.
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
func resourceAttribute(l *sd.ACL, name string) (claims.Attribute, bool) {
	if l.Facts()&sd.HasResourceAttribute == 0 {
		return claims.Attribute{}, false
	}
	for at := nextSystem(l.Entries(), sd.SystemResourceAttribute, 0); at >= 0; at = nextSystem(l.Entries(),
		sd.SystemResourceAttribute, at+1) {
		x := l.Extra(l.Entries()[at].Aux)
		if x != nil && x.Attribute != nil && claims.EqualName(x.Attribute.Name, name) {
			return *x.Attribute, true
		}
	}
	return claims.Attribute{}, false
}

// Member reports whether the token has SID s, for the operators Member_of and Device_Member_of. With device
// it looks at the device's groups. An allow ACE counts enabled groups, a deny ACE also deny-only groups. The
// restricted pass counts the restricting SIDs instead, of the token or of the device.
func (v *environment) Member(s sid.SID, device bool) bool {
	s = Substitute(s, v.self, v.owner)
	t, hash := v.token, s.Hash()
	switch {
	// The order matters: the restricted pass replaces the groups of the device
	// as it does the user's, whatever the entry does.
	case device && v.restricted:
		return t.RestrictedDeviceSet().Find(hash, s) >= 0
	case device && v.deny:
		return t.DeviceDenyBits().Has(t.DeviceSet().Find(hash, s))
	case device:
		return t.DeviceBits().Has(t.DeviceSet().Find(hash, s))
	case v.restricted:
		return t.RestrictedSet().Find(hash, s) >= 0
	}
	return t.Member(s, v.deny)
}

// HasDevice reports whether the token has device groups, in the restricted pass restricting device groups. Without
// them every device operator is false.
func (v *environment) HasDevice() bool {
	if v.restricted {
		return v.token.RestrictedDeviceSet().Len() > 0
	}
	return v.token.DeviceSet().Len() > 0
}
