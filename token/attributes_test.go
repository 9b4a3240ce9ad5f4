package token_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Values of each type can be added and deleted. A value that exists already is not repeated and keeps its position. A
// change of another type fails.
func TestChangeAttributesHandlesEveryType(t *testing.T) {
	two, three, four := sid.MustParse("S-1-1-2"), sid.MustParse("S-1-1-3"), sid.MustParse("S-1-1-4")
	of := func(a claims.Attribute) claims.Attribute { a.Name = "a"; return a }
	for _, c := range []struct {
		name                string
		now, change         claims.Attribute
		added, left, common string
	}{
		{"integers", of(claims.Attribute{Type: claims.Int64, Ints: []int64{1, 2, 3}}),
			of(claims.Attribute{Type: claims.Int64, Ints: []int64{2, 4}}), "[1 2 3 4]", "[1 3]", "[2]"},
		{"unsigned", of(claims.Attribute{Type: claims.Uint64, Uints: []uint64{1, 2, 3}}),
			of(claims.Attribute{Type: claims.Uint64, Uints: []uint64{2, 4}}), "[1 2 3 4]", "[1 3]", "[2]"},
		{"texts", of(claims.Attribute{Type: claims.String, Strings: []string{"1", "b", "3"}}),
			of(claims.Attribute{Type: claims.String, Strings: []string{"B", "4"}}), "[1 b 3 4]", "[1 3]", "[b]"},
		{"texts by case", of(claims.Attribute{Type: claims.String, Flags: claims.FlagCaseSensitive,
			Strings: []string{"1", "b", "3"}}), of(claims.Attribute{Type: claims.String, Flags: claims.FlagCaseSensitive,
			Strings: []string{"B", "b", "4"}}), "[1 b 3 B 4]", "[1 3]", "[b]"},
		{"SIDs", of(claims.Attribute{Type: claims.SID, SIDs: []sid.SID{sid.Everyone, two, three}}),
			of(claims.Attribute{Type: claims.SID, SIDs: []sid.SID{two, four}}),
			"[S-1-1-0 S-1-1-2 S-1-1-3 S-1-1-4]", "[S-1-1-0 S-1-1-3]", "[S-1-1-2]"},
		{"octets", of(claims.Attribute{Type: claims.Octets, Octets: [][]byte{{1}, {2}, {3}}}),
			of(claims.Attribute{Type: claims.Octets, Octets: [][]byte{{2}, {4}}}), "[[1] [2] [3] [4]]", "[[1] [3]]", "[[2]]"},
	} {
		s := setup()
		s.LocalAttributes = claimsOf(t, c.now)
		tok := must(t, s)
		was := values(tok)
		for op, want := range map[token.AttributeOperation]string{token.AttributeAdd: c.added,
			token.AttributeDelete: c.left} {
			n, st := tok.ChangeAttributes([]token.AttributeChange{{Attribute: c.change, Operation: op}})
			wantStatus(t, c.name, st, ntstatus.Success)
			check.Equal(t, values(n), want, "%s, %v: values", c.name, op)
			check.Require(t, values(tok), was, "%s: the receiver now has the values", c.name)
			check.Equal(t, n.ModifiedID(), tok.ModifiedID(), "%s, %v: ModifiedId", c.name, op)
		}
		none, _ := tok.ChangeAttributes([]token.AttributeChange{{Attribute: of(claims.Attribute{Type: c.now.Type}),
			Operation: token.AttributeDelete}})
		check.That(t, none.LocalAttributes() == nil, "%s: attributes after the only one was deleted: %v, want nil", c.name,
			none.LocalAttributes())
		other := c.change
		if other.Type = claims.Boolean; c.now.Type == claims.Boolean {
			other.Type = claims.Int64
		}
		s.LocalAttributes = claimsOf(t, of(claims.Attribute{Type: c.now.Type}))
		for _, op := range []token.AttributeOperation{token.AttributeAdd, token.AttributeDelete} {
			other.Ints, other.Uints, other.Strings, other.SIDs, other.Octets = nil, []uint64{1}, nil, nil, nil
			for _, of := range []*token.Token{tok, must(t, s)} { // with values and without
				n, st := of.ChangeAttributes([]token.AttributeChange{{Attribute: other, Operation: op}})
				wantStatus(t, c.name+" of another type", st, ntstatus.InvalidParameter)
				check.That(t, n == nil, "%s, %v of another type: a token was returned, want nil", c.name, op)
			}
		}
	}
}

// Of two attributes with one name, a change is about the last.
func TestChangeAttributesTakesLastOfName(t *testing.T) {
	text := func(name, value string) claims.Attribute {
		return claims.Attribute{Name: name, Type: claims.String, Strings: []string{value}}
	}
	s := setup()
	s.LocalAttributes = claimsOf(t, text("A", "x"), text("B", "y"), text("a", "z"))
	for op, want := range map[token.AttributeOperation]string{token.AttributeAdd: "A=x B=y a=z,w",
		token.AttributeReplace: "A=x B=y A=w"} {
		n, st := must(t, s).ChangeAttributes([]token.AttributeChange{{Attribute: text("A", "w"), Operation: op}})
		wantStatus(t, op.String(), st, ntstatus.Success)
		check.Equal(t, attributesText(n), want, "%v: attributes", op)
	}
}

// A change that adds values behind those of an earlier change does not write to the memory of the caller.
func TestChangeAttributesWritesNoMemoryOfCaller(t *testing.T) {
	one, two, three := sid.MustParse("S-1-1-1"), sid.MustParse("S-1-1-2"), sid.MustParse("S-1-1-3")
	whole := claims.Attribute{Ints: []int64{1, 2}, Uints: []uint64{1, 2}, Strings: []string{"1", "2"},
		SIDs: []sid.SID{one, two}, Octets: [][]byte{{1}, {2}}}
	want := fmt.Sprint(whole)
	for _, c := range []struct{ first, second claims.Attribute }{
		{claims.Attribute{Type: claims.Int64, Ints: whole.Ints[:1]}, claims.Attribute{Ints: []int64{3}}},
		{claims.Attribute{Type: claims.Uint64, Uints: whole.Uints[:1]}, claims.Attribute{Uints: []uint64{3}}},
		{claims.Attribute{Type: claims.String, Strings: whole.Strings[:1]}, claims.Attribute{Strings: []string{"3"}}},
		{claims.Attribute{Type: claims.SID, SIDs: whole.SIDs[:1]}, claims.Attribute{SIDs: []sid.SID{three}}},
		{claims.Attribute{Type: claims.Octets, Octets: whole.Octets[:1]}, claims.Attribute{Octets: [][]byte{{3}}}},
	} {
		c.first.Name, c.second.Name, c.second.Type = "a", "a", c.first.Type
		_, st := must(t, setup()).ChangeAttributes([]token.AttributeChange{
			{Attribute: c.first, Operation: token.AttributeAdd}, {Attribute: c.second, Operation: token.AttributeAdd}})
		wantStatus(t, "two additions", st, ntstatus.Success)
		check.Equal(t, fmt.Sprint(whole), want, "%v: values of the caller", c.first.Type)
	}
}

// values formats the values of the token's only attribute, "none" without attributes.
func values(tok *token.Token) string {
	for _, a := range tok.LocalAttributes().All() {
		switch a.Type {
		case claims.Int64:
			return fmt.Sprint(a.Ints)
		case claims.String:
			return fmt.Sprint(a.Strings)
		case claims.SID:
			return fmt.Sprint(a.SIDs)
		case claims.Octets:
			return fmt.Sprint(a.Octets)
		}
		return fmt.Sprint(a.Uints)
	}
	return "none"
}
