package sddl

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Options configures parsing and printing. The zero value has no domain and
// prints every part.
type Options struct {
	Domain   sid.SID // the domain of aliases such as DA, DU, LA and EA; zero: those aliases are refused
	Info     uint32  // the SECURITY_INFORMATION bits to print; 0 is every part (S-44)
	Extended bool    // read and print entries that SDDL has no token for, in our own form (S-45)
	Revision uint32  // the SDDL revision, 1; 0 means 1 (S-43)
}

const (
	maxInput        = 1 << 20 // bytes
	noAccessControl = "NO_ACCESS_CONTROL"
)

// SyntaxError is a syntax error with its text, its offset and the expected text.
type SyntaxError struct {
	Text   string // the whole text
	Offset int    // byte offset into Text
	Want   string // expected text
	Status ntstatus.Status

	noDomain bool // an alias needs a domain, and none was given
}

// Error returns the expected text, the offset and the actual text.
func (e *SyntaxError) Error() string {
	found := "the end"
	if e.Offset < len(e.Text) {
		found = fmt.Sprintf("%.20q", e.Text[e.Offset:])
	}
	return fmt.Sprintf("SDDL: at byte %d: want %s, found %s: %s", e.Offset, e.Want, found, e.Status)
}

// Unwrap returns the status as an error, for errors.Is.
func (e *SyntaxError) Unwrap() error { return e.Status.Err() }

// Is reports whether target is [sid.ErrNoDomain] and the error is about an alias without its domain (S-10).
func (e *SyntaxError) Is(target error) bool { return target == sid.ErrNoDomain && e.noDomain }

// Parse parses a descriptor as Windows does (S-41, S-80). Empty text gives a descriptor without parts. Parse uses the
// first of opts, or the zero Options. The error is a [*SyntaxError] with one of the statuses in S-43. Text of more
// than 1 MiB fails with STATUS_INVALID_PARAMETER.
func Parse(text string, opts ...Options) (*sd.Descriptor, error) {
	return parse(text, false, opts)
}

// ParseStrict works like [Parse], but accepts only exact case, no blanks in entries outside conditions, numbers that
// fit, and SIDs in canonical form (S-41, S-80).
func ParseStrict(text string, opts ...Options) (*sd.Descriptor, error) {
	return parse(text, true, opts)
}

// MustParse works like Parse but panics on an error. It is for constant texts.
func MustParse(text string, opts ...Options) *sd.Descriptor {
	d, err := Parse(text, opts...)
	if err != nil {
		panic(err)
	}
	return d
}

// parse parses a descriptor by the rules of [Parse] or, if strict, of [ParseStrict]. It uses the first of opts.
func parse(text string, strict bool, opts []Options) (*sd.Descriptor, error) {
	p := parser{text: text, strict: strict}
	if len(opts) > 0 {
		p.opt = opts[0]
	}
	// Another revision than 1 is refused as unknown (S-43).
	if p.opt.Revision > 1 {
		return nil, &SyntaxError{Text: text, Want: "SDDL revision 1", Status: ntstatus.UnknownRevision}
	}
	if len(text) > maxInput {
		return nil, &SyntaxError{Text: text, Offset: maxInput, Want: "at most 1 MiB of text",
			Status: ntstatus.InvalidParameter}
	}
	return p.descriptor()
}

// syntaxError converts an error of package sid to a [*SyntaxError] with a status. base is the offset in the whole text
// to which the error's own offset is relative. An error without an offset gets base.
func (p *parser) syntaxError(err error, base int, status ntstatus.Status) error {
	var se *sid.SyntaxError
	if errors.As(err, &se) {
		return &SyntaxError{p.text, base + se.Offset, se.Want, status, errors.Is(err, sid.ErrNoDomain)}
	}
	return &SyntaxError{Text: p.text, Offset: base, Want: err.Error(), Status: status}
}
