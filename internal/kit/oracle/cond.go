package oracle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Ref names an attribute. Scope is "User", "Device", "Resource", or "" for a local attribute.
type Ref struct{ Scope, Name string }

// Literal is a value in a condition. Type is "int64", "string", "sid" or "octets"; Text is as in a [Claim].
type Literal struct{ Type, Text string }

// Operand is the right side of a relation: an attribute, or literals, in braces if List.
type Operand struct {
	Ref    *Ref
	Values []Literal
	List   bool
}

// Cond is a conditional expression. Op is "&&", "||" or "!" with Kids; a relation of Left and Right; Exists or
// Not_Exists of Left; a Member_of form of Right; or "" for Left as a condition.
type Cond struct {
	Op    string
	Kids  []*Cond
	Left  *Ref
	Right *Operand
}

// truth is a value of Kleene's logic.
type truth int

const (
	no truth = iota
	yes
	unknown
)

// truthOf returns yes for true and no for false, never unknown.
func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// not returns the negation; unknown stays unknown.
func (t truth) not() truth {
	return []truth{yes, no, unknown}[t]
}

// codes are the tokens of operators, MS-DTYP 2.4.4.17.6 and 2.4.4.17.7.
var codes = map[string]byte{"==": 0x80, "!=": 0x81, "<": 0x82, "<=": 0x83, ">": 0x84, ">=": 0x85, "Contains": 0x86,
	"Exists": 0x87, "Any_of": 0x88, "Member_of": 0x89, "Device_Member_of": 0x8A, "Member_of_Any": 0x8B,
	"Device_Member_of_Any": 0x8C, "Not_Exists": 0x8D, "Not_Contains": 0x8E, "Not_Any_of": 0x8F, "Not_Member_of": 0x90,
	"Not_Device_Member_of": 0x91, "Not_Member_of_Any": 0x92, "Not_Device_Member_of_Any": 0x93, "&&": 0xA0, "||": 0xA1,
	"!": 0xA2}

// counted returns the binary form of a condition token of variable length: code, the length of b in 32 bits, and b.
func counted(code byte, b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{code}, uint32(len(b))), b...)
}

