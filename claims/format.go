package claims

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/sid"
)

// Format returns the canonical text as Windows prints it, including outer parentheses: `((@USER.A) && (@DEVICE.B ==
// 1))` (S-48). aliasOf returns the alias of a SID ("BA"). If it returns "" or is nil, Format prints the S-1-… form.
// The text parses to an equivalent expression. If the expression came from text, it parses to the same bytes. Format
// returns "" for an expression that has no text form:
//   - a program that does not leave exactly one result
//   - an operand that the grammar does not allow: a literal on the left, or a local attribute on the right
//   - a local name or string with a character that the text form cannot contain
func (e *Expr) Format(aliasOf func(sid.SID) string) string {
	if e.state != stateFine {
		return ""
	}
	p := printer{e: e, alias: aliasOf}
	p.byte('(')
	p.ref(e.root)
	p.byte(')')
	if p.failed {
		return ""
	}
	return string(p.buf)
}

// printer writes the text of a condition or attribute to buf. failed becomes true if a part has no text form.
type printer struct {
	e      *Expr
	alias  func(sid.SID) string
	buf    []byte
	failed bool
}

// byte writes one byte.
func (p *printer) byte(c byte) { p.buf = append(p.buf, c) }

// string writes s unchanged, without quotes.
func (p *printer) string(s string) { p.buf = append(p.buf, s...) }

// group writes an operand or an operator with its operands, in parentheses.
func (p *printer) group(r ref) {
	p.byte('(')
	p.ref(r)
	p.byte(')')
}

// ref writes an operand, or an operator with its operands, without parentheses around it.
func (p *printer) ref(r ref) {
	if r < 0 {
		p.operand(&p.e.operands[^r])
		return
	}
	n := &p.e.nodes[r]
	op := operators[n.op]
	switch op.family {
	case famNot:
		p.byte('!')
		p.group(n.left)
		return
	case famBinary:
		p.group(n.left)
	case famRelation, famSet:
		if n.left >= 0 {
			p.group(n.left)
		} else {
			p.ref(n.left)
		}
	default:
		p.string(op.text)
		p.byte(' ')
		p.ref(n.left)
		return
	}
	p.byte(' ')
	p.string(op.text)
	p.byte(' ')
	if op.family == famBinary {
		p.group(n.right)
	} else {
		p.ref(n.right)
	}
}

// operand writes an attribute, a literal, or a list of literals in braces.
func (p *printer) operand(o *operand) {
	switch o.kind {
	case kindAttribute:
		p.attribute(o.scope, o.name)
	case kindScalar:
		p.literal(&o.lits[0])
	default:
		p.byte('{')
		for i := range o.lits {
			if i > 0 {
				p.string(", ")
			}
			p.literal(&o.lits[i])
		}
		p.byte('}')
	}
}

// attribute writes the name of an attribute with the prefix of its scope. A local attribute has no prefix and no
// escapes (S-49). A name that the text form cannot express sets failed.
func (p *printer) attribute(scope Scope, name string) {
	if scope == Local {
		if !isLocalName(name) {
			p.failed = true
		}
		p.string(name)
		return
	}
	if name == "" {
		p.failed = true
	}
	p.string(scope.String())
	p.buf = appendEscaped(p.buf, name)
}

// isLocalName reports whether name can be written without a prefix: it has
// only letters, digits and : . / _, and is not an operator word.
func isLocalName(name string) bool {
	if name == "" || wordOperator(name) != 0 {
		return false
	}
	for rest := name; rest != ""; {
		r, n := nextRune(rest)
		if !isLocalRune(r) {
			return false
		}
		rest = rest[n:]
	}
	return true
}

// appendEscaped appends the name of an attribute to dst, with each UTF-16 unit outside the plain characters as % and
// four lower-case hex digits (S-49).
func appendEscaped(dst []byte, name string) []byte {
	const hex = "0123456789abcdef"
	for u := (units{s: name}); ; {
		x, ok := u.step()
		if !ok {
			return dst
		}
		if isPlain(rune(x)) {
			dst = append(dst, byte(x))
			continue
		}
		dst = append(dst, '%', hex[x>>12], hex[x>>8&15], hex[x>>4&15], hex[x&15])
	}
}

