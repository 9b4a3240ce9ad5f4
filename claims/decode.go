package claims

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Decode decodes the application data of a conditional entry. This is "artx", known and complete tokens within the
// limits, and at most three zero bytes at the end. The error for other bytes wraps [ErrExpr]. Decode also accepts a
// program that does not leave exactly one result. Such a program evaluates to Unknown.
func Decode(artx []byte) (*Expr, error) {
	if !IsConditional(artx) {
		return nil, fmt.Errorf("%w: it does not start with %q", ErrExpr, signature)
	}
	// An expression has at most 10,000 bytes (S-35).
	if len(artx) > MaxExprSize {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrExpr, len(artx), MaxExprSize)
	}
	d := decoder{e: &Expr{raw: string(artx)}, off: len(signature)}
	stack, err := d.program()
	if err != nil {
		return nil, err
	}
	d.finish(stack)
	return d.e, nil
}

// decoder decodes the postfix program of one condition. It runs the program on a stack of refs, which builds the
// tree. Every error of its methods wraps [ErrExpr].
type decoder struct {
	e      *Expr
	off    int
	tokens int
	broken bool // the stack ran empty or a literal was a logical operand
	text   bool // false: S-36 is violated, so there is no text
}

// errorf returns an error that names the byte at an offset and wraps [ErrExpr].
func (d *decoder) errorf(offset int, format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrExpr, offset, fmt.Sprintf(format, args...))
}

// program decodes all tokens of the condition and returns the stack that remains.
func (d *decoder) program() ([]ref, error) {
	var stack []ref
	d.text = true
	raw := d.e.raw
	for d.off < len(raw) {
		at, code := d.off, raw[d.off]
		// At most three zero bytes follow the tokens (S-34).
		if code == tokPad {
			rest := raw[at:]
			if len(rest) > 3 || strings.Trim(rest, "\x00") != "" {
				return nil, d.errorf(at, "padding is more than 3 bytes or not zero")
			}
			break
		}
		d.off++
		// An expression has at most 2,000 tokens (S-35).
		if d.tokens++; d.tokens > MaxTokens {
			return nil, d.errorf(at, "more than %d tokens", MaxTokens)
		}
		if operators[code].family != famNone {
			stack = d.applyOperator(code, stack)
			continue
		}
		o, err := d.operand(code, at)
		if err != nil {
			return nil, err
		}
		d.e.operands = append(d.e.operands, o)
		stack = append(stack, ^ref(len(d.e.operands)-1))
	}
	return stack, nil
}

// operand decodes an attribute name, a literal or a list of literals. Its token code, at the offset, has been read.
// The caller adds the result to the expression.
func (d *decoder) operand(tokenCode byte, offset int) (operand, error) {
	switch tokenCode {
	case tokLocal, tokUser, tokResource, tokDevice:
		p, err := d.payload(offset)
		if err != nil {
			return operand{}, err
		}
		if len(p)%2 != 0 {
			return operand{}, d.errorf(offset, "attribute name of odd length %d", len(p))
		}
		scope := [...]Scope{Local, User, Resource, Device}[tokenCode-tokLocal]
		return operand{kind: kindAttribute, scope: scope, name: decodeUTF16(p)}, nil
	case tokComposite:
		return d.composite(offset)
	}
	l, err := d.literal(tokenCode, offset)
	if err != nil {
		return operand{}, err
	}
	return operand{kind: kindScalar, lits: []literal{l}, typ: l.typ}, nil
}

// composite decodes a list of literals, which may be empty. Its token code, at the offset, has been read. A list
// inside a list is an error (S-34).
func (d *decoder) composite(offset int) (operand, error) {
	p, err := d.payload(offset)
	if err != nil {
		return operand{}, err
	}
	o := operand{kind: kindComposite}
	end := d.off
	for d.off = end - len(p); d.off < end; {
		at, code := d.off, d.e.raw[d.off]
		d.off++
		// The members of a list count as tokens too (S-35).
		if d.tokens++; d.tokens > MaxTokens {
			return operand{}, d.errorf(at, "more than %d tokens", MaxTokens)
		}
		// A list holds literals, never another list (S-34).
		l, err := d.literal(code, at)
		if err != nil {
			return operand{}, err
		}
		if d.off > end {
			return operand{}, d.errorf(at, "the value passes the end of its composite")
		}
		o.lits = append(o.lits, l)
	}
	o.typ = commonType(o.lits)
	o.order = newOrder(&view{lits: o.lits, typ: o.typ, n: len(o.lits)})
	return o, nil
}

// commonType returns the type that all literals have. It returns 0 if they have several types or there are none.
func commonType(lits []literal) Type {
	if len(lits) == 0 {
		return 0
	}
	for i := range lits {
		if lits[i].typ != lits[0].typ {
			return 0
		}
	}
	return lits[0].typ
}

// literal decodes an integer, string, octet string or SID. Its token code, at the offset, has been read. Any other
// token is an error.
func (d *decoder) literal(tokenCode byte, offset int) (literal, error) {
	switch tokenCode {
	case tokInt8, tokInt16, tokInt32, tokInt64:
		return d.integer(tokenCode, offset)
	case tokString, tokOctets, tokSID:
	default:
		return literal{}, d.errorf(offset, "token %#02x has no place here", tokenCode)
	}
	p, err := d.payload(offset)
	if err != nil {
		return literal{}, err
	}
	switch tokenCode {
	case tokString:
		if len(p)%2 != 0 {
			return literal{}, d.errorf(offset, "string of odd length %d", len(p))
		}
		s := decodeUTF16(p)
		if hasNUL(s) {
			return literal{}, d.errorf(offset, "string with a NUL")
		}
		return literal{typ: String, s: s}, nil
	case tokOctets:
		return literal{typ: Octets, s: p}, nil
	}
	s, n, st := sid.DecodeString(p)
	if st != ntstatus.Success || n != len(p) {
		return literal{}, d.errorf(offset, "the payload of %d bytes is not a SID", len(p))
	}
	return literal{typ: SID, s: p, sid: s}, nil
}

// integer decodes the ten bytes of an integer after its token code: value, sign and base. The token code, at the
// offset, determines the width. A value that the width cannot hold is an error.
func (d *decoder) integer(tokenCode byte, offset int) (literal, error) {
	raw := d.e.raw
	if len(raw)-d.off < 10 {
		return literal{}, d.errorf(offset, "integer cut short")
	}
	var v uint64
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(raw[d.off+i])
	}
	l := literal{typ: Int64, width: tokenCode, i: int64(v), sign: raw[d.off+8], base: raw[d.off+9]}
	d.off += 10
	// An integer out of the range of its width does not decode (S-34).
	if shift := 64 - 8<<(tokenCode-tokInt8); l.i<<shift>>shift != l.i {
		return literal{}, d.errorf(offset, "integer %d is out of range for its width", l.i)
	}
	return l, nil
}

// payload reads a 32-bit length and returns that many bytes after it. It fails if the length or the bytes pass the end.
// offset is where the token begins to which they belong; the error names it.
func (d *decoder) payload(offset int) (string, error) {
	raw := d.e.raw
	if len(raw)-d.off < 4 {
		return "", d.errorf(offset, "length cut short")
	}
	n := uint32(raw[d.off]) | uint32(raw[d.off+1])<<8 | uint32(raw[d.off+2])<<16 | uint32(raw[d.off+3])<<24
	d.off += 4
	if uint64(n) > uint64(len(raw)-d.off) {
		return "", d.errorf(offset, "length %d passes the end", n)
	}
	p := raw[d.off : d.off+int(n)]
	d.off += int(n)
	return p, nil
}
