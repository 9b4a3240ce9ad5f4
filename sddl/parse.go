package sddl

import (
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// parser parses the SDDL text of one descriptor from left to right. Every error of its methods is a [*SyntaxError]
// with the whole text.
type parser struct {
	text   string
	pos    int
	strict bool
	opt    Options
}

// fail returns a [*SyntaxError] which says what the parser expected at its current position.
func (p *parser) fail(status ntstatus.Status, expected string) error {
	return &SyntaxError{Text: p.text, Offset: p.pos, Want: expected, Status: status}
}

// rest returns the text that the parser has not read yet.
func (p *parser) rest() string { return p.text[p.pos:] }

// peek returns the next byte without consuming it, or 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// blanks skips spaces. The parser calls it outside entries, where Windows tolerates them (S-41).
func (p *parser) blanks() {
	for p.peek() == ' ' {
		p.pos++
	}
}

// innerBlanks skips spaces in an entry where Windows tolerates them, except in strict mode (S-41).
func (p *parser) innerBlanks() {
	if !p.strict {
		p.blanks()
	}
}

// word consumes w if it is next, and reports whether it was. Case matters only in strict mode.
func (p *parser) word(w string) bool {
	r := p.rest()
	if len(r) < len(w) || r[:len(w)] != w && (p.strict || !strings.EqualFold(r[:len(w)], w)) {
		return false
	}
	p.pos += len(w)
	return true
}

// descriptor parses a whole descriptor: the sections O:, G:, D: and S: in any order, each at most once. A text
// without sections gives a descriptor without parts.
func (p *parser) descriptor() (*sd.Descriptor, error) {
	var parts sd.Parts
	var seen string
	p.blanks()
	for p.pos < len(p.text) {
		tag := p.peek()
		// A section tag is read in upper case only (S-41).
		if p.pos+1 >= len(p.text) || p.text[p.pos+1] != ':' || !strings.ContainsRune("OGDS", rune(tag)) {
			return nil, p.fail(p.sectionStatus(seen), "O:, G:, D: or S:")
		}
		// A section may occur only once (S-42).
		if strings.IndexByte(seen, tag) >= 0 {
			return nil, p.fail(ntstatus.InvalidACL, "each section at most once")
		}
		seen += string(tag)
		p.pos += 2
		p.blanks()
		var err error
		switch tag {
		case 'O':
			parts.Owner, err = p.sid(ntstatus.InvalidSID)
		case 'G':
			parts.Group, err = p.sid(ntstatus.InvalidSID)
		case 'D':
			err = p.acl(&parts, daclFlags)
		case 'S':
			err = p.acl(&parts, saclFlags)
		}
		if err != nil {
			return nil, err
		}
		p.blanks()
	}
	return sd.New(parts), nil
}

// sectionStatus returns the error status for text that is not a section. seen has the tags of the earlier sections.
// After a list the text is a malformed ACE, STATUS_INVALID_ACL, unless it looks like a tag. An unknown tag is
// STATUS_INVALID_PARAMETER (S-43).
func (p *parser) sectionStatus(seen string) ntstatus.Status {
	if strings.HasSuffix(seen, "D") || strings.HasSuffix(seen, "S") {
		r := p.rest()
		if len(r) < 2 || r[1] != ':' || r[0]|0x20 < 'a' || r[0]|0x20 > 'z' {
			return ntstatus.InvalidACL
		}
	}
	return ntstatus.InvalidParameter
}

// sid parses a SID or an alias. If there is none, the error has the status.
func (p *parser) sid(status ntstatus.Status) (sid.SID, error) {
	at := p.pos
	s, n, err := sid.Scan(p.rest(), p.opt.Domain)
	if err != nil {
		return s, p.syntaxError(err, at, status)
	}
	if p.strict {
		if _, err := sid.ResolveStrict(p.rest()[:n], p.opt.Domain); err != nil {
			return s, p.syntaxError(err, at, status)
		}
	}
	p.pos += n
	return s, nil
}

// listFlags has the control bits of the DACL or of the SACL, so that one function can parse or print both.
type listFlags struct {
	present, protected, request, inherited sd.Control
	system                                 bool
}

var (
	daclFlags = listFlags{sd.DACLPresent, sd.DACLProtected, sd.DACLAutoInheritRequest, sd.DACLAutoInherited, false}
	saclFlags = listFlags{sd.SACLPresent, sd.SACLProtected, sd.SACLAutoInheritRequest, sd.SACLAutoInherited, true}
)

// acl parses the section of a DACL or SACL after its tag, and stores the list and its control bits in parts.
// NO_ACCESS_CONTROL gives a list that is present and NULL (S-42).
func (p *parser) acl(parts *sd.Parts, flags listFlags) error {
	parts.Control |= flags.present
	for {
		p.blanks()
		switch {
		case p.word(noAccessControl):
			return nil
		case p.word("AR"):
			parts.Control |= flags.request
		case p.word("AI"):
			parts.Control |= flags.inherited
		case p.word("P"):
			parts.Control |= flags.protected
		default:
			l, err := p.aces(flags)
			if flags.system {
				parts.SACL = l
			} else {
				parts.DACL = l
			}
			return err
		}
	}
}

// aces parses the ACEs of a list, which may be none. A list that is too long for its size field is an error (S-17).
func (p *parser) aces(flags listFlags) (*sd.ACL, error) {
	start := p.pos
	var aces []sd.ACE
	for p.peek() == '(' {
		a, err := p.ace(flags.system)
		if err != nil {
			return nil, err
		}
		aces = append(aces, a)
		p.blanks()
	}
	l, err := sd.NewACL(aces...)
	// A list that is too long is refused as an invalid one (S-17).
	if err != nil {
		return nil, &SyntaxError{Text: p.text, Offset: start, Want: "a list of at most 65532 bytes",
			Status: ntstatus.InvalidACL}
	}
	return l, nil
}
