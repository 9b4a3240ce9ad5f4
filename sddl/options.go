package sddl

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// Options are the circumstances of reading and printing. The zero value knows
// no domain and prints every part.
type Options struct {
	Domain   sid.SID // what DA, DU, LA, EA… are relative to; zero: those aliases are refused
	Info     uint32  // the SECURITY_INFORMATION bits to print; 0 is every part (S-44)
	Extended bool    // read and print entries that SDDL has no token for, in our own form (S-45)
	Revision uint32  // the SDDL revision, 1; 0 stands for 1 (S-43)
}

const (
	maxInput        = 1 << 20 // bytes
	noAccessControl = "NO_ACCESS_CONTROL"
)

// SyntaxError says what was refused, where, and what was expected there.
type SyntaxError struct {
	Text   string // the whole text
	Offset int    // byte offset into Text
	Want   string // what should stand there
	Status ntstatus.Status
}

// Error prints the expectation, the offset and what was found.
func (e *SyntaxError) Error() string {
	found := "the end"
	if e.Offset < len(e.Text) {
		found = fmt.Sprintf("%.20q", e.Text[e.Offset:])
	}
	return fmt.Sprintf("SDDL: at byte %d: want %s, found %s: %s", e.Offset, e.Want, found, e.Status)
}

// Unwrap makes errors.Is hold for the status as an error.
func (e *SyntaxError) Unwrap() error { return e.Status.Err() }

// Parse reads a descriptor as Windows does (S-41, S-80). The error is a
// [*SyntaxError] whose Status is one of S-43.
func Parse(s string, opts ...Options) (*sd.Descriptor, error) {
	return parse(s, false, opts)
}

// ParseStrict reads only what a careful author writes: exact case, no blanks
// outside conditions, numbers that fit, SIDs in canonical form (S-41, S-80).
func ParseStrict(s string, opts ...Options) (*sd.Descriptor, error) {
	return parse(s, true, opts)
}

// MustParse calls Parse for texts known to be right; it panics on others.
func MustParse(s string, opts ...Options) *sd.Descriptor {
	d, err := Parse(s, opts...)
	if err != nil {
		panic(err)
	}
	return d
}

func parse(s string, strict bool, opts []Options) (*sd.Descriptor, error) {
	p := parser{text: s, strict: strict}
	if len(opts) > 0 {
		p.opt = opts[0]
	}
	// Another revision than 1 is refused as unknown (S-43).
	if p.opt.Revision > 1 {
		return nil, &SyntaxError{s, 0, "SDDL revision 1", ntstatus.UnknownRevision}
	}
	if len(s) > maxInput {
		return nil, &SyntaxError{s, maxInput, "at most 1 MiB of text", ntstatus.InvalidParameter}
	}
	return p.descriptor()
}

// refusal turns an error of a nested reader, whose offsets count from base,
// into one of ours.
func (p *parser) refusal(err error, base int, st ntstatus.Status) error {
	var se *sid.SyntaxError
	if errors.As(err, &se) {
		return &SyntaxError{p.text, base + se.Offset, se.Want, st}
	}
	return &SyntaxError{p.text, base, err.Error(), st}
}
