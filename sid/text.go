package sid

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/ntstatus"
)

// SyntaxError reports where and why a parser refused the text form of a SID.
type SyntaxError struct {
	Text   string // the whole text given
	Offset int    // byte offset into Text
	Want   string // expected text

	noDomain bool // an alias needs a domain, and none was given
}

// ErrNoDomain is the error of an SDDL alias, such as DU, that needs the SID of a domain when none was given (S-10).
// It is the target of errors.Is for errors of this package and of package sddl.
var ErrNoDomain = errors.New("the alias needs the SID of a domain")

// Error returns the text, the offset and what the parser expected there.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("SID %q: at byte %d: want %s", e.Text, e.Offset, e.Want)
}

// Unwrap returns [ErrInvalid], so errors.Is(err, ErrInvalid) is true.
func (e *SyntaxError) Unwrap() error { return ErrInvalid }

// Is reports whether target is [ErrNoDomain] and the error is about an alias without its domain.
func (e *SyntaxError) Is(target error) bool { return target == ErrNoDomain && e.noDomain }

// Status returns STATUS_INVALID_SID (S-23).
func (e *SyntaxError) Status() ntstatus.Status { return ntstatus.InvalidSID }

// Parse parses the text form as recorded on Windows (S-80): S-R-A-S… in any case, with numbers in decimal or
// 0x-hexadecimal. The error is a [*SyntaxError].
//   - A hexadecimal revision makes all later numbers hexadecimal.
//   - A sub-authority that is too large becomes 4294967295.
//   - Parse also accepts the SDDL aliases that need no domain, such as "BA" (S-9a).
func Parse(text string) (SID, error) { return Resolve(text, SID{}) }

// ParseStrict accepts only the canonical S-1-… form that [SID.String] prints,
// and upper-case aliases that need no domain. It refuses lower case, leading
// zeros, hexadecimal sub-authorities and numbers that do not fit (S-80).
func ParseStrict(text string) (SID, error) { return ResolveStrict(text, SID{}) }

// MustParse works like Parse but panics on an error. It is for constant texts.
func MustParse(text string) SID {
	s, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return s
}

// Resolve parses an alias such as "BA" or "DU", or a text form as [Parse] does.
// Aliases of accounts of a domain, a machine or a forest root need the SID of
// that domain. With the zero SID Resolve refuses them (S-10).
func Resolve(text string, domain SID) (SID, error) {
	s, n, err := Scan(text, domain)
	if err != nil {
		return SID{}, err
	}
	if n != len(text) {
		return SID{}, &SyntaxError{Text: text, Offset: n, Want: "the end of the SID"}
	}
	return s, nil
}

// ResolveStrict works like [Resolve] with the strictness of [ParseStrict].
func ResolveStrict(text string, domain SID) (SID, error) {
	s, err := Resolve(text, domain)
	if err != nil {
		return SID{}, err
	}
	if canonical := s.String(); canonical != text {
		// The strict reader takes the canonical form or the alias only (S-80).
		if a := Alias(s, domain); a != text {
			return SID{}, &SyntaxError{Text: text, Want: "the canonical form " + canonical}
		}
	}
	return s, nil
}

// Scan parses the SID or alias at the start of text. length is the number of its bytes. A D that ends a run of
// hexadecimal digits and is followed by ':' does not belong to the SID, because it is the tag of a DACL (S-9). The
// error is a [*SyntaxError]; length then has no meaning.
func Scan(text string, domain SID) (s SID, length int, err error) {
	if len(text) >= 2 && text[0]|0x20 == 's' && text[1] == '-' {
		p := scanner{text: text, pos: 2}
		s, err = p.sid()
		return s, p.pos, err
	}
	if len(text) < 2 {
		return SID{}, 0, &SyntaxError{Text: text, Want: "S-1-… or a two-letter alias"}
	}
	s, err = ParseAlias(text[:2], domain)
	if err != nil {
		e := *err.(*SyntaxError)
		e.Text = text
		return SID{}, 0, &e
	}
	return s, 2, nil
}

// scanner reads the parts of a SID from text, starting at pos.
type scanner struct {
	text string
	pos  int
	hex  bool // the revision was hexadecimal, so is every later number
}

// fail returns a [*SyntaxError] which says what the parser expected at an offset.
func (p *scanner) fail(offset int, expected string) error {
	return &SyntaxError{Text: p.text, Offset: offset, Want: expected}
}

