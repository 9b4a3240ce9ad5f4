package claims

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sid"
)

// testEnv is an Env with a set for each scope.
type testEnv struct {
	sets      [4]*Set // by Scope
	members   map[sid.SID]bool
	devices   map[sid.SID]bool
	hasDevice bool
}

func (e *testEnv) Attribute(scope Scope, name string) (Attribute, bool) {
	return e.sets[scope].Lookup(name)
}

func (e *testEnv) Member(s sid.SID, device bool) bool {
	if device {
		return e.devices[s]
	}
	return e.members[s]
}

func (e *testEnv) HasDevice() bool { return e.hasDevice }

// mustSet returns NewSet of valid attributes.
func mustSet(attributes ...Attribute) *Set {
	s, err := NewSet(attributes)
	if err != nil {
		panic(err)
	}
	return s
}

// mustParse returns ParseExpr of a whole, valid text, and panics otherwise.
func mustParse(text string) *Expr {
	e, n, err := ParseExpr(text, ParseOptions{})
	if err != nil || n != len(text) {
		panic("claims: " + text)
	}
	return e
}

func strs(name string, values ...string) Attribute {
	return Attribute{Name: name, Type: String, Strings: values}
}

func ints(name string, values ...int64) Attribute {
	return Attribute{Name: name, Type: Int64, Ints: values}
}

func bools(name string, values ...uint64) Attribute {
	return Attribute{Name: name, Type: Boolean, Uints: values}
}

// evalCases are ordinary expressions, which Eval must decide without allocating.
var evalCases = []string{
	`(@User.one == 1)`,
	`(@User.s == "foo" && @User.title != "PM")`,
	`(Member_of_any {SID(BA), SID(AA), SID(WD)})`,
	`(strset Contains @Resource.fruit)`,
	`(strset Any_of {"pear", "Banana"})`,
	`(Exists @Device.legs && (set == {2, 1}) && !(missing))`,
	`(oct == #0102 && who == SID(WD) && big > 1)`,
	`(@Resource.long == {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20})`,
}

func benchEnv() *testEnv {
	env := evalEnv()
	var values []int64
	for i := range int64(20) {
		values = append(values, 20-i)
	}
	env.sets[Resource] = mustSet(strs("fruit", "banana", "apple"), ints("long", values...))
	return env
}

// seedTexts are unusual conditions.
var seedTexts = []string{
	`(a)`, `(0>+0)`, `(!(!(a)))`, `(a Contains @USER.b == @device.c)`,
	`(@User.a%0020%d801%dc00 == "\")`,
	`(Member_of {SID(BA), 3} || Not_Device_Member_of_Any (SID(S-1-5-0x20)))`,
	`(x == {##1#2, "", -0x8000000000000000, 00})`,
	`(Exists a && (b) <= @Resource.c)`, `(@User.A || @Device.B && @USER.C)`, `((((`,
}

// seedAttributes are unusual texts of attributes.
var seedAttributes = []string{
	`("a",TI,0,1,-2,0x3)`, `("a",TU,0xe,18446744073709551615)`, `("%0020",TS,2,"a","A")`,
	`("a",TD,0,BA,S-1-5-0x20)`, `("a",TB,0,1,0)`, `("a",TX,0,abc,##,"")`, `("a",TX,0,)`,
}

// sameAttribute compares the encodings of two attributes, which ignore the order.
func sameAttribute(a, b Attribute) bool {
	return bytes.Equal(a.Append(nil), b.Append(nil))
}

// source returns a random source with the seed of package randtest.
func source(t *testing.T) *rand.Rand {
	return rand.New(rand.NewPCG(randtest.Seed(t), 0))
}

// generator makes random attributes and programs from few names and values, so that they often match.
type generator struct {
	*rand.Rand
	env *fixedEnv // the attributes in the environment of the programs
}

var randomNames = []string{"a", "B", "c", "ć"}

var randomStrings = []string{"", "a", "A", "foo", "FOO", "bar", "ß", "ẞ", "ć", "Ć", "\U00010400", "\U00010428",
	"\uFFFD", "a_", "Ab"}

