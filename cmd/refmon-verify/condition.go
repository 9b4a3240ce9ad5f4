package main

import (
	"slices"
	"strings"
)

// operand is a value on the stack of a condition's evaluation.
type operand struct {
	kind      byte     // a result r, an attribute a (NULL without values), a literal l or a list c
	truth     int      // of a result: 1 true, 0 unknown, -1 false
	values    []string // nil if it is not found; empty for a user or device claim without values
	sensitive bool
	denyOnly  bool // of an attribute: NULL where the entry allows
}

// truth converts a known result.
func truth(b bool) int {
	if b {
		return 1
	}
	return -1
}

// null reports whether an operand has no value to compare.
func (o *operand) null() bool { return o.kind == 'r' || o.kind == 'a' && len(o.values) == 0 }

// asTruth converts an operand to 1 (true), 0 (unknown) or -1. A result stays. An attribute is true if it has a value
// other than zero or empty; NULL, SIDs and octets are unknown. A literal panics.
func (o *operand) asTruth() int {
	check(o.kind == 'r' || o.kind == 'a', "a literal has no truth")
	if o.null() || strings.HasPrefix(o.values[0], "d") || strings.HasPrefix(o.values[0], "x") {
		return o.truth
	}
	return truth(slices.ContainsFunc(o.values, func(v string) bool { return len(v) > 1 && v[1:] != unsigned("", 0) }))
}

// keys returns a comparison key for each value of an operand: equal values have equal keys, and keys sort like the
// values. sensitive keeps the case of strings.
func (o *operand) keys(sensitive bool) (keys []string) {
	for _, v := range o.values {
		key := v[1:]
		if v[0] == 's' {
			key = fold(key, sensitive)
		}
		keys = append(keys, key)
	}
	return keys
}

// condition is the part of a binary conditional expression that is not evaluated yet.
type condition struct{ rest string }

// take returns the next n bytes.
func (e *condition) take(n uint64) (s string) {
	s, e.rest = e.rest[:n], e.rest[n:]
	return s
}

// counted returns the bytes after a length of four bytes.
func (e *condition) counted() string { return e.take(le(e.take(4))) }

// Codes of the tokens of a condition (MS-DTYP 2.4.4.17).
const (
	codeString         = 0x10
	codeOctets         = 0x18
	codeList           = 0x50
	codeSID            = 0x51
	codeEqual          = 0x80
	codeNotEqual       = 0x81
	codeLess           = 0x82
	codeLessOrEqual    = 0x83
	codeGreater        = 0x84
	codeGreaterOrEqual = 0x85
	codeContains       = 0x86
	codeExists         = 0x87
	codeAnyOf          = 0x88
	codeMemberOf       = 0x89 // and three for the device, for any, and for any of the device
	codeNotExists      = 0x8D
	codeNotContains    = 0x8E
	codeNotAnyOf       = 0x8F
	codeNotMemberOf    = 0x90 // and the same three
	codeAnd            = 0xA0
	codeOr             = 0xA1
	codeNot            = 0xA2
	codeAttribute      = 0xF8 // local; then user, resource and device
)

// literal reads the literal with token code from a condition. Any other token and a malformed value panic.
func (e *condition) literal(code byte) string {
	if code > 0 && code <= 4 { // an integer of 8, 16, 32 or 64 bits
		n, unused := int64(le(e.take(10)[:8])), 64-4<<code
		check(n<<unused>>unused == n, "an integer out of range")
		return signed(n)
	}
	s := e.counted()
	switch code {
	case codeString:
		check(terminated(s+"\x00\x00") == s, "a string with a NUL")
		return "s" + s
	case codeOctets:
		return "x" + s
	case codeSID:
		check(isSID(s), "a SID")
		return "d" + s
	}
	panic("no literal")
}

// holds evaluates an expression. It returns 1 for true, -1 for false and 0 for unknown. A malformed one, or one that
// does not end with a single result, is unknown.
func (q *query) holds(code string, deny bool, pass string) (result int) {
	defer func() {
		if recover() != nil {
			result = 0
		}
	}()
	const maxBytes, maxTokens = 10000, 2000
	check(strings.HasPrefix(code, "artx") && len(code) <= maxBytes, "no expression")
	if pass == "package" {
		pass = "" // a package has the claims and groups of its user
	}
	e, tokens := condition{code[4:]}, 0
	var stack []operand
	for ; e.rest != "" && e.rest[0] != 0; tokens++ {
		op := e.take(1)[0]
		switch {
		case op >= codeAttribute:
			stack = append(stack, q.claim(op, e.counted(), deny, pass))
		case op == codeList:
			list := operand{kind: 'c'}
			for elements := (&condition{e.counted()}); elements.rest != ""; tokens++ {
				list.values = append(list.values, elements.literal(elements.take(1)[0]))
			}
			stack = append(stack, list)
		case op < codeEqual:
			stack = append(stack, operand{kind: 'l', values: []string{e.literal(op)}})
		default:
			stack = q.apply(op, stack, deny, pass)
		}
	}
	isPadding := strings.HasPrefix("\x00\x00\x00", e.rest)
	check(len(stack) == 1 && tokens <= maxTokens && isPadding, "no expression")
	return stack[0].asTruth()
}

// claim returns the attribute that a token of a condition names. code selects the user's claims, the device's, the
// token's own or the object's. The result is NULL if there is no such attribute, and for an entry that allows if the
// attribute is for deny only.
func (q *query) claim(code byte, name string, deny bool, pass string) operand {
	scope := [...]string{"localAttributes", "userClaims", "resource", "deviceClaims"}[code-codeAttribute]
	if found := q.token.claims[pass+scope+fold(name, false)]; found != nil && (deny || !found.denyOnly) {
		return *found
	}
	return operand{kind: 'a'}
}

