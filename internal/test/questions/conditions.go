package questions

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
)

// Names and values that claims and conditions share.
var (
	scopes   = []string{"@User.", "@User.", "@Device.", "@Resource.", ""}
	names    = []string{"x", "X", "y", "é", "É", "ა", "none"}
	literals = []string{`0`, `1`, `-1`, `2`, `0x7fffffffffffffff`, `""`, `"a"`, `"A"`, `"b"`, `"ß"`, `"é"`, `"É"`,
		`"ა"`, `"Ა"`, `"😀"`, `SID(WD)`, `SID(BA)`, `#00`, `#0001`, `#`}
	groupers = []string{"SID(WD)", "SID(BA)", "SID(BG)", "SID(OW)", "SID(PS)", "SID(RC)", "SID(S-1-5-21-1-2-3-2001)",
		"1"}
	members = []string{"Member_of", "Device_Member_of", "Member_of_any", "Device_Member_of_any", "Not_Member_of",
		"Not_Device_Member_of", "Not_Member_of_any", "Not_Device_Member_of_any"}
)

func (w World) name() string { return pick(w, scopes) + pick(w, names[:2+w.IntN(len(names)-1)]) }

// list returns one literal of from, or several in braces.
func (w World) list(from []string) string {
	if w.one(3) {
		return pick(w, from)
	}
	var out []string
	for range w.IntN(4) {
		out = append(out, pick(w, from))
	}
	return "{" + strings.Join(out, ",") + "}"
}

// text returns a random conditional expression. depth limits its nesting.
func (w World) text(depth int) string {
	if depth > 0 && !w.one(3) {
		if w.one(3) {
			return "(!" + w.text(depth-1) + ")"
		}
		return "(" + w.text(depth-1) + pick(w, []string{" && ", " || "}) + w.text(depth-1) + ")"
	}
	switch w.IntN(6) {
	case 0:
		return "(" + w.name() + ")"
	case 1:
		return "(" + pick(w, []string{"Exists ", "Not_Exists "}) + w.name() + ")"
	case 2:
		return "(" + pick(w, members) + " " + w.list(groupers) + ")"
	}
	right := w.list(literals)
	if w.one(4) {
		right = pick(w, scopes[:4]) + pick(w, names)
	}
	return "(" + w.name() + " " + pick(w, []string{"==", "!=", "<", "<=", ">", ">=", "Contains", "Any_of",
		"Not_Contains", "Not_Any_of"}) + " " + right + ")"
}

// condition returns a random expression that has a text.
func (w World) condition() *claims.Expr {
	for {
		text := w.text(w.IntN(3))
		if x, _, err := claims.ParseExpr(text, claims.ParseOptions{SID: func(text string) (sid.SID, int,
			error) {
			return sid.Scan(text, sid.SID{})
		}}); err == nil {
			return x
		}
	}
}

// Program returns the bytes of a condition. Some are damaged or have their operators in a wrong order.
func (w World) Program() []byte {
	b := w.condition().Encode()
	switch w.IntN(8) {
	case 0:
		b[4+w.IntN(len(b)-4)] = pick(w, []byte{0, 1, 0x10, 0x50, 0x51, 0x80, 0x87, 0x89, 0x95, 0xA0, 0xA2, 0xF8, 0xFF})
	case 1:
		b = w.soup()
	}
	return b
}

// soup returns random tokens of a condition, which are usually malformed.
func (w World) soup() []byte {
	counted := func(code byte, p ...byte) []byte { return append([]byte{code, byte(len(p)), 0, 0, 0}, p...) }
	number := func() []byte {
		v := pick(w, []int8{0, 1, 2, -1, 127, -128})
		b := []byte{byte(w.IntN(6)), byte(v)}
		for range 7 {
			b = append(b, byte(v>>7))
		}
		if w.one(8) {
			b[1+w.IntN(8)]++
		}
		return append(b, 3, 2)
	}
	literal := func() []byte {
		switch w.IntN(6) {
		case 0:
			return counted(0x10, 'a', 0)
		case 1:
			return counted(0x18, 0, 1)
		case 2:
			s := w.sid()
			return counted(0x51, s.AppendBinary(nil)...)
		case 3:
			return counted(byte(w.IntN(256)), make([]byte, w.IntN(4))...)
		}
		return number()
	}
	b := []byte("artx")
	for range 1 + w.IntN(6) {
		switch w.IntN(5) {
		case 0:
			b = append(b, literal()...)
		case 1:
			var list []byte
			for range w.IntN(3) {
				list = append(list, literal()...)
			}
			b = append(b, counted(0x50, list...)...)
		case 2, 3:
			b = append(b, counted(byte(0xF8+w.IntN(4)), pick(w, []byte("xXy")), 0)...)
		}
		if !w.one(3) {
			b = append(b, byte(0x80+w.IntN(0x24)))
		}
	}
	return append(b, make([]byte, pick(w, []int{0, 0, 0, 1, 3, 4}))...)
}

// claimFlags are the flags that claims have, mostly nothing.
var claimFlags = []uint32{0, 0, 0, claims.FlagCaseSensitive, claims.FlagDisabled, claims.FlagUseForDenyOnly}

// attribute returns a claim of a random type.
func (w World) attribute() claims.Attribute {
	a := claims.Attribute{Name: pick(w, names), Flags: pick(w, claimFlags)}
	a.Type = pick(w, []claims.Type{claims.Int64, claims.Int64, claims.Uint64, claims.String, claims.String, claims.SID,
		claims.Boolean, claims.Octets})
	for range w.IntN(4) {
		switch a.Type {
		case claims.Int64:
			a.Ints = append(a.Ints, pick(w, []int64{0, 1, 2, -1, -1 << 63, 1<<63 - 1}))
		case claims.Uint64:
			a.Uints = append(a.Uints, pick(w, []uint64{0, 1, 1 << 63, 1<<64 - 1}))
		case claims.Boolean:
			a.Uints = append(a.Uints, uint64(w.IntN(2)))
		case claims.String:
			a.Strings = append(a.Strings, pick(w, []string{"", "a", "A", "b", "ß", "é", "É", "ა", "Ა", "\U0001F600"}))
		case claims.SID:
			a.SIDs = append(a.SIDs, pick(w, []sid.SID{sid.Everyone, sid.Administrators}))
		case claims.Octets:
			a.Octets = append(a.Octets, pick(w, [][]byte{{}, {0}, {0, 1}}))
		}
	}
	return a
}

// claims returns a random set of attributes.
func (w World) claims() *claims.Set {
	var list []claims.Attribute
	for range w.IntN(4) {
		if a := w.attribute(); !a.Duplicates() {
			list = append(list, a)
		}
	}
	set, err := claims.NewSet(list)
	if err != nil {
		panic(fmt.Sprint("claims: ", err))
	}
	return set
}

// resource returns the bytes of a resource attribute. Some have duplicate values or are damaged.
func (w World) resource() []byte {
	a := w.attribute()
	b := a.Append(nil)
	if w.one(6) {
		b[w.IntN(len(b))] = byte(w.IntN(256))
	}
	return b
}