func randomSID(r *rand.Rand) sid.SID {
	s, _ := sid.New(5, 21, uint32(r.IntN(4)))
	return s
}

func (g generator) pick(list []string) string { return list[g.IntN(len(list))] }

func (g generator) integer() int64 {
	return [...]int64{0, 1, 2, 3, -1, 42, 1<<63 - 1, -1 << 63}[g.IntN(8)]
}

// attribute returns an attribute of any type, sometimes empty, long, disabled or with duplicates.
func (g generator) attribute(name string) Attribute {
	a := Attribute{Name: name}
	switch g.IntN(8) {
	case 0:
		a.Flags = FlagCaseSensitive
	case 1:
		a.Flags = FlagDisabled
	}
	n := 1 + g.IntN(3)
	switch g.IntN(10) {
	case 0:
		n = 0
	case 1, 2:
		n = shortList + g.IntN(10)
	}
	a.Type = [...]Type{Int64, Uint64, String, String, SID, Boolean, Octets}[g.IntN(7)]
	for i := range n {
		switch a.Type {
		case Int64:
			a.Ints = append(a.Ints, g.integer()+int64(g.IntN(2)*i))
		case Uint64:
			a.Uints = append(a.Uints, uint64(g.integer())+uint64(g.IntN(2)*i))
		case Boolean:
			a.Uints = append(a.Uints, uint64(g.IntN(2)))
		case String:
			a.Strings = append(a.Strings, g.text(n > shortList))
		case SID:
			a.SIDs = append(a.SIDs, randomSID(g.Rand))
		case Octets:
			a.Octets = append(a.Octets, []byte(g.text(n > shortList)))
		}
	}
	if g.IntN(10) > 0 {
		a.dropDuplicates()
	}
	return a
}

// text returns a string of randomStrings, or in a long list one of many others.
func (g generator) text(long bool) string {
	if long {
		return fmt.Sprint(g.pick([]string{"x", "X", "ć", "Ć"}), g.IntN(12))
	}
	return g.pick(randomStrings)
}

// dropDuplicates keeps the first of equal values.
func (a *Attribute) dropDuplicates() {
	v := naiveAttribute(Local, a.Name, &fixedEnv{attributes: [4]map[string]Attribute{{a.Name: *a}}})
	if !v.null {
		return
	}
	full := *a
	*a = Attribute{Name: full.Name, Type: full.Type, Flags: full.Flags}
	for i := range full.Len() {
		kept := *a
		switch x := full.at(i); full.Type {
		case Int64:
			a.Ints = append(a.Ints, x.i)
		case Uint64, Boolean:
			a.Uints = append(a.Uints, uint64(x.i))
		case String:
			a.Strings = append(a.Strings, x.s)
		case SID:
			a.SIDs = append(a.SIDs, full.SIDs[i])
		case Octets:
			a.Octets = append(a.Octets, full.Octets[i])
		}
		if a.Duplicates() {
			*a = kept
		}
	}
}

// fixedEnv has its attributes in plain maps, so that the evaluator also gets attributes that NewSet would reject.
type fixedEnv struct {
	attributes [4]map[string]Attribute
	members    map[sid.SID]bool
	hasDevice  bool
}

func (e *fixedEnv) Attribute(scope Scope, name string) (Attribute, bool) {
	for n, a := range e.attributes[scope] {
		if EqualName(n, name) {
			return a, true
		}
	}
	return Attribute{}, false
}

func (e *fixedEnv) Member(s sid.SID, device bool) bool { return e.members[s] != device }

func (e *fixedEnv) HasDevice() bool { return e.hasDevice }

func (g generator) newEnv() *fixedEnv {
	e := &fixedEnv{members: map[sid.SID]bool{}, hasDevice: g.IntN(3) > 0}
	for scope := range e.attributes {
		e.attributes[scope] = map[string]Attribute{}
		for _, name := range randomNames {
			if g.IntN(8) == 0 {
				continue
			}
			a := g.attribute(name)
			if g.IntN(2) == 0 {
				a.setOrder()
			}
			e.attributes[scope][name] = a
		}
	}
	for i := range uint32(4) {
		s, _ := sid.New(5, 21, i)
		e.members[s] = g.IntN(2) == 0
	}
	return e
}