// apply replaces the operands of an operator at the end of the stack by its result. A missing operand and an unknown
// operator panic.
func (q *query) apply(op byte, stack []operand, deny bool, pass string) []operand {
	plain, isNegated := positive(op)
	left := len(stack) - 2
	if plain == codeNot || plain == codeExists || plain >= codeMemberOf && plain < codeNotExists {
		left = len(stack) - 1 // one operand
	}
	l, r := &stack[left], &stack[len(stack)-1]
	var t int
	switch plain {
	case codeAnd: // AND, OR and NOT are three-valued
		t = min(l.asTruth(), r.asTruth())
	case codeOr:
		t = max(l.asTruth(), r.asTruth())
	case codeNot:
		t = -r.asTruth()
	case codeExists:
		t = exists(r)
	case codeMemberOf, codeMemberOf + 1, codeMemberOf + 2, codeMemberOf + 3:
		t = q.memberOf(plain-codeMemberOf, r, deny, pass)
	default:
		t = relate(plain, l, r)
	}
	if isNegated {
		t = -t
	}
	return append(stack[:left], operand{kind: 'r', truth: t})
}

// positive returns the operator that a negated one negates. Another operator stays. An unknown one panics.
func positive(op byte) (plain byte, isNegated bool) {
	switch {
	case op == codeNotExists:
		return codeExists, true
	case op == codeNotContains:
		return codeContains, true
	case op == codeNotAnyOf:
		return codeAnyOf, true
	case op >= codeNotMemberOf && op < codeNotMemberOf+4:
		return op - codeNotMemberOf + codeMemberOf, true
	}
	check(op < codeNotExists || op >= codeAnd && op <= codeNot, "an unknown operator")
	return op, false
}

// exists evaluates Exists. An attribute exists if it is found and not NULL. A claim without values is unknown.
func exists(o *operand) int {
	if o.kind != 'a' || o.values != nil && len(o.values) == 0 {
		return 0
	}
	return truth(!o.null())
}

// relate evaluates Contains, Any_of and the relations. The result is unknown (0) if the left side is no attribute, for
// NULL, and for types that do not compare.
func relate(op byte, l, r *operand) int {
	sensitive := l.sensitive || r.sensitive
	x, y := l.keys(sensitive), r.keys(sensitive)
	if op == codeContains && r.kind == 'c' && len(y) == 0 {
		return -1 // Contains of an empty list is false.
	}
	if l.kind != 'a' || l.null() || r.null() || op == codeAnyOf && r.kind == 'l' || !haveOneKind(l.values, r.values) {
		return 0
	}
	onLeft := func(v string) bool { return slices.Contains(x, v) }
	notOnLeft := func(v string) bool { return !onLeft(v) }
	notOnRight := func(v string) bool { return !slices.Contains(y, v) }
	switch op {
	case codeContains:
		return truth(!slices.ContainsFunc(y, notOnLeft))
	case codeAnyOf:
		return truth(slices.ContainsFunc(y, onLeft))
	case codeEqual, codeNotEqual: // x has no duplicates
		isEqual := len(x) == len(y) && !slices.ContainsFunc(x, notOnRight)
		return truth(isEqual == (op == codeEqual))
	}
	// Only single numbers and strings have an order.
	leftKind, rightKind := l.values[0][0], r.values[0][0]
	if len(x) != 1 || len(y) != 1 || r.kind == 'c' || leftKind == 'b' || leftKind == 'd' || rightKind == 'b' {
		return 0
	}
	switch op {
	case codeLess:
		return truth(x[0] < y[0])
	case codeLessOrEqual:
		return truth(x[0] <= y[0])
	case codeGreater:
		return truth(x[0] > y[0])
	default: // codeGreaterOrEqual
		return truth(x[0] >= y[0])
	}
}

// haveOneKind reports whether each value of one side can be compared with each of the other: both have one kind, or
// both can be booleans.
func haveOneKind(left, right []string) bool {
	isBit := func(v string) bool { return v[0] == 'b' || v == unsigned("i", 0) || v == unsigned("i", 1) }
	for _, x := range left {
		for _, y := range right {
			if x[0] != y[0] && !(isBit(x) && isBit(y)) {
				return false
			}
		}
	}
	return true
}

// memberOf tests whether the token has all SIDs of a list, or any. form is a sum: 1 for the device's groups, 2
// for any. It returns 1 or -1, and 0 (unknown) for an empty list or if the operand is not of SIDs only.
func (q *query) memberOf(form byte, o *operand, deny bool, pass string) int {
	isSIDs := !slices.ContainsFunc(o.values, func(v string) bool { return v[0] != 'd' })
	if o.kind != 'l' && o.kind != 'c' || len(o.values) == 0 || !isSIDs {
		return 0
	}
	deny = deny && pass == ""
	if form&1 != 0 {
		if pass == "restricted" {
			deny = true // a restricting SID of the device counts also if it is for deny only
		}
		pass += "device"
	}
	isHeld := func(v string) bool { return q.member(q.token, pass, v[1:], deny) }
	if form&2 != 0 {
		return truth(slices.ContainsFunc(o.values, isHeld))
	}
	return truth(!slices.ContainsFunc(o.values, func(v string) bool { return !isHeld(v) }))
}
