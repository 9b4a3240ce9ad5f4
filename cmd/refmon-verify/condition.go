package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// value is one value of a claim or a literal: i integer, b boolean, s string (UTF-16), d SID, x octets.
type value struct {
	kind byte
	s    string // orders those of a kind, but for strings: a sign and big-endian bytes, or the bytes
}

func number(kind byte, v uint64, negative bool) value {
	return value{kind, string(binary.BigEndian.AppendUint64([]byte{pick[byte](negative, 0, 1)}, v))}
}

// claim is an attribute of token or object.
type claim struct {
	name   string // upper case
	flags  uint64
	values []value
}

var zero, one = number('i', 0, false).s, number('i', 1, false).s

// later are letters whose upper case came after Unicode 5.1, or is ASCII: to Windows they have none.
var later = strings.Fields("ı ſ ƛ ȿ-ɀ ɒ ɜ ɡ ɤ-ɦ ɪ-ɬ ʂ ʇ ʝ-ʞ ϳ ԥ-ԯ ა-ჿ ᏸ-ᏽ ᲀ-ᲊ ᶎ ⱟ ⳬ-ⳳ ⴧ-ⴭ ꙡ ꚙ-ꚛ ꞑ-ꟶ ꭓ-ꮿ")

// fold is UTF-16 in big-endian order, which sorts, and upper case unless sensitive.
func fold(units string, sensitive bool) string {
	var b []byte
	for ; units != ""; units = units[2:] {
		u := rune(le(units[:2]))
		asIs := func(r string) bool { return []rune(r)[0] <= u && u <= []rune(r)[len([]rune(r))-1] }
		b = binary.BigEndian.AppendUint16(b, uint16(pick(sensitive || slices.ContainsFunc(later, asIs), u, unicode.ToUpper(u))))
	}
	return string(b)
}

func units(text string) (s string) {
	for _, u := range utf16.Encode([]rune(text)) {
		s += string([]byte{byte(u), byte(u >> 8)})
	}
	return s
}

// terminated is the UTF-16 before the first NUL.
func terminated(s string) string {
	i := 0
	for ; s[i:i+2] != "\x00\x00"; i += 2 {
	}
	return s[:i]
}

// parseClaims reads claims of a token file.
func parseClaims(list []any, domain string) (out []claim) {
	for _, v := range list {
		o := v.(map[string]any)
		c := claim{name: fold(units(o["name"].(string)), false), flags: must(strconv.ParseUint(fmt.Sprint(get[any](o, "flags", "0")), 0, 32))}
		for _, v := range o["values"].([]any) {
			text, v := fmt.Sprint(v), value{}
			switch o["type"] {
			case "int64":
				n := must(strconv.ParseInt(text, 10, 64))
				v = number('i', uint64(n), n < 0)
			case "uint64":
				v = number('i', must(strconv.ParseUint(text, 0, 64)), false)
			case "boolean":
				v = number('b', must(strconv.ParseUint(strings.NewReplacer("true", "1", "false", "0").Replace(text), 0, 1)), false)
			case "string":
				v = value{'s', units(text)}
			case "sid":
				v = value{'d', string(parseSID(text, domain))}
			case "octets":
				v = value{'x', string(must(hex.DecodeString(text)))}
			}
			c.values = append(c.values, v)
		}
		out = append(out, c)
	}
	return out
}

