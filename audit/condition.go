package audit

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// condition reports whether a conditional audit ACE applies (U-12). The request's callback decides data that is not a
// condition.
//   - condition is TRUE, unknown or malformed: true
//   - data without a callback: true
//   - option ClaimsDisabled: false
func (w *saclWalk) condition(list *sd.ACL, entry *sd.Entry) bool {
	// An unknown condition applies, because recording too much is safer.
	if w.request.Options.ClaimsDisabled {
		return false
	}
	x := list.Extra(entry.Aux)
	switch {
	case x == nil:
		// An entry without the data of its condition records (U-12).
		return true
	case x.Condition != nil:
		// The entry records unless its condition is false (U-12).
		return x.Condition.Eval(w.env()) != claims.False
	case x.Opaque && w.request.Options.Callback != nil:
		// The callback decides about data that is no condition (U-12).
		return w.request.Options.Callback(list.At(int(entry.Index)), w.token) != claims.False
	}
	// A malformed condition, and data that no callback decides, are unknown and record (U-12).
	return true
}

// conditionEnv is the data that the condition of an audit ACE is evaluated against: the token's groups and claims,
// and the object's resource attributes. Deny-only groups are members. It copies the fields, so that the walk can live
// on the stack.
type conditionEnv struct {
	token       *token.Token
	self, owner sid.SID
	object      *sd.ACL // the object's SACL, which has its resource attributes
}

// env returns the token and object data that the conditions of audit ACEs see.
func (w *saclWalk) env() *conditionEnv {
	return &conditionEnv{w.token, w.request.Self, w.request.Descriptor.Owner(), w.object}
}

// Attribute returns the value of a claim or resource attribute that a condition names. The second result is false if
// the token or object does not have it.
func (v *conditionEnv) Attribute(scope claims.Scope, name string) (claims.Attribute, bool) {
	switch scope {
	case claims.Local:
		return v.token.LocalAttributes().Lookup(name)
	case claims.User:
		return v.token.UserClaims().Lookup(name)
	case claims.Device:
		return v.token.DeviceClaims().Lookup(name)
	case claims.Resource:
		return v.resource(name)
	}
	return claims.Attribute{}, false
}

// resource returns the first resource attribute with this name in the object's SACL, and whether there is one. The
// global SACL has no attributes.
func (v *conditionEnv) resource(name string) (claims.Attribute, bool) {
	entries := v.object.Entries()
	for i := range entries {
		e := &entries[i]
		if e.Kind != sd.SystemResourceAttribute || e.Flags&sd.InheritOnly != 0 {
			continue
		}
		if x := v.object.Extra(e.Aux); x != nil && x.Attribute != nil && claims.EqualName(x.Attribute.Name, name) {
			return *x.Attribute, true
		}
	}
	return claims.Attribute{}, false
}

// Member reports whether the token has a SID as an enabled or deny-only group. With device it looks at the device's
// groups instead.
func (v *conditionEnv) Member(member sid.SID, device bool) bool {
	member = access.Substitute(member, v.self, v.owner)
	if device {
		return v.token.DeviceDenyBits().Has(v.token.DeviceSet().Find(member.Hash(), member))
	}
	return v.token.Member(member, true)
}

// HasDevice reports whether the token has device groups.
func (v *conditionEnv) HasDevice() bool { return v.token.DeviceSet().Len() > 0 }
