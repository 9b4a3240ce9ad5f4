package claims

import "encoding/binary"

// operand parses a left operand: an attribute, a membership or existence test, a negation, or any of these in
// parentheses.
func (p *parser) operand() (result, error) {
	p.space()
	switch c := p.peek(); c {
	case '(':
		p.pos++
		if p.depth++; p.depth > maxDepth {
			return 0, p.fail(p.pos, "less nesting")
		}
		r, err := p.expression(precOr)
		if err == nil {
			err = p.expectClose()
		}
		p.depth--
		return r, err
	case '!':
		p.pos++
		p.space()
		// A parenthesis follows ! (S-47).
		if p.peek() != '(' {
			return 0, p.fail(p.pos, "( after !")
		}
		_, err := p.expression(precRelation)
		p.emit(opNot)
		return resultTruth, err
	case '@':
		return resultAttribute, p.prefixed()
	}
	word := p.word()
	if word == "" {
		return 0, p.fail(p.pos, "an attribute, Member_of or the like, Exists, ! or (")
	}
	code := wordOperator(word)
	switch operators[code].family {
	case famSet:
		return 0, p.fail(p.pos, "an attribute before "+operators[code].text)
	case famExists, famMember:
		p.pos += len(word)
		var err error
		if operators[code].family == famExists {
			err = p.existing()
		} else {
			err = p.members()
		}
		p.emit(code)
		return resultTruth, err
	}
	return resultAttribute, p.local(word)
}

// existing parses the operand of Exists or Not_Exists, an attribute.
func (p *parser) existing() error {
	p.space()
	if p.peek() == '@' {
		return p.prefixed()
	}
	word := p.word()
	if word == "" || wordOperator(word) != 0 {
		return p.fail(p.pos, "an attribute")
	}
	return p.local(word)
}

// members parses the operand of a Member_of operator: a SID, a SID in parentheses, or a list of SIDs (S-52).
func (p *parser) members() error {
	p.space()
	switch p.peek() {
	case '{':
		return p.composite()
	case '(':
		p.pos++
		p.space()
		if err := p.sidLiteral(); err != nil {
			return err
		}
		return p.expect(')')
	}
	return p.sidLiteral()
}

// local consumes a word that is the name of a local attribute, and emits the attribute. Such names have no escapes
// (S-49).
func (p *parser) local(word string) error {
	p.pos += len(word)
	at := p.begin(tokLocal)
	p.out = appendUTF16(p.out, word)
	return p.end(at)
}

// prefixed parses an attribute with the prefix @User., @Device. or @Resource. and emits it.
func (p *parser) prefixed() error {
	for _, s := range [...]struct {
		prefix string
		code   byte
	}{{"@User.", tokUser}, {"@Resource.", tokResource}, {"@Device.", tokDevice}} {
		// A prefix is read without regard to case (S-48).
		if n := len(s.prefix); len(p.text)-p.pos >= n && asciiEqualFold(p.text[p.pos:p.pos+n], s.prefix) {
			p.pos += n
			name, err := p.name(false)
			if err != nil {
				return err
			}
			at := p.begin(s.code)
			p.out = appendUTF16(p.out, name)
			return p.end(at)
		}
	}
	return p.fail(p.pos, "@User., @Device. or @Resource.")
}

// value parses the right operand of a relation or set operator: a literal, a list, or an attribute with a prefix
// (S-36).
func (p *parser) value() error {
	p.space()
	switch p.peek() {
	case '@':
		return p.prefixed()
	case '{':
		return p.composite()
	}
	return p.literal()
}

// composite parses a list of literals, {a, b, …}, and emits it; {} is the empty list (S-52).
func (p *parser) composite() error {
	p.pos++
	at := p.begin(tokComposite)
	if p.take('}') {
		return p.end(at)
	}
	for {
		p.space()
		if err := p.literal(); err != nil {
			return err
		}
		if p.take('}') {
			return p.end(at)
		}
		if !p.take(',') {
			return p.fail(p.pos, ", or }")
		}
	}
}

// literal parses an integer, a string, an octet string or SID(…), and emits it.
func (p *parser) literal() error {
	switch c := p.peek(); {
	case c == '"':
		s, err := p.quoted()
		if err != nil {
			return err
		}
		at := p.begin(tokString)
		p.out = appendUTF16(p.out, s)
		return p.end(at)
	case c == '#':
		p.pos++
		// The first # is a digit only if it makes the count even (S-51).
		b, _ := p.hex()
		at := p.begin(tokOctets)
		p.out = append(p.out, b...)
		return p.end(at)
	case c == '+', c == '-', isDigit(c, 10):
		v, n, err := p.int64()
		if err != nil {
			return err
		}
		p.emit(tokInt64)
		p.out = binary.LittleEndian.AppendUint64(p.out, uint64(v))
		p.out = append(p.out, n.sign, n.base)
		if len(p.out) > MaxExprSize || p.tokens > MaxTokens {
			return p.tooLong()
		}
		return nil
	}
	return p.sidLiteral()
}

// sidLiteral parses SID(…), the form of a SID in conditions, and emits it (S-52).
func (p *parser) sidLiteral() error {
	if rest := p.text[p.pos:]; len(rest) < 4 || !asciiEqualFold(rest[:4], "SID(") {
		return p.fail(p.pos, "a literal or an attribute with a prefix")
	}
	p.pos += 4
	p.space()
	s, err := p.sid()
	if err != nil {
		return err
	}
	if err := p.expect(')'); err != nil {
		return err
	}
	at := p.begin(tokSID)
	p.out = s.AppendBinary(p.out)
	return p.end(at)
}
