package claims

import "encoding/binary"

// maxDepth bounds the nesting of parentheses. The canonical text of any
// expression within MaxTokens stays below it.
const maxDepth = MaxTokens + 48

// Precedence of the binary operators, weakest first (S-47). '!' is between && and the relations.
const (
	precOr = iota + 1
	precAnd
	precNot
	precRelation
	precSet
)

// result says what a parsed operand is, which determines the operators that may follow it.
type result uint8

const (
	resultTruth     result = iota // a condition
	resultSet                     // a condition made by Contains or Any_of
	resultAttribute               // an attribute, also in parentheses
)

// ParseExpr parses the condition at the start of text. It begins with '(', which may follow blanks. n is its length in
// bytes, up to and including the closing parenthesis. The error is a [*SyntaxError].
func ParseExpr(text string, options ParseOptions) (expr *Expr, n int, err error) {
	p := parser{scanner: scanner{text: text, opt: options}, out: []byte(signature)}
	if err := p.expect('('); err != nil {
		return nil, 0, err
	}
	p.depth = 1
	if _, err := p.expression(precOr); err != nil {
		return nil, 0, err
	}
	if err := p.expectClose(); err != nil {
		return nil, 0, err
	}
	for len(p.out)%4 != 0 {
		p.out = append(p.out, tokPad)
	}
	if len(p.out) > MaxExprSize || p.tokens > MaxTokens {
		return nil, 0, p.tooLong()
	}
	expr, err = Decode(p.out)
	if err != nil {
		return nil, 0, &SyntaxError{Want: "a condition that can be encoded", Err: err}
	}
	return expr, p.pos, nil
}

// parser parses the text of a condition and writes its postfix program to out.
type parser struct {
	scanner
	out    []byte
	tokens int
	depth  int
}

// tooLong returns the error for a condition that exceeds MaxExprSize or MaxTokens (S-35).
func (p *parser) tooLong() error {
	return p.fail(p.pos, "a condition of at most 10000 bytes and 2000 tokens")
}

// emit appends a token to the program and counts it. code is the token's byte code.
func (p *parser) emit(code byte) {
	p.out = append(p.out, code)
	p.tokens++
}

// begin appends a token that has a length: its code and a placeholder for the length. The caller appends the content
// and passes the result to end.
func (p *parser) begin(code byte) (at int) {
	p.emit(code)
	p.out = append(p.out, 0, 0, 0, 0)
	return len(p.out)
}

// end completes the token that begin returned at for: it writes the length of its content. It fails if the program is
// now longer than MaxExprSize or has more than MaxTokens tokens.
func (p *parser) end(at int) error {
	binary.LittleEndian.PutUint32(p.out[at-4:], uint32(len(p.out)-at))
	if len(p.out) > MaxExprSize || p.tokens > MaxTokens {
		return p.tooLong()
	}
	return nil
}

// expectClose reads a closing parenthesis and any blanks before it. Anything else is an error.
func (p *parser) expectClose() error {
	if !p.take(')') {
		return p.fail(p.pos, "an operator or )")
	}
	return nil
}

// expression parses an operand and the operators after it that bind at least as tightly as min, with their right
// operands. Operators of equal precedence group to the left (S-47).
func (p *parser) expression(min int) (result, error) {
	left, err := p.operand()
	for err == nil {
		at := p.pos
		p.space()
		code, size, prec := p.operator(p.pos > at)
		if code == 0 || prec < min {
			return left, nil
		}
		if err := p.checkLeft(left, code); err != nil {
			return 0, err
		}
		p.pos += size
		if prec <= precAnd {
			_, err = p.expression(prec + 1)
			left = resultTruth
		} else {
			// A blank follows Contains (S-47).
			if (code == opContains || code == opNotContains) && !isSpace(p.peek()) {
				return 0, p.fail(p.pos, "a blank after "+operators[code].text)
			}
			err = p.value()
			left = resultTruth
			if prec == precSet {
				left = resultSet
			}
		}
		p.emit(code)
	}
	return 0, err
}

// checkLeft checks that an operand may be left of the operator with this code. A set operator takes an attribute. A
// relation also takes the result of a set operator, which binds tighter (S-36).
func (p *parser) checkLeft(left result, code byte) error {
	switch operators[code].family {
	case famSet:
		if left != resultAttribute {
			return p.fail(p.pos, "&&, || or ): only an attribute can stand before "+operators[code].text)
		}
	case famRelation:
		if left == resultTruth {
			return p.fail(p.pos, "&&, || or ): only an attribute can stand before "+operators[code].text)
		}
	}
	return nil
}

// operator returns the binary operator at the current position without consuming it: its byte code, its length and its
// precedence. opcode is 0 for anything else. afterBlank says that a blank precedes it, which word operators such as
// Any_of need.
func (p *parser) operator(afterBlank bool) (opcode byte, size, precedence int) {
	rest := p.text[p.pos:]
	if len(rest) >= 2 {
		switch rest[:2] {
		case "==":
			return opEqual, 2, precRelation
		case "!=":
			return opNotEqual, 2, precRelation
		case "<=":
			return opLessEqual, 2, precRelation
		case ">=":
			return opGreaterEqual, 2, precRelation
		case "&&":
			return opAnd, 2, precAnd
		case "||":
			return opOr, 2, precOr
		}
	}
	switch p.peek() {
	case '<':
		return opLess, 1, precRelation
	case '>':
		return opGreater, 1, precRelation
	}
	// A word operator follows a blank (S-47).
	if !afterBlank {
		return 0, 0, 0
	}
	word := p.word()
	if code := wordOperator(word); code != 0 && operators[code].family == famSet {
		return code, len(word), precSet
	}
	return 0, 0, 0
}
