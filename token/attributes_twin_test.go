package token_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
)

// attributesAfter applies the operations in order, as the comments of the constants describe. It compares values as
// text. The flags of the existing attribute decide whether case matters.
func attributesAfter(list []claims.Attribute, changes []token.AttributeChange) ([]claims.Attribute, ntstatus.Status) {
	list = slices.Clone(list)
	for _, c := range changes {
		a := c.Attribute
		at := slices.IndexFunc(list, func(x claims.Attribute) bool { return strings.EqualFold(x.Name, a.Name) })
		differs := at >= 0 && list[at].Type != a.Type
		switch c.Operation {
		case token.AttributeNone:
		case token.AttributeReplaceAll:
			if len(changes) > 1 {
				return nil, ntstatus.InvalidParameter
			}
			if list = nil; a.Len() > 0 {
				list = []claims.Attribute{a}
			}
		case token.AttributeAdd:
			if at < 0 {
				list = append(list, a)
				continue
			}
			if differs {
				return nil, ntstatus.InvalidParameter
			}
			list[at].Ints = append(slices.Clone(list[at].Ints), lacking(a.Ints, list[at].Ints, false)...)
			list[at].Strings = append(slices.Clone(list[at].Strings), lacking(a.Strings, list[at].Strings,
				list[at].Flags&claims.FlagCaseSensitive == 0)...)
		case token.AttributeDelete:
			if at < 0 {
				return nil, ntstatus.NotFound
			}
			if a.Len() > 0 {
				if differs {
					return nil, ntstatus.InvalidParameter
				}
				list[at].Ints = lacking(list[at].Ints, a.Ints, false)
				list[at].Strings = lacking(list[at].Strings, a.Strings, list[at].Flags&claims.FlagCaseSensitive == 0)
			}
			if a.Len() == 0 || list[at].Len() == 0 {
				list = slices.Delete(slices.Clone(list), at, at+1)
			}
		case token.AttributeReplace:
			if at >= 0 {
				if list[at] = a; a.Len() == 0 {
					list = slices.Delete(slices.Clone(list), at, at+1)
				}
			} else if a.Len() > 0 {
				list = append(list, a)
			}
		default:
			return nil, ntstatus.InvalidParameter
		}
	}
	return list, ntstatus.Success
}

// lacking returns the values that are not in drop.
func lacking[T comparable](values, drop []T, fold bool) (out []T) {
	for _, v := range values {
		if !slices.ContainsFunc(drop, func(d T) bool {
			return v == d || fold && strings.EqualFold(fmt.Sprint(v), fmt.Sprint(d))
		}) {
			out = append(out, v)
		}
	}
	return out
}

// attributeChange returns a random change. An AttributeAdd has at least one value.
func (d draws) attributeChange() token.AttributeChange {
	c := token.AttributeChange{Operation: token.AttributeOperation(d.IntN(5))}
	if d.one(20) {
		c.Operation = 5 + token.AttributeOperation(d.IntN(2))
	}
	c.Attribute.Name = []string{"a", "A", "b", "c"}[d.IntN(4)]
	c.Attribute.Flags = []uint32{0, claims.FlagCaseSensitive, claims.FlagMandatory}[d.IntN(3)]
	n := d.IntN(4)
	if c.Operation == token.AttributeAdd {
		n++
	}
	if c.Attribute.Type = claims.Int64; d.one(2) {
		c.Attribute.Type = claims.String
		for _, at := range d.Perm(4)[:min(n, 4)] { // one of two that differ in case
			c.Attribute.Strings = append(c.Attribute.Strings, [][2]string{{"x", "X"}, {"y", "Y"}, {"z", "Z"},
				{"1", "1"}}[at][d.IntN(2)])
		}
		return c
	}
	for _, v := range d.Perm(4)[:min(n, 4)] {
		c.Attribute.Ints = append(c.Attribute.Ints, int64(v))
	}
	return c
}

// ChangeAttributes agrees with a simple model after each random operation, in all parts of the attributes. A rejected
// operation changes nothing, and no operation changes the original token.
func TestChangeAttributesMatchesModel(t *testing.T) {
	d := draws{newRand(t)}
	tell := func(list []claims.Attribute) string {
		var out []string
		for _, a := range list {
			out = append(out, fmt.Sprintf("%s %v %#x %v %q", a.Name, a.Type, a.Flags, a.Ints, a.Strings))
		}
		return strings.Join(out, "\n")
	}
	held := func(tok *token.Token) (list []claims.Attribute) {
		for _, a := range tok.LocalAttributes().All() {
			list = append(list, a)
		}
		return list
	}
	seen := map[ntstatus.Status]int{}
	for range 300 {
		tok := must(t, setup())
		for range 12 {
			var changes []token.AttributeChange
			for range 1 + d.IntN(3)*d.IntN(2) {
				changes = append(changes, d.attributeChange())
			}
			before := tell(held(tok))
			want, st := attributesAfter(held(tok), changes)
			n, got := tok.ChangeAttributes(changes)
			seen[st]++
			if got != st || (n == nil) != (st != ntstatus.Success) || tell(held(tok)) != before {
				t.Fatalf("ChangeAttributes(%+v) of\n%s\ngot %v, want %v; afterwards the receiver has\n%s", changes,
					before, got, st, tell(held(tok)))
			}
			if n == nil {
				continue
			}
			if tell(held(n)) != tell(want) || n.ModifiedID() != tok.ModifiedID() {
				t.Fatalf("ChangeAttributes(%+v) of\n%s\ngot\n%s\nwant\n%s", changes, before, tell(held(n)), tell(want))
			}
			tok = n
		}
	}
	check.That(t, len(seen) == 3, "statuses that occurred: %v, want 3 different ones", seen)
}
