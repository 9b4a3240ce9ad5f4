package claims

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"unicode/utf16"

	"github.com/refmon/refmon/sid"
)

// The naive evaluator is the oracle of Eval. It runs the bytes on a stack as MS-DTYP describes, without a tree, an
// order or an early end.

// naiveValue is an element of the naive evaluator's stack.
type naiveValue struct {
	truth     Truth
	isTruth   bool
	attribute bool
	null      bool
	bare      bool // a claim that has no values
	composite bool
	sensitive bool
	values    []any // *big.Int, bool, []uint16, sid.SID, []byte
}

// naiveEval runs the tokens. Any error makes the result Unknown.
func naiveEval(code []byte, env Env) Truth {
	var stack []naiveValue
	for len(code) > 0 && code[0] != 0 {
		op := code[0]
		code = code[1:]
		if op < 0x80 || op >= 0xF8 {
			var v naiveValue
			v, code = naiveOperand(op, code, env)
			stack = append(stack, v)
			continue
		}
		need := 2
		if op == opExists || op == opNotExists || op >= opMemberOf && op <= opDeviceMemberOfAny ||
			op >= opNotMemberOf && op <= opNotDeviceMembOfAny || op == opNot {
			need = 1
		}
		if len(stack) < need {
			return Unknown
		}
		args := stack[len(stack)-need:]
		var r Truth
		switch {
		case op >= opAnd:
			var in [2]Truth
			for i, a := range args {
				truth, ok := naiveTruth(a)
				if !ok {
					return Unknown
				}
				in[i] = truth
			}
			r = naiveLogic(op, in[0], in[1])
		case op == opExists || op == opNotExists:
			if args[0].attribute && !args[0].bare {
				r = naiveBool(!args[0].null, op == opNotExists)
			}
		case need == 1:
			r = naiveMember(op, args[0], env)
		case op <= opGreaterEqual:
			r = naiveRelation(op, args[0], args[1])
		default:
			r = naiveSet(op, args[0], args[1])
		}
		stack = append(stack[:len(stack)-need], naiveValue{truth: r, isTruth: true})
	}
	if len(stack) != 1 {
		return Unknown
	}
	truth, _ := naiveTruth(stack[0])
	return truth
}

// naiveOperand reads an operand of a well-formed program.
func naiveOperand(op byte, code []byte, env Env) (naiveValue, []byte) {
	if op <= tokInt64 {
		return naiveValue{values: []any{big.NewInt(int64(binary.LittleEndian.Uint64(code)))}}, code[10:]
	}
	n := binary.LittleEndian.Uint32(code)
	p, rest := code[4:4+n], code[4+n:]
	u := make([]uint16, 0, n/2)
	for i := 0; i+1 < len(p); i += 2 {
		u = append(u, binary.LittleEndian.Uint16(p[i:]))
	}
	switch op {
	case tokString:
		return naiveValue{values: []any{u}}, rest
	case tokOctets:
		return naiveValue{values: []any{p}}, rest
	case tokSID:
		s, _, _ := sid.Decode(p)
		return naiveValue{values: []any{s}}, rest
	case tokComposite:
		c := naiveValue{composite: true}
		for len(p) > 0 {
			var m naiveValue
			m, p = naiveOperand(p[0], p[1:], env)
			c.values = append(c.values, m.values...)
		}
		return c, rest
	}
	scope := map[byte]Scope{tokLocal: Local, tokUser: User, tokResource: Resource, tokDevice: Device}[op]
	return naiveAttribute(scope, string(utf16.Decode(u)), env), rest
}

func naiveAttribute(scope Scope, name string, env Env) naiveValue {
	v := naiveValue{attribute: true, null: true}
	a, ok := env.Attribute(scope, name)
	if !ok || a.Flags&0x10 != 0 {
		return v
	}
	v.sensitive = a.Flags&2 != 0
	for i := range a.Ints {
		v.values = append(v.values, big.NewInt(a.Ints[i]))
	}
	for i := range a.Uints {
		if a.Type == Boolean {
			v.values = append(v.values, a.Uints[i] != 0)
		} else {
			v.values = append(v.values, new(big.Int).SetUint64(a.Uints[i]))
		}
	}
	for i := range a.Strings {
		v.values = append(v.values, utf16.Encode([]rune(a.Strings[i])))
	}
	for i := range a.SIDs {
		v.values = append(v.values, a.SIDs[i])
	}
	for i := range a.Octets {
		v.values = append(v.values, a.Octets[i])
	}
	for i := range v.values {
		for j := range i {
			if c, ok := naiveCompare(v.values[i], v.values[j], v.sensitive); ok && c == 0 {
				return naiveValue{attribute: true, null: true}
			}
		}
	}
	v.null = len(v.values) == 0
	v.bare = v.null && (scope == User || scope == Device)
	return v
}

// naiveTruth returns a value as a logical operand. ok is false for a literal.
func naiveTruth(v naiveValue) (t Truth, ok bool) {
	switch {
	case v.isTruth:
		return v.truth, true
	case !v.attribute:
		return Unknown, false
	case v.null:
		return Unknown, true
	}
	for _, x := range v.values {
		switch x := x.(type) {
		case *big.Int:
			if x.Sign() != 0 {
				return True, true
			}
		case bool:
			if x {
				return True, true
			}
		case []uint16:
			if len(x) > 0 {
				return True, true
			}
		default:
			return Unknown, true
		}
	}
	return False, true
}

