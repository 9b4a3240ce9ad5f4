package oracle

import (
	"slices"
	"strings"
)

// conditions evaluates the conditions of ACL entries in one check. It has what a condition may read: a token, the
// side whose SIDs count, and the object's attributes.
type conditions struct {
	check *AccessCheck
	side  side
	allow bool // of an allow entry
}

// eval evaluates a condition. False decides && and true decides || even if the other side is unknown. Not_
// operators and != negate, and unknown stays unknown. A sole attribute and Exists test the attribute itself.
func (e *conditions) eval(c *Cond) truth {
	switch {
	case c.Op == "!":
		return e.eval(c.Kids[0]).not()
	case c.Op == "&&" || c.Op == "||":
		a, b := e.eval(c.Kids[0]), e.eval(c.Kids[1])
		stop, other := no, yes
		if c.Op == "||" {
			stop, other = yes, no
		}
		switch {
		case a == stop || b == stop:
			return stop
		case a == other && b == other:
			return other
		}
		return unknown
	case strings.HasSuffix(c.Op, "Member_of") || strings.HasSuffix(c.Op, "Member_of_Any"):
		return e.membership(c)
	case c.Op == "":
		return e.bare(c.Left)
	}
	if op, negative := strings.CutPrefix(c.Op, "Not_"); negative {
		return e.eval(&Cond{Op: op, Left: c.Left, Right: c.Right}).not()
	}
	if c.Op == "!=" {
		return e.eval(&Cond{Op: "==", Left: c.Left, Right: c.Right}).not()
	}
	left := e.values(c.Left)
	if c.Op == "Exists" {
		return truthOf(left != nil)
	}
	return e.relation(c, left)
}

// attribute returns the attribute that r names: the token's last claim or the object's first resource attribute.
// Names match in any case. The result is nil, which stands for NULL, if the attribute is absent, disabled, empty, or
// deny-only in an allow entry.
func (e *conditions) attribute(r *Ref) *Claim {
	var list []Claim
	switch r.Scope {
	case "User":
		list = e.check.Token.UserClaims
	case "Device":
		list = e.check.Token.DeviceClaims
	case "Resource":
		if e.check.SD.SACL != nil {
			for _, a := range e.check.SD.SACL.Entries {
				if a.Claim != nil && a.Flags&InheritOnly == 0 {
					list = append(list, *a.Claim)
				}
			}
		}
	}
	var found *Claim
	for i := range list {
		if strings.EqualFold(list[i].Name, r.Name) {
			if found = &list[i]; r.Scope == "Resource" {
				break
			}
		}
	}
	if found == nil || found.Flags&0x10 != 0 || found.Flags&4 != 0 && e.allow || len(found.Values) == 0 {
		return nil
	}
	return found
}

// values returns the values of the attribute that r names; nil if attribute finds none.
func (e *conditions) values(r *Ref) (out []Literal) {
	if a := e.attribute(r); a != nil {
		for _, v := range a.Values {
			out = append(out, Literal{a.Type, v})
		}
	}
	return out
}

// bare evaluates an attribute that is a whole condition by itself: yes if a value is neither empty nor 0, and
// unknown for NULL, SIDs and octets.
func (e *conditions) bare(r *Ref) truth {
	a := e.attribute(r)
	if a == nil || a.Type == "sid" || a.Type == "octets" {
		return unknown
	}
	return truthOf(slices.ContainsFunc(a.Values, func(v string) bool { return v != "" && v != "0" }))
}

// relation evaluates a relation of c.Left, whose values are left, and c.Right. The comparison is exact if one of the
// attributes is case-sensitive. Only single values can be less or greater, but neither SIDs on the left nor booleans.
// Everything else is unknown.
func (e *conditions) relation(c *Cond, left []Literal) truth {
	a := e.attribute(c.Left)
	exact := a != nil && a.Flags&2 != 0
	right := c.Right.Values
	if c.Right.Ref != nil {
		right = e.values(c.Right.Ref)
		if b := e.attribute(c.Right.Ref); b != nil {
			exact = exact || b.Flags&2 != 0
		}
	}
	switch c.Op {
	case "Contains", "Any_of":
		return contains(c, left, right, exact)
	case "==":
		return equal(left, right, exact, e.check.Reversed == "A-155")
	}
	if len(left) != 1 || len(right) != 1 { // sets are compared for equality only
		return unknown
	}
	n, ok := order(left[0], right[0], exact)
	if !ok || left[0].Type == "sid" || left[0].Type == "boolean" || right[0].Type == "boolean" {
		return unknown
	}
	return truthOf(map[string]bool{"<": n < 0, "<=": n <= 0, ">": n > 0, ">=": n >= 0}[c.Op])
}

// contains evaluates Contains and Any_of. The first case that applies decides:
//   - right is an empty literal: no, for Any_of only if left is not nil
//   - left or right is empty: unknown
//   - Any_of with a literal that is not a list: unknown
//   - a value of right that is reached has another type than left[0]: unknown
func contains(c *Cond, left, right []Literal, exact bool) truth {
	if len(right) == 0 && c.Right.Ref == nil && (c.Op == "Contains" || left != nil) {
		return no
	}
	if len(left) == 0 || len(right) == 0 || c.Op == "Any_of" && c.Right.Ref == nil && !c.Right.List {
		return unknown
	}
	for _, v := range right {
		if _, ok := order(left[0], v, exact); !ok {
			return unknown
		}
		in := member(left, v, exact)
		if c.Op == "Contains" && !in {
			return no
		}
		if c.Op == "Any_of" && in {
			return yes
		}
	}
	return truthOf(c.Op == "Contains")
}

// equal compares left and right as sets of equal length. An empty side and types that do not match are
// unknown. A boolean compares only with 0 and 1. Another number is unknown, or no if reversed is true.
func equal(left, right []Literal, exact, reversed bool) truth {
	if len(left) == 0 || len(right) == 0 {
		return unknown
	}
	for _, v := range right {
		if _, ok := order(left[0], v, exact); !ok {
			return unknown
		}
		if left[0].Type == "boolean" && v.Type != "boolean" && v.Text != "0" && v.Text != "1" {
			if reversed {
				return no
			}
			return unknown
		}
	}
	if len(left) != len(right) {
		return no
	}
	for _, v := range left {
		if !member(right, v, exact) {
			return no
		}
	}
	return yes
}

// membership evaluates the Member_of operators, for all or any of the SIDs. A list that is empty or has another
// value than a SID is unknown. Device operators are no without device groups, and for the restricting SIDs. Not_
// negates the result.
func (e *conditions) membership(c *Cond) truth {
	op, negative := strings.CutPrefix(c.Op, "Not_")
	op, device := strings.CutPrefix(op, "Device_")
	t, values := e.check.Token, c.Right.Values
	if len(values) == 0 || slices.ContainsFunc(values, func(l Literal) bool { return l.Type != "sid" }) {
		return unknown
	}
	in := func(s string) bool {
		s = e.check.substitute(s)
		switch {
		case device && e.side == restrictedSide:
			return false
		case device:
			return matchGroups(t.DeviceGroups, s, e.allow)
		case e.side == restrictedSide:
			return slices.Contains(t.Restricting, s)
		}
		return t.matches(s, e.allow)
	}
	result := op == "Member_of"
	for _, v := range values {
		if op == "Member_of" {
			result = result && in(v.Text)
		} else {
			result = result || in(v.Text)
		}
	}
	if negative {
		return truthOf(!result)
	}
	return truthOf(result)
}