func appendToken(dst []byte, code byte, payload []byte) []byte {
	dst = append(dst, code)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// literal appends a literal of the type, or of any type for 0.
func (g generator) literal(dst []byte, typ Type, long bool) []byte {
	if typ == 0 || g.IntN(30) == 0 {
		typ = [...]Type{Int64, String, Octets, SID}[g.IntN(4)]
	}
	switch typ {
	case String:
		return appendToken(dst, tokString, appendUTF16(nil, g.text(long)))
	case Octets:
		return appendToken(dst, tokOctets, []byte(g.text(long)))
	case SID:
		return appendToken(dst, tokSID, randomSID(g.Rand).AppendBinary(nil))
	}
	width := g.IntN(4)
	v := int64(g.IntN(4))
	if width == 3 {
		v = g.integer() + int64(g.IntN(5)*g.IntN(5))
	}
	dst = append(dst, byte(tokInt8+width))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
	return append(dst, byte(1+g.IntN(3)), byte(1+g.IntN(3)))
}

// composite appends a list of literals of the type.
func (g generator) composite(dst []byte, typ Type) []byte {
	n := g.IntN(4)
	if g.IntN(5) == 0 {
		n = shortList + g.IntN(10)
	}
	var members []byte
	for range n {
		members = g.literal(members, typ, n > shortList)
	}
	return appendToken(dst, tokComposite, members)
}

// name appends an attribute and returns the type of its values.
func (g generator) name(dst []byte) ([]byte, Type) {
	code, name := byte(tokLocal+g.IntN(4)), g.pick(randomNames)
	scope := [...]Scope{Local, User, Resource, Device}[code-tokLocal]
	a, _ := g.env.Attribute(scope, name)
	return appendToken(dst, code, appendUTF16(nil, name)), a.Type
}

// value appends an attribute, a literal or a list, usually of the type.
func (g generator) value(dst []byte, typ Type) []byte {
	switch g.IntN(3) {
	case 0:
		dst, _ = g.name(dst)
		return dst
	case 1:
		return g.literal(dst, typ, g.IntN(4) == 0)
	}
	return g.composite(dst, typ)
}

// program appends a random operand of a logical operator. Sometimes its left side is not an attribute, or it is no
// operand.
func (g generator) program(dst []byte, depth int) []byte {
	if g.IntN(60) == 0 {
		return g.value(dst, 0)
	}
	choice := g.IntN(8)
	if depth == 0 {
		choice = 3 + g.IntN(5)
	}
	switch choice {
	case 0, 1:
		dst = g.program(dst, depth-1)
		return append(g.program(dst, depth-1), byte(opAnd+g.IntN(2)))
	case 2:
		return append(g.program(dst, depth-1), opNot)
	case 3:
		dst, _ = g.name(dst)
		return dst
	case 4:
		if dst, _ = g.name(dst); g.IntN(10) == 0 {
			dst = append(dst, g.value(nil, 0)...)
		}
		return append(dst, [...]byte{opExists, opNotExists}[g.IntN(2)])
	case 5:
		if g.IntN(3) == 0 {
			dst = g.literal(dst, SID, false)
		} else {
			dst = g.composite(dst, SID)
		}
		return append(dst, [...]byte{opMemberOf, opDeviceMemberOf, opMemberOfAny, opDeviceMemberOfAny,
			opNotMemberOf, opNotDeviceMemberOf, opNotMemberOfAny, opNotDeviceMembOfAny}[g.IntN(8)])
	}
	var typ Type
	if g.IntN(30) == 0 {
		dst = g.value(dst, 0)
	} else {
		dst, typ = g.name(dst)
	}
	dst = g.value(dst, typ)
	return append(dst, [...]byte{opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual,
		opContains, opAnyOf, opNotContains, opNotAnyOf}[g.IntN(10)])
}
