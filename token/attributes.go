package token

import (
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

// ChangeAttributes applies operations to the token's own security attributes,
// either all of them or none. It keeps ModifiedId, which the caller can change.
//
// It fails with STATUS_INVALID_PARAMETER for an unknown operation, REPLACE_ALL
// together with others, an invalid attribute, or values of another type than
// the attribute has. It fails with STATUS_NOT_FOUND if the token does not have
// an attribute to delete.
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
	// A token without attributes has no set, as one that never had any.
	var set *claims.Set
	if len(now) > 0 {
		var err error
		if set, err = claims.NewSet(now); err != nil {
			return nil, ntstatus.InvalidParameter
		}
	}
	return t.withBody(t.modified, func(b *body) { b.local = set }), ntstatus.Success
}

// changeAttribute applies one operation to a token's security attributes and returns the new list. The caller must
// own now, because an added attribute may use its spare memory. If two attributes have the name, the operation
// changes the last of them. It fails with STATUS_NOT_FOUND if DELETE names no attribute, and with
// STATUS_INVALID_PARAMETER for an unknown operation or values that do not fit. On failure the list has no meaning.
func changeAttribute(now []claims.Attribute, c AttributeChange) ([]claims.Attribute, ntstatus.Status) {
	at := -1
	for i := range now {
		if claims.EqualName(now[i].Name, c.Attribute.Name) {
			at = i
		}
	}
	switch c.Operation {
	case AttributeNone:
		return now, ntstatus.Success
	// Without values REPLACE_ALL leaves the token without attributes.
	case AttributeReplaceAll:
		if c.Attribute.Len() == 0 {
			return nil, ntstatus.Success
		}
		return []claims.Attribute{c.Attribute}, ntstatus.Success
	case AttributeAdd:
		if at < 0 {
			return append(now, c.Attribute), ntstatus.Success
		}
		joined, ok := joinValues(now[at], c.Attribute)
		return replaced(now, at, joined), status(ok)
	// DELETE without values takes the attribute itself, and so does deleting the last
	// of its values: an attribute without values is not stored.
	case AttributeDelete:
		if at < 0 {
			return nil, ntstatus.NotFound
		}
		if c.Attribute.Len() == 0 {
			return removed(now, at), ntstatus.Success
		}
		left, ok := withoutValues(now[at], c.Attribute)
		if ok && left.Len() == 0 {
			return removed(now, at), ntstatus.Success
		}
		return replaced(now, at, left), status(ok)
	// REPLACE adds an attribute that the token does not have. Without values it deletes, and then, unlike DELETE, it
	// accepts a missing attribute.
	case AttributeReplace:
		switch {
		case at < 0 && c.Attribute.Len() == 0:
			return now, ntstatus.Success
		case at < 0:
			return append(now, c.Attribute), ntstatus.Success
		case c.Attribute.Len() == 0:
			return removed(now, at), ntstatus.Success
		}
		return replaced(now, at, c.Attribute), ntstatus.Success
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

// replaced returns a copy of the list now with attribute a at index at. now is shared with the old token and does not
// change.
func replaced(now []claims.Attribute, at int, a claims.Attribute) []claims.Attribute {
	out := append([]claims.Attribute(nil), now...)
	out[at] = a
	return out
}

// removed returns a copy of the list now without the attribute at index at.
func removed(now []claims.Attribute, at int) []claims.Attribute {
	return append(append([]claims.Attribute(nil), now[:at]...), now[at+1:]...)
}

// joinValues returns attribute a with the values of b that it does not have yet. The flags of a decide whether case
// matters. If the types differ, it returns a and false.
func joinValues(a, b claims.Attribute) (claims.Attribute, bool) {
	// The existing attribute determines whether values are case-sensitive.
	b.Flags = a.Flags
	fresh, ok := withoutValues(b, a)
	if !ok {
		return a, false
	}
	// The full slice expression makes append copy: the old values are shared with
	// the token that is being changed.
	a.Ints = append(a.Ints[:len(a.Ints):len(a.Ints)], fresh.Ints...)
	a.Uints = append(a.Uints[:len(a.Uints):len(a.Uints)], fresh.Uints...)
	a.Strings = append(a.Strings[:len(a.Strings):len(a.Strings)], fresh.Strings...)
	a.SIDs = append(a.SIDs[:len(a.SIDs):len(a.SIDs)], fresh.SIDs...)
	a.Octets = append(a.Octets[:len(a.Octets):len(a.Octets)], fresh.Octets...)
	return a, true
}

// withoutValues returns attribute a without the values that b has. The flags of a decide whether case matters. It
// returns a and false if the types differ.
func withoutValues(a, b claims.Attribute) (claims.Attribute, bool) {
	// Values of two types in one attribute would have no order and no comparison.
	if a.Type != b.Type {
		return a, false
	}
	// Strings differ by case only where the attribute says so
	// (CLAIM_SECURITY_ATTRIBUTE_VALUE_CASE_SENSITIVE).
	fold := a.Flags&claims.FlagCaseSensitive == 0
	a.Ints = without(a.Ints, b.Ints, func(x, y int64) bool { return x == y })
	a.Uints = without(a.Uints, b.Uints, func(x, y uint64) bool { return x == y })
	a.Strings = without(a.Strings, b.Strings, func(x, y string) bool { return x == y || fold && claims.EqualName(x, y) })
	a.SIDs = without(a.SIDs, b.SIDs, func(x, y sid.SID) bool { return x == y })
	a.Octets = without(a.Octets, b.Octets, func(x, y []byte) bool { return string(x) == string(y) })
	return a, true
}

// without returns values without those that equal a value of drop, in their order.
func without[T any](values, drop []T, same func(T, T) bool) []T {
	var out []T
next:
	for _, v := range values {
		for _, d := range drop {
			if same(v, d) {
				continue next
			}
		}
		out = append(out, v)
	}
	return out
}