// parseAttribute reads an attribute of the object; one that cannot be read is none (S-33).
func parseAttribute(b string) (list []claim) {
	defer func() { list = pick(recover() == nil, list, nil) }()
	kind, left := map[uint64]byte{1: 'i', 2: 'i', 3: 's', 5: 'd', 6: 'b', 16: 'x'}[le(b[4:6])], 65536
	at := func(i uint64) string { return b[le(b[i:i+4]):] }
	c := claim{name: fold(terminated(at(0)), false), flags: le(b[8:12])}
	check(kind != 0 && c.name != "" && c.flags&0xFF00 == 0 && le(b[12:16]) <= 4096, "attribute")
	for i := range le(b[12:16]) {
		s := at(16 + 4*i)
		switch kind {
		case 's':
			s = terminated(s)
			left -= len(s) + 2
		case 'd', 'x':
			s = s[4 : 4+le(s[:4])]
			check(kind == 'x' || isSID(s), "a SID")
			left -= len(s) + 4
		default:
			check(kind == 'i' || le(s[:8]) <= 1, "boolean")
			s = number(kind, le(s[:8]), b[4] == 1 && s[7] > 127).s
			left -= 8
		}
		check(left >= 0, "overlap")
		c.values = append(c.values, value{kind, s})
	}
	return []claim{c}
}

// operand is what lies on the stack: a result r, an attribute a (without values NULL), a literal l, a list c.
type operand struct {
	kind      byte
	truth     int // of a result: -1 false, 0 unknown, 1 true
	values    []value
	sensitive bool
}

// condition is an expression, and for whom it is evaluated.
type condition struct {
	q      *query
	rest   string // tokens to come
	tokens int
	deny   bool
	pass   string
}

func (e *condition) take(n uint64) (s string) {
	s, e.rest = e.rest[:n], e.rest[n:]
	return s
}

// holds evaluates a conditional expression; one that is malformed or does not leave one result is unknown.
func (q *query) holds(code string, deny bool, pass string) (truth int) {
	defer func() { truth = pick(recover() == nil, truth, 0) }()
	e, stack := condition{q: q, rest: code[4:], deny: deny, pass: strings.TrimPrefix(pass, "package")}, []operand{}
	for e.rest != "" && e.rest[0] != 0 {
		op := e.rest[0]
		if op < 0x80 || op > 0xA2 {
			stack = append(stack, e.operand(true))
			continue
		}
		e.rest, e.tokens = e.rest[1:], e.tokens+1
		n := len(stack) - pick(op >= 0x89 && op <= 0x8D || op >= 0x90 && op < 0xA0 || op == 0x87 || op == 0xA2, 1, 2)
		stack = append(stack[:n], operand{kind: 'r', truth: e.apply(op, &stack[n], &stack[len(stack)-1])})
	}
	check(len(stack) == 1 && code[:4] == "artx" && len(code) <= 10000 && e.tokens <= 2000 && strings.HasPrefix("\x00\x00\x00", e.rest), "expression")
	return stack[0].asTruth()
}

// operand reads a literal, or where outer is set also an attribute or a list.
func (e *condition) operand(outer bool) (o operand) {
	e.tokens++
	code, s := e.take(1)[0], ""
	if code > 4 {
		s = e.take(le(e.take(4)))
	}
	o.kind = 'l'
	switch {
	case code <= 4:
		s = e.take(10)
		n, unused := int64(le(s[:8])), 64-4<<code
		check(n<<unused>>unused == n, "integer")
		o.values = []value{number('i', uint64(n), n < 0)}
	case code == 0x10:
		check(terminated(s+"\x00\x00") == s, "string")
		o.values = []value{{'s', s}}
	case code == 0x18:
		o.values = []value{{'x', s}}
	case code == 0x51:
		check(isSID(s), "SID")
		o.values = []value{{'d', s}}
	case code == 0x50 && outer:
		list := condition{q: e.q, rest: s}
		for o.kind = 'c'; list.rest != ""; {
			o.values = append(o.values, list.operand(false).values...)
		}
		e.tokens += list.tokens
	default:
		check(code >= 0xF8 && code <= 0xFB && outer, "token")
		o.kind = 'a'
		e.look(&o, [...]string{"localAttributes", "userClaims", "resource", "deviceClaims"}[code-0xF8], fold(s, false))
	}
	return o
}