// literal writes a constant of a condition: a number, "string", #octets or SID(…).
func (p *printer) literal(l *literal) {
	switch l.typ {
	case String:
		p.quoted(l.s)
	case Octets:
		// An octet string is # and hexadecimal digits (S-51).
		p.byte('#')
		p.hex(l.s)
	case SID:
		// A condition writes a SID as SID(…) (S-52).
		p.string("SID(")
		p.sid(l.sid)
		p.byte(')')
	default:
		p.integer(l)
	}
}

// quoted writes a string in quotes. It sets failed for a string that contains a quote or a lone surrogate, because
// strings have no escapes (S-50).
func (p *printer) quoted(s string) {
	if strings.IndexByte(s, '"') >= 0 || !utf8.ValidString(s) {
		p.failed = true
	}
	p.byte('"')
	p.string(s)
	p.byte('"')
}

// hex writes the bytes of s as lower-case hexadecimal digits.
func (p *printer) hex(s string) {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); i++ {
		p.buf = append(p.buf, hex[s[i]>>4], hex[s[i]&15])
	}
}

// integer writes a number with the sign and base that it had in the source. Without a sign, octal and hex are the
// unsigned 64 bits (S-50).
func (p *printer) integer(l *literal) {
	magnitude := uint64(l.i)
	switch {
	case l.i < 0 && (l.sign == signMinus || l.base != baseOctal && l.base != baseHex):
		magnitude = -magnitude
		p.byte('-')
	case l.i == 0 && l.sign == signMinus:
		p.byte('-')
	case l.i >= 0 && l.sign == signPlus:
		p.byte('+')
	}
	switch l.base {
	case baseOctal:
		p.byte('0')
		p.buf = strconv.AppendUint(p.buf, magnitude, 8)
	case baseHex:
		p.string("0x")
		p.buf = strconv.AppendUint(p.buf, magnitude, 16)
	default:
		p.buf = strconv.AppendUint(p.buf, magnitude, 10)
	}
}

// sid writes a SID as its alias, or as S-1-… if it has none. The zero SID and a SID without sub-authorities have no
// text form and set failed.
func (p *printer) sid(s sid.SID) {
	if p.alias != nil {
		if text := p.alias(s); text != "" {
			p.string(text)
			return
		}
	}
	if s.IsZero() {
		p.failed = true
		return
	}
	p.buf = s.AppendText(p.buf)
	if s.SubAuthorities() == 0 {
		p.failed = true // the text form needs a sub-authority
	}
}

// Format returns the text of the attribute in a resource-attribute entry: `("name",TI,0x0,1,2)` (S-53). aliasOf is as
// in [Expr.Format]. Format returns "" for an attribute that has no text form:
//   - one without values
//   - one with a string that contains a quote or a lone surrogate
//   - one that Validate refuses
func (a *Attribute) Format(aliasOf func(sid.SID) string) string {
	if a.Len() == 0 || a.Validate() != nil {
		return ""
	}
	p := printer{alias: aliasOf}
	p.string(`("`)
	p.buf = appendEscaped(p.buf, a.Name)
	p.string(`",`)
	p.string(a.Type.String())
	p.string(",0x")
	p.buf = strconv.AppendUint(p.buf, uint64(a.Flags), 16)
	for i := range a.Len() {
		p.byte(',')
		switch a.Type {
		case Int64:
			p.buf = strconv.AppendInt(p.buf, a.Ints[i], 10)
		case String:
			p.quoted(a.Strings[i])
		case SID:
			p.sid(a.SIDs[i])
		case Octets:
			p.octets(a.Octets[i])
		default:
			p.buf = strconv.AppendUint(p.buf, a.Uints[i], 10)
		}
	}
	p.byte(')')
	if p.failed {
		return ""
	}
	return string(p.buf)
}

// octets writes an octet string of a resource attribute as bare hexadecimal digits (S-51). It writes an empty one as
// a pair of quotes, since nothing at all would be no value.
func (p *printer) octets(b []byte) {
	if len(b) == 0 {
		p.string(`""`)
		return
	}
	p.hex(string(b))
}
