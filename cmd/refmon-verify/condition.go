package main

import (
	"slices"
	"strings"
)

// operand is what lies on the stack of a condition: a result r, an attribute a (without values NULL), a literal l, a list c.
type operand struct {
	kind      byte
	truth     int // of a result: -1 false, 0 unknown, 1 true
	values    []string
	sensitive bool
}

func truth(b bool) int { return pick(b, 1, -1) }

// asTruth is an operand of a logical operator: a result, or whether an attribute has a value that is not nothing.
func (o *operand) asTruth() int {
	check(o.kind == 'r' || o.kind == 'a', "a literal has no truth")
	something := func(v string) bool { return len(v) > 1 && v[1:] != unsigned("", 0) }
	return pick(len(o.values) == 0 || strings.Contains("dx", o.values[0][:1]), o.truth, truth(slices.ContainsFunc(o.values, something)))
}

// keys are what equal values have in common, and what orders them.
func (o *operand) keys(sensitive bool) (keys []string) {
	each(o.values, func(v string) {
		keys = append(keys, fold(pick(v[0] == 's', v[1:], ""), sensitive)+pick(v[0] == 's', "", v[1:]))
	})
	return keys
}

// condition is the rest of a conditional expression, and for whom it is evaluated.
type condition struct {
	*query
	rest string
	deny bool
	pass string
}

func (e *condition) take(n uint64) (s string) {
	s, e.rest = e.rest[:n], e.rest[n:]
	return s
}

func (e *condition) literal(code byte) string {
	if code <= 4 {
		n, unused := int64(le(e.take(10)[:8])), 64-4<<code
		check(n<<unused>>unused == n, "an integer out of range")
		return signed(n)
	}
	s := e.take(le(e.take(4)))
	check(code == 0x10 && terminated(s+"\x00\x00") == s || code == 0x18 || code == 0x51 && isSID(s), "no literal")
	return map[byte]string{0x10: "s", 0x18: "x", 0x51: "d"}[code] + s
}

// holds evaluates an expression; one that is malformed or does not leave one result is unknown.
func (q *query) holds(code string, deny bool, pass string) (result int) {
	defer func() { result = pick(recover() == nil, result, 0) }()
	e, stack, tokens := condition{q, code[4:], deny, strings.TrimPrefix(pass, "package")}, []operand{}, 0
	for ; e.rest != "" && e.rest[0] != 0; tokens++ {
		op, o, n := e.take(1)[0], operand{kind: 'l'}, len(stack)
		switch {
		case op >= 0xF8:
			o = e.attribute(op, fold(e.take(le(e.take(4))), false))
		case op == 0x50:
			o.kind = 'c'
			for list := (&condition{rest: e.take(le(e.take(4)))}); list.rest != ""; tokens++ {
				o.values = append(o.values, list.literal(list.take(1)[0]))
			}
		case op < 0x80:
			o.values = []string{e.literal(op)}
		case op == 0xA0:
			n, o = n-2, operand{kind: 'r', truth: min(stack[n-2].asTruth(), stack[n-1].asTruth())}
		case op == 0xA1:
			n, o = n-2, operand{kind: 'r', truth: max(stack[n-2].asTruth(), stack[n-1].asTruth())}
		case op == 0xA2:
			n, o = n-1, operand{kind: 'r', truth: -stack[n-1].asTruth()}
		default: // from 0x80: relations, contains, exists, any of, member of; from 0x8D on negated
			f := "rrrrrrceammmmecammmm"[op-0x80]
			n -= pick(f == 'e' || f == 'm', 1, 2)
			t := e.compare(f, op, &stack[n], &stack[len(stack)-1])
			o = operand{kind: 'r', truth: pick(op >= 0x8D, -t, t)}
		}
		stack = append(stack[:n], o)
	}
	check(len(stack) == 1 && code[:4] == "artx" && len(code) <= 10000 && tokens <= 2000 && strings.HasPrefix("\x00\x00\x00", e.rest), "no expression")
	return stack[0].asTruth()
}

// attribute is the last of a name; disabled, or with a value twice, it is NULL (A-110, S-32).
func (e *condition) attribute(scope byte, name string) (o operand) {
	o.kind = 'a'
	for _, c := range e.token.claims[e.pass+[...]string{"localAttributes", "userClaims", "resource", "deviceClaims"}[scope-0xF8]] {
		if c.name == name {
			o.values, o.sensitive = c.values, c.flags&2 != 0
			once := slices.Compact(slices.Sorted(slices.Values(o.keys(o.sensitive))))
			o.values = pick(c.flags&0x10 != 0 || len(once) < len(c.values), nil, c.values)
		}
	}
	return o
}

// compare is an operator on values; r is the last operand, which may be the only one.
func (e *condition) compare(family, op byte, l, r *operand) int {
	null := func(o *operand) bool { return o.kind == 'r' || o.kind == 'a' && len(o.values) == 0 }
	bit := func(v string) bool { return v[0] == 'b' || v == unsigned("i", 0) || v == unsigned("i", 1) }
	in := func(list []string) func(string) bool { return func(v string) bool { return slices.Contains(list, v) } }
	odd := func(x string) bool { // does not agree with each of the right
		return slices.ContainsFunc(r.values, func(y string) bool { return x[0] != y[0] && (!bit(x) || !bit(y)) })
	}
	x, y := l.keys(l.sensitive || r.sensitive), r.keys(l.sensitive || r.sensitive)
	missing := slices.ContainsFunc(y, func(v string) bool { return !slices.Contains(x, v) })
	switch {
	case family == 'e':
		return pick(l.kind == 'a', truth(!null(l)), 0)
	case family == 'm':
		return e.memberOf(op-pick[byte](op >= 0x90, 0x90, 0x89), r)
	case family == 'c' && r.kind == 'c' && len(y) == 0:
		return -1
	case l.kind != 'a' || null(l) || null(r) || family == 'a' && r.kind == 'l' || slices.ContainsFunc(l.values, odd):
		return 0
	case family == 'c':
		return truth(!missing)
	case family == 'a':
		return truth(slices.ContainsFunc(y, in(x)))
	case op <= 0x81: // no value is twice on the left
		lacks := slices.ContainsFunc(x, func(v string) bool { return !slices.Contains(y, v) })
		return truth((len(x) == len(y) && !lacks) == (op == 0x80))
	case len(x) != 1 || len(y) != 1 || r.kind == 'c' || strings.Contains("bd", l.values[0][:1]) || r.values[0][0] == 'b':
		return 0
	}
	return truth([]bool{x[0] < y[0], x[0] <= y[0], x[0] > y[0], x[0] >= y[0]}[op-0x82])
}

// memberOf asks for all of a list of SIDs, or any. form: 1 of the device's, 2 any.
func (e *condition) memberOf(form byte, o *operand) int {
	if strings.Contains("ar", string(o.kind)) || len(o.values) == 0 || slices.ContainsFunc(o.values, func(v string) bool { return v[0] != 'd' }) {
		return 0
	}
	pass := e.pass + pick(form&1 != 0, "device", "")
	lacks := func(v string) bool {
		return !e.member(e.token, pass, v[1:], e.deny && e.pass == "" || pass == "restricteddevice")
	}
	held := len(slices.DeleteFunc(slices.Clone(o.values), lacks))
	return truth(held == len(o.values) || form&2 != 0 && held > 0)
}