// look finds an attribute: the last of a name; disabled, or with a value twice, it is NULL (A-110, S-32).
func (e *condition) look(o *operand, scope, name string) {
	for _, c := range slices.Backward(e.q.token.claims[e.pass+scope]) {
		if c.name == name {
			seen := map[string]bool{}
			for _, v := range c.values {
				seen[v.same(c.flags&2 != 0)] = true
			}
			o.sensitive, o.values = c.flags&2 != 0, pick(c.flags&0x10 != 0 || len(seen) < len(c.values), nil, c.values)
			return
		}
	}
}

// same is what equal values have in common, and what orders them.
func (v value) same(sensitive bool) string {
	return pick(v.kind == 's', fold(pick(v.kind == 's', v.s, ""), sensitive), v.s)
}

// asTruth is an operand of a logical operator: a result, or whether an attribute has a value that is not nothing.
func (o *operand) asTruth() int {
	check(o.kind == 'r' || o.kind == 'a', "a literal")
	if o.kind == 'r' || len(o.values) == 0 || o.values[0].kind == 'd' || o.values[0].kind == 'x' {
		return o.truth
	}
	return truth(slices.ContainsFunc(o.values, func(v value) bool { return v.s != "" && v.s != zero }))
}

func truth(b bool) int { return pick(b, 1, -1) }

// families of the operators from 0x80: relations, contains, exists, any of, member of; from 0x8D on negated.
const families = "rrrrrrceammmmecammmm"

// apply is an operator; r is the last operand, which may be the only one.
func (e *condition) apply(op byte, l, r *operand) (t int) {
	switch op {
	case 0xA0:
		return min(l.asTruth(), r.asTruth())
	case 0xA1:
		return max(l.asTruth(), r.asTruth())
	case 0xA2:
		return -l.asTruth()
	}
	f, known := families[op-0x80], l.kind == 'a' && len(l.values) > 0 && r.kind != 'r' && (r.kind != 'a' || len(r.values) > 0)
	common, every, sensitive := map[string]bool{}, true, l.sensitive || r.sensitive
	bit := func(v value) bool { return v.kind == 'b' || v.kind == 'i' && (v.s == zero || v.s == one) }
	for _, y := range r.values {
		found := false
		for _, x := range l.values {
			known = known && (x.kind == y.kind || bit(x) && bit(y))
			found = found || x.same(sensitive) == y.same(sensitive)
		}
		if every = every && found; found {
			common[y.same(sensitive)] = true
		}
	}
	switch {
	case f == 'e' && l.kind == 'a':
		t = truth(len(l.values) > 0)
	case f == 'm':
		t = e.member(op, r)
	case f == 'c' && r.kind == 'c' && len(r.values) == 0:
		t = -1
	case f == 'a' && r.kind == 'l' || !known:
	case f == 'c' || f == 'a':
		t = truth(len(common) > 0 && (f == 'a' || every))
	case op <= 0x81:
		t = truth((len(l.values) == len(r.values) && len(common) == len(r.values)) == (op == 0x80))
	case len(l.values) == 1 && len(r.values) == 1 && r.kind != 'c' && l.values[0].kind != 'd' && l.values[0].kind != 'b' && r.values[0].kind != 'b':
		c := strings.Compare(l.values[0].same(sensitive), r.values[0].same(sensitive))
		t = truth([...]bool{c < 0, c <= 0, c > 0, c >= 0}[op-0x82])
	}
	return pick(op >= 0x8D, -t, t)
}

// member is the Member_of family: all of a list of SIDs, or any.
func (e *condition) member(op byte, o *operand) int {
	form, held := op-pick[byte](op >= 0x90, 0x90, 0x89), 0 // 1 the device's, 2 any
	if o.kind == 'a' || o.kind == 'r' || len(o.values) == 0 || slices.ContainsFunc(o.values, func(v value) bool { return v.kind != 'd' }) {
		return 0
	}
	pass := e.pass + pick(form&1 != 0, "device", "")
	for _, v := range o.values {
		held += pick(e.q.member(e.q.token, pass, sid(v.s), e.deny && e.pass == "" || pass == "restricteddevice"), 1, 0)
	}
	return truth(held == len(o.values) || form&2 != 0 && held > 0)
}
