package sddl

import (
	"errors"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// options returns the options with which package claims parses conditions and attributes. SIDs use the domain and the
// strictness of p.
func (p *parser) options() claims.ParseOptions {
	return claims.ParseOptions{Strict: p.strict, SID: func(text string) (sid.SID, int, error) {
		s, n, err := sid.Scan(text, p.opt.Domain)
		// The strict reader takes a SID in its canonical form only (S-80).
		if err == nil && p.strict {
			_, err = sid.ResolveStrict(text[:n], p.opt.Domain)
		}
		return s, n, err
	}}
}

// condition parses the condition of an ACE, "(expression)", and stores its binary form in f.data.
func (p *parser) condition(f *fields) error {
	e, n, err := claims.ParseExpr(p.rest(), p.options())
	if err != nil {
		return p.nested(err)
	}
	f.data = e.Encode()
	p.pos += n
	return nil
}

// attribute parses the attribute of a resource attribute ACE, `("name",type,flags,values…)`, and stores its binary
// form in f.data.
func (p *parser) attribute(f *fields) error {
	a, n, err := claims.ParseAttribute(p.rest(), p.options())
	if err != nil {
		return p.nested(err)
	}
	f.data = a.Append(nil)
	p.pos += n
	return nil
}

// nested converts an error of package claims to a [*SyntaxError] of the whole text, with the offset there.
func (p *parser) nested(err error) error {
	var se *claims.SyntaxError
	if errors.As(err, &se) {
		return &SyntaxError{p.text, p.pos + se.Offset, se.Want, ntstatus.InvalidACL, errors.Is(err, sid.ErrNoDomain)}
	}
	return &SyntaxError{Text: p.text, Offset: p.pos, Want: err.Error(), Status: ntstatus.InvalidACL}
}

// formatTail returns the condition or attribute of an ACE as its seventh field with the ';', or "" if its type has
// none. ok is false if no text parses back to the ACE's data.
func formatTail(ace sd.ACE, options Options) (tail string, ok bool) {
	if ace.ObjectFlags()&^(sd.ObjectTypePresent|sd.InheritedObjectTypePresent) != 0 {
		return "", false
	}
	data := []byte(ace.AppData())
	alias := func(s sid.SID) string { return sid.Alias(s, options.Domain) }
	switch {
	case ace.Type().IsCallback():
		e, err := claims.Decode(data)
		if err != nil {
			return "", false
		}
		if tail = e.Format(alias); tail == "" {
			return "", false
		}
		p := parser{text: tail, opt: options}
		var f fields
		return ";" + tail, p.condition(&f) == nil && string(f.data) == string(data)
	case ace.Type() == sd.SystemResourceAttribute:
		v, err := claims.DecodeAttribute(data)
		// A resource attribute with rights, or for another than Everyone, has
		// no text.
		if err != nil || ace.Mask() != 0 || ace.SID() != sid.Everyone {
			return "", false
		}
		if tail = v.Format(alias); tail == "" {
			return "", false
		}
		p := parser{text: tail, opt: options}
		var f fields
		return ";" + tail, p.attribute(&f) == nil && string(f.data) == string(data)
	}
	return "", len(data) == 0
}
