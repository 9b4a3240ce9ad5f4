package access

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// condition decides whether a callback entry applies: one that allows if its
// condition is TRUE, one that denies unless it is FALSE (section 7).
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
			// The resource manager's callback decides data that is no condition
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

// evaluate runs a condition for entries of an effect in a pass.
func (q *query) evaluate(x *claims.Expr, f effect, p pass) claims.Truth {
	// The owner and PRINCIPAL_SELF are passed on because Member_of may name S-1-3-4 or S-1-5-10, which refer to them
	//
	return x.Eval(&environment{
		token: q.who.token, self: q.r.Self, owner: q.who.owner, resource: q.who.resource,
		deny: f == deny, restricted: p == restrictedPass,
	})
}

// environment holds the data that a condition can use. It copies it, so that the check itself can live on the stack.
type environment struct {
	token       *token.Token
	self, owner sid.SID
	resource    *sd.ACL
	deny        bool // the entry denies: deny-only groups count
	restricted  bool // restricting SIDs only
}

// Attribute finds an attribute. Of resource attributes the first that
// can be read wins; the object's SACL is read by the monitor, whatever the
// caller may do.
func (v *environment) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	a, found := v.attribute(scope, name)
	if found && a.Flags&claims.FlagUseForDenyOnly != 0 && !v.deny {
		// A claim for deny only counts where the entry denies.
		return claims.Attribute{}, false
	}
	return a, found
}

// attribute finds an attribute, whatever it may be used for.
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

// resourceAttribute finds an attribute among the SYSTEM_RESOURCE_ATTRIBUTE_ACEs
// of a SACL. Names are compared as claims compare them, without case.
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

// Member follows the entry: enabled groups for one that allows,
// deny-only ones too for one that denies, restricting SIDs in their pass.
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

// HasDevice reports device groups: without any, no device form is true
//
func (v *environment) HasDevice() bool {
	if v.restricted {
		return v.token.RestrictedDeviceSet().Len() > 0
	}
	return v.token.DeviceSet().Len() > 0
}