// sid parses a SID after its "S-" and consumes it. Other text may follow. The error is a [*SyntaxError].
func (p *scanner) sid() (SID, error) {
	at := p.pos
	revision, hex, ok := p.number(1 << 32)
	// The text of a SID has revision 1 (S-7).
	if !ok || revision != 1 {
		return SID{}, p.fail(at, "revision 1")
	}
	// After a hexadecimal revision the numbers are hexadecimal: S-0x1-20 is
	// S-1-32 (S-80).
	p.hex = hex
	at = p.pos + 1
	if !p.dash() {
		return SID{}, p.fail(p.pos, "-authority")
	}
	authority, _, ok := p.number(1 << 48)
	// An authority that is too large is an error (S-8).
	if !ok || authority >= 1<<48 {
		return SID{}, p.fail(at, "an authority below 2^48")
	}
	var subs [MaxSubAuthorities]uint32
	n := 0
	for p.dash() {
		at = p.pos
		// A sub-authority that is too large reads as 4294967295 (S-8).
		v, _, ok := p.number(0xFFFFFFFF)
		if !ok {
			return SID{}, p.fail(at, "a sub-authority")
		}
		// The text of a SID has at most fifteen sub-authorities (S-7).
		if n == MaxSubAuthorities {
			return SID{}, p.fail(at, "at most 15 sub-authorities")
		}
		subs[n] = uint32(v)
		n++
	}
	// The text of a SID has at least one sub-authority (S-7).
	if n == 0 {
		return SID{}, p.fail(p.pos, "at least one sub-authority")
	}
	s, _ := New(authority, subs[:n]...)
	return s, nil
}

// dash consumes a hyphen if it is next, and reports whether it was.
func (p *scanner) dash() bool {
	if p.pos < len(p.text) && p.text[p.pos] == '-' {
		p.pos++
		return true
	}
	return false
}

// number parses a decimal or 0x-hexadecimal number. A number larger than max becomes max. Leading zeros do not make it
// octal (S-7). hex says whether it was hexadecimal. ok is false if there is no digit.
func (p *scanner) number(max uint64) (value uint64, hex, ok bool) {
	hex = p.hex
	start := p.pos
	if p.pos+2 < len(p.text) && p.text[p.pos] == '0' && p.text[p.pos+1]|0x20 == 'x' && digit(p.text[p.pos+2]) < 16 {
		p.pos += 2
		start, hex = p.pos, true
	}
	base := uint64(10)
	if hex {
		base = 16
	}
	for p.pos < len(p.text) {
		d := digit(p.text[p.pos])
		// The tag of the DACL ends a run of hexadecimal digits (S-9).
		if d >= base || p.pos > start && p.tag() {
			break
		}
		if value < max {
			value = min(value*base+d, max)
		}
		p.pos++
	}
	return value, hex, p.pos > start
}

// tag reports whether the text continues with "D:", which starts a DACL in SDDL and does not belong to the SID. The
// text must have a byte left.
func (p *scanner) tag() bool {
	return p.text[p.pos] == 'D' && p.pos+1 < len(p.text) && p.text[p.pos+1] == ':'
}

// digit returns the value of a hexadecimal digit, 255 for any other byte.
func digit(c byte) uint64 {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return uint64(c|0x20-'a') + 10
	}
	return 255
}

// String returns S-1-authority-subs…. The authority is decimal below 2^32, and
// otherwise unpadded lower-case hexadecimal, as in SDDL (S-6). The zero value
// returns "".
func (s SID) String() string {
	if s.IsZero() {
		return ""
	}
	return string(s.AppendText(make([]byte, 0, 64)))
}

// AppendText appends the text of String to dst, nothing for the zero value.
func (s SID) AppendText(dst []byte) []byte { return s.appendText(dst, false) }

// RtlString prints as String does but pads a hexadecimal authority to twelve
// digits, as RtlConvertSidToUnicodeString and ConvertSidToStringSid do (S-6).
// The zero value returns "".
func (s SID) RtlString() string {
	if s.IsZero() {
		return ""
	}
	return string(s.appendText(make([]byte, 0, 64), true))
}

// appendText appends the text of s to dst. It writes an authority of 2^32 or more in hexadecimal, with pad in twelve
// digits. It appends nothing for the zero value.
func (s SID) appendText(dst []byte, pad bool) []byte {
	if s.IsZero() {
		return dst
	}
	dst = append(dst, "S-1-"...)
	switch a := s.Authority(); {
	case a < 1<<32:
		dst = strconv.AppendUint(dst, a, 10)
	case pad:
		dst = fmt.Appendf(dst, "0x%012x", a)
	default:
		dst = append(dst, "0x"...)
		dst = strconv.AppendUint(dst, a, 16)
	}
	for i := range s.SubAuthorities() {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(s.Sub(i)), 10)
	}
	return dst
}

// MarshalText returns the text of String as bytes. The zero value gives no
// bytes. The error is always nil.
func (s SID) MarshalText() ([]byte, error) { return s.AppendText(nil), nil }

// UnmarshalText parses text as [Parse] does. An empty text gives the zero
// value. After an error s keeps its value.
func (s *SID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = SID{}
		return nil
	}
	v, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
