package oracle_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// A condition has the tokens of MS-DTYP 2.4.4.17 in postfix order, and its text the order of operands in SDDL (S-34,
// S-48, S-51).
func TestConditionHasTextAndTokens(t *testing.T) {
	attribute := func(scope, name, op string, values ...oracle.Literal) *oracle.Cond {
		return &oracle.Cond{Op: op, Left: &oracle.Ref{Scope: scope, Name: name},
			Right: &oracle.Operand{Values: values, List: len(values) > 1}}
	}
	octets := attribute("User", "x", "==", oracle.Literal{Type: "octets", Text: "0a0b"})
	less := attribute("Device", "b", "<", oracle.Literal{Type: "int64", Text: "-5"})
	list := attribute("Resource", "c", "Any_of", oracle.Literal{Type: "string", Text: "d"},
		oracle.Literal{Type: "int64", Text: "7"})
	exists := &oracle.Cond{Op: "Exists", Left: &oracle.Ref{Name: "a"}}
	refs := &oracle.Cond{Op: ">=", Left: &oracle.Ref{Scope: "User", Name: "e"},
		Right: &oracle.Operand{Ref: &oracle.Ref{Scope: "Device", Name: "f"}}}
	member := &oracle.Cond{Op: "Member_of", Right: &oracle.Operand{List: true,
		Values: []oracle.Literal{{Type: "sid", Text: "S-1-1-0"}}}}
	for want, c := range map[string]struct {
		cond *oracle.Cond
		hex  string
	}{
		"(@User.x == #0a0b)":     {octets, "f9 02000000 7800 18 02000000 0a0b 80"},
		"(@User.e >= @Device.f)": {refs, "f9 02000000 6500 fb 02000000 6600 85"},
		"((Exists a) && (@Device.b < -5))": {&oracle.Cond{Op: "&&", Kids: []*oracle.Cond{exists, less}},
			"f8 02000000 6100 87 fb 02000000 6200 04 fbffffffffffffff 02 02 82 a0"},
		`(!(@Resource.c Any_of {"d", 7}))`: {&oracle.Cond{Op: "!", Kids: []*oracle.Cond{list}},
			"fa 02000000 6300 50 12000000 10 02000000 6400 04 0700000000000000 03 02 88 a2"},
		"(Member_of {SID(S-1-1-0)})": {member, "50 11000000 51 0c000000 010100000000000100000000 89"},
	} {
		a := oracle.ACE{Type: oracle.AllowCallback, Mask: 1, SID: "S-1-1-0", Cond: c.cond}
		d := oracle.Descriptor{DACL: &oracle.ACL{Entries: []oracle.ACE{a}}}
		check.Equal(t, d.SDDL(), "D:(XA;;0x1;;;S-1-1-0;"+want+")", "text")
		const artx = "61727478"
		_, program, _ := strings.Cut(d.Hex(), artx)
		check.Equal(t, strings.TrimRight(program, "0"), strings.TrimRight(strings.ReplaceAll(c.hex, " ", ""), "0"),
			"tokens of %s", want)
	}
}