// naiveLogic implements the three-valued table.
func naiveLogic(op byte, a, b Truth) Truth {
	const U, F, T = Unknown, False, True
	switch op {
	case opNot:
		return map[Truth]Truth{U: U, F: T, T: F}[a]
	case opAnd:
		return map[[2]Truth]Truth{{T, T}: T, {T, F}: F, {F, T}: F, {F, F}: F, {U, F}: F, {F, U}: F, {U, T}: U, {T, U}: U,
			{U, U}: U}[[2]Truth{a, b}]
	}
	return map[[2]Truth]Truth{{T, T}: T, {T, F}: T, {F, T}: T, {F, F}: F, {U, F}: U, {F, U}: U, {U, T}: T, {T, U}: T,
		{U, U}: U}[[2]Truth{a, b}]
}

func naiveBool(b, negate bool) Truth {
	if b != negate {
		return True
	}
	return False
}

func naiveMember(op byte, v naiveValue, env Env) Truth {
	if v.attribute || v.isTruth || len(v.values) == 0 {
		return Unknown
	}
	device := op == opDeviceMemberOf || op == opDeviceMemberOfAny || op == opNotDeviceMemberOf ||
		op == opNotDeviceMembOfAny
	held := 0
	for _, x := range v.values {
		s, ok := x.(sid.SID)
		if !ok {
			return Unknown
		}
		if env.Member(s, device) && !(device && !env.HasDevice()) {
			held++
		}
	}
	negate := op >= opNotMemberOf
	switch op {
	case opMemberOfAny, opDeviceMemberOfAny, opNotMemberOfAny, opNotDeviceMembOfAny:
		return naiveBool(held > 0, negate)
	}
	return naiveBool(held == len(v.values), negate)
}

func naiveRelation(op byte, l, r naiveValue) Truth {
	if !l.attribute || l.null || r.isTruth || r.null {
		return Unknown
	}
	sensitive := l.sensitive || r.sensitive
	for _, x := range l.values {
		for _, y := range r.values {
			if _, ok := naiveCompare(x, y, sensitive); !ok {
				return Unknown
			}
		}
	}
	if op == opEqual || op == opNotEqual {
		same := len(l.values) == len(r.values)
		for _, x := range l.values {
			same = same && naiveIn(x, r.values, sensitive)
		}
		return naiveBool(same, op == opNotEqual)
	}
	if len(l.values) != 1 || len(r.values) != 1 || r.composite {
		return Unknown
	}
	for _, x := range []any{l.values[0], r.values[0]} {
		switch x.(type) {
		case bool, sid.SID:
			return Unknown
		}
	}
	c, _ := naiveCompare(l.values[0], r.values[0], sensitive)
	return naiveBool(map[byte]bool{opLess: c < 0, opLessEqual: c <= 0, opGreater: c > 0, opGreaterEqual: c >= 0}[op],
		false)
}

func naiveSet(op byte, l, r naiveValue) Truth {
	contains := op == opContains || op == opNotContains
	negate := op == opNotContains || op == opNotAnyOf
	if r.isTruth || r.null {
		return Unknown
	}
	if contains && r.composite && len(r.values) == 0 {
		return naiveBool(false, negate)
	}
	if !l.attribute || l.null || !contains && !r.attribute && !r.composite {
		return Unknown
	}
	sensitive := l.sensitive || r.sensitive
	common := 0
	for _, y := range r.values {
		for _, x := range l.values {
			if _, ok := naiveCompare(x, y, sensitive); !ok {
				return Unknown
			}
		}
		if naiveIn(y, l.values, sensitive) {
			common++
		}
	}
	if contains {
		return naiveBool(common == len(r.values), negate)
	}
	return naiveBool(common > 0, negate)
}

func naiveIn(x any, list []any, sensitive bool) bool {
	for _, y := range list {
		if c, ok := naiveCompare(x, y, sensitive); ok && c == 0 {
			return true
		}
	}
	return false
}

// naiveCompare compares two values. ok is false if their types do not match.
func naiveCompare(x, y any, sensitive bool) (c int, ok bool) {
	if b, isBool := x.(bool); isBool {
		if d, both := y.(bool); both {
			return boolInt(b).Cmp(boolInt(d)), true
		}
		n, isInt := y.(*big.Int)
		return boolInt(b).Cmp(orZero(n)), isInt && n.Sign() >= 0 && n.Cmp(big.NewInt(1)) <= 0
	}
	if _, isBool := y.(bool); isBool {
		c, ok = naiveCompare(y, x, sensitive)
		return -c, ok
	}
	switch x := x.(type) {
	case *big.Int:
		n, ok := y.(*big.Int)
		return x.Cmp(orZero(n)), ok
	case []uint16:
		s, ok := y.([]uint16)
		return compareUnits(x, s, sensitive), ok
	case sid.SID:
		s, ok := y.(sid.SID)
		return x.Compare(s), ok
	case []byte:
		s, ok := y.([]byte)
		return bytes.Compare(x, s), ok
	}
	return 0, false
}

func orZero(n *big.Int) *big.Int {
	if n == nil {
		return new(big.Int)
	}
	return n
}

func boolInt(b bool) *big.Int {
	if b {
		return big.NewInt(1)
	}
	return new(big.Int)
}

// compareUnits compares UTF-16 units after mapping each to upper case, unless sensitive.
func compareUnits(x, y []uint16, sensitive bool) int {
	for i := range min(len(x), len(y)) {
		a, b := x[i], y[i]
		if !sensitive {
			a, b = naiveUpper(a), naiveUpper(b)
		}
		if a != b {
			return int(a) - int(b)
		}
	}
	return len(x) - len(y)
}

// naiveUpper searches the whole table.
func naiveUpper(u uint16) uint16 {
	if u >= 'a' && u <= 'z' {
		return u - 'a' + 'A'
	}
	for _, r := range upperRuns {
		for c := int(r.lo); c <= int(r.hi); c += int(r.step) {
			if c == int(u) {
				return uint16(c + int(r.delta))
			}
		}
	}
	return u
}
