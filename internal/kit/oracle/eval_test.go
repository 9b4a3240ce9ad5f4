package oracle

import (
	"cmp"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestAttributeOfRepeatedName checks which of two attributes with one name a condition reads: the last claim of a
// token, and the first resource attribute of an object. An entry that only children inherit does not count.
func TestAttributeOfRepeatedName(t *testing.T) {
	one := Claim{Name: "x", Type: "int64", Values: []string{"1"}}
	two := Claim{Name: "X", Type: "int64", Values: []string{"2"}}
	entries := []ACE{{Type: ResourceAttribute, Flags: InheritOnly, Claim: &two},
		{Type: ResourceAttribute, Claim: &one}, {Type: ResourceAttribute, Claim: &two}}
	e := conditions{check: &AccessCheck{Token: &Token{UserClaims: []Claim{one, two}, DeviceClaims: []Claim{two, one}},
		SD: &Descriptor{SACL: &ACL{Entries: entries}}}}
	for scope, want := range map[string]string{"User": "2", "Device": "1", "Resource": "1"} {
		a := e.attribute(&Ref{Scope: scope, Name: "x"})
		check.That(t, a != nil && a.Values[0] == want,
			"A-110: attribute of %s = %+v, want the one with value %s", scope, a, want)
	}
}

// Strings are compared exactly if the attribute on either side is case-sensitive.
func TestEitherSideMakesComparisonExact(t *testing.T) {
	const sensitive = 2
	for flags, want := range map[[2]Word]truth{{0, 0}: yes, {sensitive, 0}: no, {0, sensitive}: no,
		{sensitive, sensitive}: no} {
		e := conditions{check: &AccessCheck{Token: &Token{
			UserClaims:   []Claim{{Name: "x", Type: "string", Flags: flags[0], Values: []string{"a"}}},
			DeviceClaims: []Claim{{Name: "x", Type: "string", Flags: flags[1], Values: []string{"A"}}}}}}
		for _, op := range []string{"==", "Contains", "Any_of"} {
			got := e.relation(&Cond{Op: op, Left: &Ref{"User", "x"}, Right: &Operand{Ref: &Ref{"Device", "x"}}},
				e.values(&Ref{"User", "x"}))
			check.Equal(t, got, want, "A-112: %s with the flags %v", op, flags)
		}
	}
}

// Numbers are compared as numbers of any size, not as texts.
func TestNumbersAreComparedByValue(t *testing.T) {
	ascending := []string{"-9223372036854775808", "-10", "-9", "-1", "0", "1", "9", "10", "95", "9223372036854775807",
		"18446744073709551615"}
	for i, a := range ascending {
		for j, b := range ascending {
			check.Equal(t, cmp.Compare(numeric(a, b), 0), cmp.Compare(i, j), "%s compared with %s", a, b)
		}
	}
}

// An attribute alone is a condition by its values, and unknown for SIDs, octets and no attribute.
func TestBareAttributeNeedsComparableValue(t *testing.T) {
	for _, c := range []struct {
		claim Claim
		want  truth
	}{
		{Claim{Name: "x", Type: "int64", Values: []string{"0", "7"}}, yes},
		{Claim{Name: "x", Type: "string", Values: []string{""}}, no}, {Claim{Name: "y"}, unknown},
		{Claim{Name: "x", Type: "octets", Values: []string{"01"}}, unknown},
		{Claim{Name: "x", Type: "sid", Values: []string{"S-1-1-0"}}, unknown},
	} {
		e := conditions{check: &AccessCheck{Token: &Token{UserClaims: []Claim{c.claim}}}}
		check.Equal(t, e.eval(&Cond{Left: &Ref{Scope: "User", Name: "x"}}), c.want, "A-111: %+v", c.claim)
	}
}

// A Member_of of an empty list, or of another value than a SID, is unknown, and so is its negation.
func TestMembershipNeedsSIDs(t *testing.T) {
	for _, values := range [][]Literal{nil, {{Type: "sid", Text: "S-1-1-0"}, {Type: "int64", Text: "3"}}} {
		for _, op := range []string{"Member_of", "Member_of_Any", "Not_Member_of", "Device_Member_of"} {
			e := conditions{check: &AccessCheck{Token: &Token{User: "S-1-1-0"}}, allow: true}
			got := e.eval(&Cond{Op: op, Right: &Operand{List: true, Values: values}})
			check.Equal(t, got, unknown, "A-116: %s of %v", op, values)
		}
	}
	for s, want := range map[side]truth{userSide: yes, restrictedSide: no} {
		e := conditions{&AccessCheck{Token: &Token{DeviceGroups: []Group{{SID: "S-1-1-0", Attributes: 7}}}}, s, true}
		got := e.eval(&Cond{Op: "Device_Member_of", Right: &Operand{List: true,
			Values: []Literal{{Type: "sid", Text: "S-1-1-0"}}}})
		check.Equal(t, got, want, "A-116: membership of the device, side %v", s)
	}
}
