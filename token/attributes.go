package token

import (
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// AttributeOperation is an operation on one of a token's security attributes
// (TOKEN_SECURITY_ATTRIBUTE_OPERATION; AUTHZ_SECURITY_ATTRIBUTE_OPERATION of
// the Authz documentation). The zero value does nothing.
type AttributeOperation uint32

// Operations on security attributes.
const (
	AttributeNone       AttributeOperation = iota
	AttributeReplaceAll                    // replaces all attributes by this one; must be the only operation
	AttributeAdd                           // adds the values, and creates the attribute if necessary
	AttributeDelete                        // removes the values; without values, removes the attribute
	AttributeReplace                       // replaces the attribute's values; without values, removes the attribute
)

// String returns the documented name without its prefix.
func (o AttributeOperation) String() string {
	names := [...]string{"NONE", "REPLACE_ALL", "ADD", "DELETE", "REPLACE"}
	if int(o) < len(names) {
		return names[o]
	}
	return "unknown operation"
}

// AttributeChange is one operation of class 39.
type AttributeChange struct {
	Attribute claims.Attribute
	Operation AttributeOperation
}

// ChangeAttributes applies operations to the token's own security attributes, either all of them or none. It keeps
// ModifiedId, which the caller can change. It fails with one of these statuses:
//   - STATUS_INVALID_PARAMETER for an unknown operation, REPLACE_ALL together with others, an invalid attribute, or
//     values of another type than the attribute has
//   - STATUS_NOT_FOUND if the token does not have an attribute to delete
func (t *Token) ChangeAttributes(changes []AttributeChange) (*Token, ntstatus.Status) {
	var now []claims.Attribute
	for _, a := range t.body.local.All() {
		now = append(now, a)
	}
	for _, c := range changes {
		var st ntstatus.Status
		// With REPLACE_ALL and another operation, the result would depend on the order of the list, which the
		// documents do not define: it is refused.
		if c.Operation == AttributeReplaceAll && len(changes) > 1 {
			return nil, ntstatus.InvalidParameter
		}
		if now, st = changeAttribute(now, c); st != ntstatus.Success {
			return nil, st
		}
	}
	// Without attributes the set is nil, so the token equals one that never had attributes.
	var set *claims.Set
	if len(now) > 0 {
		var err error
		if set, err = claims.NewSet(now); err != nil {
			return nil, ntstatus.InvalidParameter
		}
	}
	return t.withBody(t.modified, func(b *body) { b.local = set }), ntstatus.Success
}

// changeAttribute applies one operation to a token's security attributes and returns the new list. It changes
// current, so the caller must own that memory. Of two attributes with the name, the last is changed. After an error,
// do not use the list.
//   - STATUS_NOT_FOUND: DELETE names no attribute
//   - STATUS_INVALID_PARAMETER: the operation is unknown, or the types of the values differ
func changeAttribute(current []claims.Attribute, change AttributeChange) ([]claims.Attribute, ntstatus.Status) {
	at := -1
	for i := range current {
		if claims.EqualName(current[i].Name, change.Attribute.Name) {
			at = i
		}
	}
	switch change.Operation {
	case AttributeNone:
		return current, ntstatus.Success
	// Without values REPLACE_ALL leaves the token without attributes.
	case AttributeReplaceAll:
		if change.Attribute.Len() == 0 {
			return nil, ntstatus.Success
		}
		return []claims.Attribute{change.Attribute}, ntstatus.Success
	case AttributeAdd:
		if at < 0 {
			return append(current, change.Attribute), ntstatus.Success
		}
		var ok bool
		current[at], ok = joinValues(current[at], change.Attribute)
		return current, status(ok)
	// DELETE without values takes the attribute itself, and so does deleting the last
	// of its values: an attribute without values is not stored.
	case AttributeDelete:
		if at < 0 {
			return nil, ntstatus.NotFound
		}
		if change.Attribute.Len() == 0 {
			return slices.Delete(current, at, at+1), ntstatus.Success
		}
		left, ok := withoutValues(current[at], change.Attribute)
		if ok && left.Len() == 0 {
			return slices.Delete(current, at, at+1), ntstatus.Success
		}
		current[at] = left
		return current, status(ok)
	// REPLACE adds an attribute that the token does not have. Without values it deletes, and then, unlike DELETE, it
	// accepts a missing attribute.
	case AttributeReplace:
		switch {
		case at < 0 && change.Attribute.Len() == 0:
			return current, ntstatus.Success
		case at < 0:
			return append(current, change.Attribute), ntstatus.Success
		case change.Attribute.Len() == 0:
			return slices.Delete(current, at, at+1), ntstatus.Success
		}
		current[at] = change.Attribute
		return current, ntstatus.Success
	}
	return nil, ntstatus.InvalidParameter
}

// status converts ok to a status: STATUS_SUCCESS for true, STATUS_INVALID_PARAMETER for false, which means that two
// values have different types.
func status(ok bool) ntstatus.Status {
	if ok {
		return ntstatus.Success
	}
	return ntstatus.InvalidParameter
}

// joinValues returns an attribute with the values of another one that it does not have yet. The flags of attribute
// decide whether case matters. If the types differ, it returns attribute and false.
func joinValues(attribute, added claims.Attribute) (claims.Attribute, bool) {
	// The existing attribute determines whether values are case-sensitive.
	added.Flags = attribute.Flags
	fresh, ok := withoutValues(added, attribute)
	if !ok {
		return attribute, false
	}
	// The full slice expression makes append copy: the old values are shared with
	// the token that is being changed.
	attribute.Ints = append(attribute.Ints[:len(attribute.Ints):len(attribute.Ints)], fresh.Ints...)
	attribute.Uints = append(attribute.Uints[:len(attribute.Uints):len(attribute.Uints)], fresh.Uints...)
	attribute.Strings = append(attribute.Strings[:len(attribute.Strings):len(attribute.Strings)], fresh.Strings...)
	attribute.SIDs = append(attribute.SIDs[:len(attribute.SIDs):len(attribute.SIDs)], fresh.SIDs...)
	attribute.Octets = append(attribute.Octets[:len(attribute.Octets):len(attribute.Octets)], fresh.Octets...)
	return attribute, true
}

// withoutValues returns an attribute without the values that another one has. The flags of own decide whether case
// matters. If the types differ, it returns own and false.
func withoutValues(own, removed claims.Attribute) (claims.Attribute, bool) {
	// Values of two types in one attribute would have no order and no comparison.
	if own.Type != removed.Type {
		return own, false
	}
	// Strings differ by case only where the attribute says so
	// (CLAIM_SECURITY_ATTRIBUTE_VALUE_CASE_SENSITIVE).
	fold := own.Flags&claims.FlagCaseSensitive == 0
	own.Ints = without(own.Ints, removed.Ints, func(x, y int64) bool { return x == y })
	own.Uints = without(own.Uints, removed.Uints, func(x, y uint64) bool { return x == y })
	own.Strings = without(own.Strings, removed.Strings,
		func(x, y string) bool { return x == y || fold && claims.EqualName(x, y) })
	own.SIDs = without(own.SIDs, removed.SIDs, func(x, y sid.SID) bool { return x == y })
	own.Octets = without(own.Octets, removed.Octets, func(x, y []byte) bool { return string(x) == string(y) })
	return own, true
}

// without returns values without those that equal a removed value, in their order.
func without[T any](values, removed []T, equal func(T, T) bool) []T {
	var out []T
next:
	for _, v := range values {
		for _, d := range removed {
			if equal(v, d) {
				continue next
			}
		}
		out = append(out, v)
	}
	return out
}
