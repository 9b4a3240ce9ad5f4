package main

import (
	"slices"
	"strings"
)

// operand is a value on the stack of a condition's evaluation. Its kind is a result r, an attribute a (NULL without
// values), a literal l or a list c.
type operand struct {
	kind      byte
	truth     int      // of a result: -1 false, 0 unknown, 1 true
	values    []string // nil if it is not found; empty for a user or device claim without values
	sensitive bool
	denyOnly  bool // of an attribute: NULL where the entry allows
}

func truth(b bool) int        { return pick(b, 1, -1) }
func (o *operand) null() bool { return o.kind == 'r' || o.kind == 'a' && len(o.values) == 0 }

// asTruth converts an operand to 1 (true), 0 (unknown) or -1. A result stays. An attribute is true if it has a value
// other than zero or empty.
func (o *operand) asTruth() int {
	check(o.kind == 'r' || o.kind == 'a', "a literal has no truth")
	something := truth(some(o.values, func(v string) bool { return len(v) > 1 && v[1:] != unsigned("", 0) }))
	return pick(o.null() || strings.Contains("dx", (o.values[0] + "d")[:1]), o.truth, something)
}

// keys returns a comparison key for each value of an operand: equal values have equal keys, and keys sort like the
// values. sensitive keeps the case of strings.
func (o *operand) keys(sensitive bool) (keys []string) {
	each(o.values, func(v string) {
		keys = append(keys, pick(v[0] == 's', fold(pick(v[0] == 's', v[1:], ""), sensitive), v[1:]))
	})
	return keys
}

// condition is the part of a binary conditional expression that is not evaluated yet.
type condition struct{ rest string }

func (e *condition) take(n uint64) (s string) { s, e.rest = e.rest[:n], e.rest[n:]; return s }
func (e *condition) counted() string          { return e.take(le(e.take(4))) }

// literal reads the literal with token code from a condition. An integer gives its text in the form of signed. A
// string gives "s" and the text, octets "x" and the bytes, a SID "d" and the bytes. Any other token and a malformed
// value panic.
func (e *condition) literal(code byte) string {
	if code > 0 && code <= 4 {
		n, unused := int64(le(e.take(10)[:8])), 64-4<<code
		check(n<<unused>>unused == n, "an integer out of range")
		return signed(n)
	}
	s := e.counted()
	check(code == 0x10 && terminated(s+"\x00\x00") == s || code == 0x18 || code == 0x51 && isSID(s), "no literal")
	return map[byte]string{0x10: "s", 0x18: "x", 0x51: "d"}[code] + s
}

// holds evaluates an expression. It returns 1 for true, -1 for false and 0 for unknown. A malformed one, or one that
// does not end with a single result, is unknown.
func (q *query) holds(code string, deny bool, pass string) (result int) {
	defer func() { result = pick(recover() == nil, result, 0) }()
	e, stack, tokens := condition{code[4:]}, []operand{}, 0
	for pass = strings.TrimPrefix(pass, "package"); e.rest != "" && e.rest[0] != 0; tokens++ {
		op, o, n := e.take(1)[0], operand{kind: 'l'}, len(stack)
		switch {
		case op >= 0xF8:
			scope := [...]string{"localAttributes", "userClaims", "resource", "deviceClaims"}[op-0xF8]
			o.kind = 'a'
			if found := q.token.claims[pass+scope+fold(e.counted(), false)]; found != nil && (deny || !found.denyOnly) {
				o = *found
			}
		case op == 0x50:
			for list := (&condition{e.counted()}); list.rest != ""; tokens++ {
				o.values = append(o.values, list.literal(list.take(1)[0]))
			}
			o.kind = 'c'
		case op < 0x80:
			o.values = []string{e.literal(op)}
		default: // relations, contains, exists, any of, member of; from 0x8D on negated; and, or, not
			family := "rrrrrrceammmmecammmm............&|!"[op-0x80]
			check(family != '.', "an unknown operator")
			n -= pick(strings.IndexByte("em!", family) >= 0, 1, 2)
			l, r := &stack[n], &stack[len(stack)-1]
			t := pick(family == 'm', q.memberOf(op-pick[byte](op >= 0x90, 0x90, 0x89), r, deny, pass), 0) +
				apply(family, op, l, r)
			o = operand{kind: 'r', truth: pick(op >= 0x8D && op < 0xA0, -t, t)}
		}
		stack = append(stack[:n], o)
	}
	check(len(stack) == 1 && code[:4] == "artx" && len(code) <= 10000 && tokens <= 2000 &&
		strings.HasPrefix("\x00\x00\x00", e.rest), "no expression")
	return stack[0].asTruth()
}

// apply evaluates a condition operator outside the Member_of family. The result is 1 for true, -1 for false and 0 for
// unknown. l and r are the operands; unary operators ignore l. Most operators give unknown for NULL and for types
// that do not compare.
func apply(family, op byte, l, r *operand) int {
	bit := func(v string) bool { return v[0] == 'b' || v == unsigned("i", 0) || v == unsigned("i", 1) }
	odd := func(x string) bool { // It does not agree with each of the right.
		return some(r.values, func(y string) bool { return x[0] != y[0] && (!bit(x) || !bit(y)) })
	}
	x, y := l.keys(l.sensitive || r.sensitive), r.keys(l.sensitive || r.sensitive)
	missing, lacking := func(v string) bool { return !slices.Contains(x, v) },
		func(v string) bool { return !slices.Contains(y, v) }
	switch {
	case family == '&': // NOT, AND and OR are three-valued.
		return min(l.asTruth(), r.asTruth())
	case family == '|':
		return max(l.asTruth(), r.asTruth())
	case family == '!':
		return -l.asTruth()
	case family == 'e': // An attribute exists if it is found and not NULL. A claim without values is unknown.
		return pick(l.kind == 'a' && (l.values == nil || len(l.values) > 0), truth(!l.null()), 0)
	case family == 'c' && r.kind == 'c' && len(y) == 0: // Contains of an empty right side is False.
		return -1
	case family == 'm' || l.kind != 'a' || l.null() || r.null() || family == 'a' && r.kind == 'l' ||
		some(l.values, odd):
		return 0
	case family == 'c':
		return truth(!some(y, missing))
	case family == 'a':
		return truth(len(slices.DeleteFunc(y, missing)) > 0)
	case op <= 0x81: // No value is twice on the left.
		return truth((len(x) == len(y) && !some(x, lacking)) == (op == 0x80))
	case len(x) != 1 || len(y) != 1 || r.kind == 'c' || strings.Contains("bd", l.values[0][:1]) ||
		r.values[0][0] == 'b':
		return 0
	}
	return truth([...]bool{x[0] < y[0], x[0] <= y[0], x[0] > y[0], x[0] >= y[0]}[op-0x82])
}

// memberOf tests membership in all SIDs of a list, or in any. form: 1 for the device's groups, 2 for any. It
// returns 1 or -1, and 0 (unknown) for an empty list or if the operand is not of SIDs only.
func (q *query) memberOf(form byte, o *operand, deny bool, pass string) int {
	where := pass + pick(form&1 != 0, "device", "")
	deny = deny && pass == "" || where == "restricteddevice"
	held := func(v string) bool { return q.member(q.token, where, v[1:], deny) }
	lacking := func(v string) bool { return !held(v) }
	known := (o.kind == 'l' || o.kind == 'c') && len(o.values) > 0 &&
		!some(o.values, func(v string) bool { return v[0] != 'd' })
	return pick(known, truth(pick(form&2 != 0, some(o.values, held), !some(o.values, lacking))), 0)
}
