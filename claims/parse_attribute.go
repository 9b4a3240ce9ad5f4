package claims

// ParseAttribute parses the last field of a resource-attribute entry at the start of text, `("name",TI,0x0,1,2)`
// (S-53). n is its length in bytes. The attribute needs at least one value and may have duplicates. Blanks may
// surround every part. The error is a [*SyntaxError].
func ParseAttribute(text string, options ParseOptions) (attribute Attribute, n int, err error) {
	s := scanner{text: text, opt: options}
	if err := s.attribute(&attribute); err != nil {
		return Attribute{}, 0, err
	}
	attribute.setOrder()
	return attribute, s.pos, nil
}

// attribute parses a whole resource attribute: ("name",type,flags,values…).
func (s *scanner) attribute(a *Attribute) error {
	if err := s.expect('('); err != nil {
		return err
	}
	if err := s.expect('"'); err != nil {
		return err
	}
	var err error
	if a.Name, err = s.name(true); err != nil {
		return err
	}
	if hasNUL(a.Name) {
		return s.fail(s.pos, "a name without NUL")
	}
	if s.peek() != '"' {
		return s.fail(s.pos, "a closing quote")
	}
	s.pos++
	if err := s.expect(','); err != nil {
		return err
	}
	if err := s.attributeType(a); err != nil {
		return err
	}
	if err := s.expect(','); err != nil {
		return err
	}
	if err := s.attributeFlags(a); err != nil {
		return err
	}
	for s.take(',') {
		s.space()
		if a.Len() == MaxValues {
			return s.fail(s.pos, "at most 4096 values")
		}
		if err := s.attributeValue(a); err != nil {
			return err
		}
	}
	// The text needs at least one value after the flags (S-31).
	if a.Len() == 0 {
		return s.fail(s.pos, ", and a value")
	}
	if !s.take(')') {
		return s.fail(s.pos, ", or )")
	}
	return nil
}

// attributeType parses the two letters of an attribute's type, in any case, and stores the type in a.
func (s *scanner) attributeType(a *Attribute) error {
	s.space()
	if len(s.text)-s.pos >= 2 {
		word := s.text[s.pos : s.pos+2]
		for _, t := range [...]Type{Int64, Uint64, String, SID, Boolean, Octets} {
			if asciiEqualFold(word, t.String()) {
				a.Type = t
				s.pos += 2
				return nil
			}
		}
	}
	return s.fail(s.pos, "TI, TU, TS, TD, TB or TX")
}

// attributeFlags parses the flags of an attribute and stores them in a. A sign, more than 32 bits and reserved bits
// are errors.
func (s *scanner) attributeFlags(a *Attribute) error {
	s.space()
	at := s.pos
	n, err := s.number()
	if err != nil {
		return err
	}
	if n.sign != signNone || n.magnitude > 1<<32-1 || n.magnitude&flagsReserved != 0 {
		return s.fail(at, "flags of 32 bits without 0xff00")
	}
	a.Flags = uint32(n.magnitude)
	return nil
}

// attributeValue parses one value of type a.Type and appends it to a. A value of another type, or out of range, is an
// error.
func (s *scanner) attributeValue(a *Attribute) error {
	at := s.pos
	switch a.Type {
	case Int64:
		v, _, err := s.int64()
		a.Ints = append(a.Ints, v)
		return err
	case String:
		v, err := s.quoted()
		a.Strings = append(a.Strings, v)
		return err
	case SID:
		// An attribute value is a bare SID, without SID( ) (S-52).
		v, err := s.sid()
		a.SIDs = append(a.SIDs, v)
		return err
	case Octets:
		v, err := s.octets()
		a.Octets = append(a.Octets, v)
		return err
	}
	n, err := s.number()
	if err != nil {
		return err
	}
	if n.sign == signMinus && n.magnitude != 0 {
		return s.fail(at, "an integer that is not negative")
	}
	if a.Type == Boolean && n.magnitude > 1 {
		return s.fail(at, "0 or 1")
	}
	a.Uints = append(a.Uints, n.magnitude)
	return nil
}

// octets parses an octet string of a resource attribute: hexadecimal digits, with or without quotes. # counts as the
// digit 0 (S-51).
func (s *scanner) octets() ([]byte, error) {
	at := s.pos
	quoted := s.peek() == '"'
	if quoted {
		s.pos++
	}
	b, digits := s.hex()
	if quoted {
		if s.peek() != '"' {
			return nil, s.fail(s.pos, "hexadecimal digits or a closing quote")
		}
		s.pos++
	} else if digits == 0 {
		return nil, s.fail(at, "hexadecimal digits")
	}
	return b, nil
}