// wide returns s in UTF-16, little endian, without a terminating zero; nil for "".
func wide(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// token returns the literal in binary (S-34): an octet for the type, then the value. After an int64 come its sign and
// base. Before any other value comes its length. Text of a type other than int64, string and sid is hexadecimal.
// Malformed text is not reported.
func (l Literal) token() []byte {
	switch l.Type {
	case "int64":
		n, _ := strconv.ParseInt(l.Text, 10, 64)
		sign := byte(3)
		if n < 0 {
			sign = 2
		}
		return append(binary.LittleEndian.AppendUint64([]byte{4}, uint64(n)), sign, 2)
	case "string":
		return counted(0x10, wide(l.Text))
	case "sid":
		return counted(0x51, sidBytes(l.Text))
	}
	b, _ := hex.DecodeString(l.Text)
	return counted(0x18, b)
}

// token returns the operand in binary (S-34): the attribute, or the values, which are a composite if the
// operand is a list.
func (o *Operand) token() (b []byte) {
	if o.Ref != nil {
		return o.Ref.token()
	}
	for _, l := range o.Values {
		b = append(b, l.token()...)
	}
	if o.List {
		return counted(0x50, b)
	}
	return b
}

// token returns the attribute's name in binary, with the code of its scope (S-34). The empty scope is a local
// attribute.
func (r *Ref) token() []byte {
	return counted(map[string]byte{"": 0xF8, "User": 0xF9, "Resource": 0xFA, "Device": 0xFB}[r.Scope], wide(r.Name))
}

// postfix returns the expression as binary tokens in postfix order, operands before their operator. It returns
// nothing for the zero Cond.
func (c *Cond) postfix() (b []byte) {
	for _, k := range c.Kids {
		b = append(b, k.postfix()...)
	}
	if c.Left != nil {
		b = append(b, c.Left.token()...)
	}
	if c.Right != nil {
		b = append(b, c.Right.token()...)
	}
	if c.Op != "" {
		b = append(b, codes[c.Op])
	}
	return b
}

// program returns the condition in the binary form that an ACL entry stores as application data, with its signature
// and padding (S-34).
func (c *Cond) program() []byte {
	b := append([]byte("artx"), c.postfix()...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// text returns the literal in SDDL. It does not escape quotation marks in strings.
func (l Literal) text() string {
	switch l.Type {
	case "string":
		return `"` + l.Text + `"`
	case "sid":
		return "SID(" + l.Text + ")"
	case "octets":
		return "#" + l.Text
	}
	return l.Text
}

// text returns the operand in SDDL: the attribute, a list in braces, or the only value. It panics if the
// operand is none of these.
func (o *Operand) text() string {
	if o.Ref != nil {
		return o.Ref.text()
	}
	var out []string
	for _, l := range o.Values {
		out = append(out, l.text())
	}
	if o.List {
		return "{" + strings.Join(out, ", ") + "}"
	}
	return out[0]
}

// text returns @Scope.Name, or only the name for a local attribute.
func (r *Ref) text() string {
	if r.Scope == "" {
		return r.Name
	}
	return "@" + r.Scope + "." + r.Name
}

// Text returns the expression in SDDL, with its parentheses (S-48). An operator without a left side is followed by its
// right side. A sole attribute has no operator.
func (c *Cond) Text() string {
	switch {
	case len(c.Kids) == 1:
		return "(!" + c.Kids[0].Text() + ")"
	case len(c.Kids) == 2:
		return "(" + c.Kids[0].Text() + " " + c.Op + " " + c.Kids[1].Text() + ")"
	case c.Op == "":
		return "(" + c.Left.text() + ")"
	case c.Right == nil:
		return "(" + c.Op + " " + c.Left.text() + ")"
	case c.Left == nil:
		return "(" + c.Op + " " + c.Right.text() + ")"
	}
	return "(" + c.Left.text() + " " + c.Op + " " + c.Right.text() + ")"
}

var claimTypes = map[string]struct {
	code uint16
	text string
}{"int64": {1, "TI"}, "uint64": {2, "TU"}, "string": {3, "TS"}, "sid": {5, "TD"}, "boolean": {6, "TB"},
	"octets": {0x10, "TX"}}

// bytes returns the attribute as CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1, laid out as S-30 says. It pads with zeros to a
// multiple of 4.
func (c *Claim) bytes() []byte {
	head := 16 + 4*len(c.Values)
	name := append(wide(c.Name), 0, 0)
	b := binary.LittleEndian.AppendUint32(nil, uint32(head))
	b = binary.LittleEndian.AppendUint16(b, claimTypes[c.Type].code)
	b = append(b, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(c.Flags))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(c.Values)))
	var body []byte
	for _, v := range c.Values {
		b = binary.LittleEndian.AppendUint32(b, uint32(head+len(name)+len(body)))
		body = append(body, valueBytes(c.Type, v)...)
	}
	b = append(append(b, name...), body...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// valueBytes returns a claim's value in binary: strings end in a zero, SIDs and octets start with their length, all
// other types are 64-bit numbers. It does not report malformed text. An unknown type counts as int64.
func valueBytes(typ, v string) []byte {
	switch typ {
	case "string":
		return append(wide(v), 0, 0)
	case "sid":
		b := sidBytes(v)
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
	case "octets":
		b, _ := hex.DecodeString(v)
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
	case "uint64":
		n, _ := strconv.ParseUint(v, 10, 64)
		return binary.LittleEndian.AppendUint64(nil, n)
	}
	n, _ := strconv.ParseInt(v, 10, 64)
	return binary.LittleEndian.AppendUint64(nil, uint64(n))
}

// text returns the attribute in SDDL. Octets have no # there (S-51).
func (c *Claim) text() string {
	out := `("` + c.Name + `",` + claimTypes[c.Type].text + `,0x` + strconv.FormatUint(uint64(c.Flags), 16)
	for _, v := range c.Values {
		if c.Type == "string" {
			v = `"` + v + `"`
		}
		out += "," + v
	}
	return out + ")"
}

// member reports whether a value of the list equals v, as order compares them.
func member(list []Literal, v Literal, exact bool) bool {
	return slices.ContainsFunc(list, func(x Literal) bool {
		n, ok := order(x, v, exact)
		return ok && n == 0
	})
}

// order compares two values; ok is false if their types do not match. Unless exact is true, case is ignored
// in strings. Integers and booleans are compared as numbers, octets by their bytes.
func order(a, b Literal, exact bool) (n int, ok bool) {
	number := func(t string) bool { return t == "int64" || t == "uint64" || t == "boolean" }
	switch {
	case number(a.Type) && number(b.Type):
		return numeric(a.Text, b.Text), true
	case a.Type != b.Type:
		return 0, false
	case a.Type == "string" && !exact:
		return strings.Compare(strings.ToUpper(a.Text), strings.ToUpper(b.Text)), true
	case a.Type == "octets":
		x, _ := hex.DecodeString(a.Text)
		y, _ := hex.DecodeString(b.Text)
		return bytes.Compare(x, y), true
	}
	return strings.Compare(a.Text, b.Text), true
}

// numeric compares two decimal numbers of any size without leading zeros. It returns less than 0, 0 or more than 0. A
// negative number has a leading "-".
func numeric(a, b string) int {
	na, nb := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case na && nb:
		return numeric(b[1:], a[1:])
	case na:
		return -1
	case nb:
		return 1
	case len(a) != len(b):
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
