package audit

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// condition reports whether a conditional audit entry records: its condition
// is true or, since what cannot be told is better recorded, unknown. Data that
// is no condition is left to the request's callback and unknown without one; a
// malformed condition is unknown (U-12).
func (w *saclWalk) condition(list *sd.ACL, e *sd.Entry) bool {
	if w.request.Options.ClaimsDisabled {
		return false
	}
	x := list.Extra(e.Aux)
	switch {
	case x == nil:
		return true // U-12
	case x.Condition != nil:
		return x.Condition.Eval((*conditionEnv)(w)) != claims.False // U-12
	case x.Opaque && w.request.Options.Callback != nil:
		return w.request.Options.Callback(list.At(int(e.Index)), w.token) != claims.False // U-12
	}
	return true // U-12
}

// conditionEnv shows a condition the token and the object by the rules for
// audit entries: deny-only groups are members.
type conditionEnv saclWalk

// Attribute finds an attribute of the token or the object.
func (w *conditionEnv) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	switch scope {
	case claims.Local:
		return w.token.LocalAttributes().Lookup(name)
	case claims.User:
		return w.token.UserClaims().Lookup(name)
	case claims.Device:
		return w.token.DeviceClaims().Lookup(name)
	case claims.Resource:
		return w.resource(name)
	}
	return claims.Attribute{}, false
}

// resource finds an attribute of the object in its SACL; the global SACL has
// none.
func (w *conditionEnv) resource(name string) (claims.Attribute, bool) {
	entries := w.object.Entries()
	for i := range entries {
		e := &entries[i]
		if e.Kind != sd.SystemResourceAttribute || e.Flags&sd.InheritOnly != 0 {
			continue
		}
		if x := w.object.Extra(e.Aux); x != nil && x.Attribute != nil && claims.EqualName(x.Attribute.Name, name) {
			return *x.Attribute, true
		}
	}
	return claims.Attribute{}, false
}

// Member is the deny predicate: enabled and deny-only groups.
func (w *conditionEnv) Member(s sid.SID, device bool) bool {
	s = (*saclWalk)(w).resolve(s)
	if device {
		return w.token.DeviceDenyBits().Has(w.token.DeviceSet().Find(s.Hash(), s))
	}
	return w.token.Member(s, true)
}

// HasDevice reports whether the token has device groups.
func (w *conditionEnv) HasDevice() bool { return w.token.DeviceSet().Len() > 0 }
