package batch

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// refusal is a rejected text or binary form, with the offset of the error.
type refusal struct {
	offset int
	err    error
}

// Error returns the text of the wrapped error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap returns the wrapped error.
func (r *refusal) Unwrap() error { return r.err }

// refuse converts the error of a parser or decoder to a refusal with the offset of the error, for the answer. It
// returns nil and errors without an offset unchanged.
func refuse(err error) error {
	if err == nil {
		return nil
	}
	at, ok := Offset(err)
	if !ok {
		return err
	}
	return &refusal{at, err}
}

// Offset returns the offset in an error of sid, sd or sddl, in bytes of the text or of the binary form. It looks into
// wrapped errors. It returns 0 and false for other errors and for nil.
func Offset(err error) (at int, ok bool) {
	var text *sddl.SyntaxError
	var ident *sid.SyntaxError
	var binary *sd.DecodeError
	switch {
	case errors.As(err, &text):
		return text.Offset, true
	case errors.As(err, &binary):
		return binary.Offset, true
	case errors.As(err, &ident):
		return ident.Offset, true
	}
	return 0, false
}

// conversion is one kind of conversion: the name of its text field and its two directions, which append to dst.
type conversion struct {
	fields  strict.Layout // id, text, hex, domain
	toBytes func(dst []byte, text string, domain sid.SID) ([]byte, error)
	toText  func(dst []byte, binary []byte, domain sid.SID) ([]byte, error)
}

// SIDs returns a new job that converts SIDs, for `refmon sid --batch`: {"id","sid","domain"} becomes {"id","hex"},
// and {"id","hex"} becomes {"id","sid"}. Text has Windows syntax, including aliases such as BA. Relative aliases (DA,
// DU …) refer to domain and are an error without it (S-80). Bytes after a SID are an error.
func SIDs() *Job {
	return (&conversion{
		fields: strict.Layout{"id", "sid", "hex", "domain"},
		toBytes: func(dst []byte, text string, domain sid.SID) ([]byte, error) {
			s, err := sid.Resolve(text, domain)
			if err != nil {
				return dst, err
			}
			return s.AppendBinary(dst), nil
		},
		toText: func(dst, binary []byte, _ sid.SID) ([]byte, error) {
			s, n, err := sid.Decode(binary)
			if err != nil {
				return dst, &refusal{badSIDByte(binary),
					fmt.Errorf("%w: at byte %d of the binary form", err, badSIDByte(binary))}
			}
			if n != len(binary) {
				return dst, &refusal{n, fmt.Errorf("%w: it ends after %d bytes and %d more follow", sid.ErrInvalid, n,
					len(binary)-n)}
			}
			return s.AppendText(dst), nil
		},
	}).job()
}

// badSIDByte returns the offset of the error in b, which is not a valid SID: 0 for the revision, 1 for the number of
// sub-authorities, or the end if b is too short.
func badSIDByte(b []byte) int {
	switch {
	case len(b) > 0 && b[0] != 1:
		return 0
	case len(b) > 1 && b[1] > sid.MaxSubAuthorities:
		return 1
	}
	return len(b)
}

// Descriptors returns a new job that converts descriptors, for `refmon sddl --batch`: {"id","sddl","domain"} becomes
// {"id","hex"} with the self-relative form, and {"id","hex","domain"} becomes {"id","sddl"} with the canonical text
// (S-80). A malformed line is answered with an error.
func Descriptors() *Job {
	return (&conversion{
		fields: strict.Layout{"id", "sddl", "hex", "domain"},
		toBytes: func(dst []byte, text string, domain sid.SID) ([]byte, error) {
			d, err := sddl.Parse(text, sddl.Options{Domain: domain})
			if err != nil {
				return dst, err
			}
			return d.Append(dst), nil
		},
		toText: func(dst, binary []byte, domain sid.SID) ([]byte, error) {
			d, err := sd.Decode(binary)
			if err != nil {
				return dst, err
			}
			text, err := sddl.Format(d, sddl.Options{Domain: domain})
			return append(dst, text...), err
		},
	}).job()
}

// job returns a batch job that runs this conversion. Each worker has its own converter.
func (c *conversion) job() *Job {
	return &Job{Worker: func() Answer { return (&converter{conversion: c}).answer }}
}

// converter is the state of one worker.
type converter struct {
	*conversion
	slots   [4][]byte
	unquote []byte
	binary  []byte
	result  []byte
	domain  cache[sid.SID]
}

// answer appends the converted value of one line under its field's name. It returns false if the answer is an error.
// number is that of the line, for errors.
func (c *converter) answer(dst, line []byte, number int) ([]byte, bool) {
	err := scanLine(c.fields, c.slots[:], line, number)
	id := c.slots[0]
	field := ""
	if err == nil {
		field, err = c.convert()
	}
	if err != nil {
		return appendRefusal(dst, id, number, err), false
	}
	dst = append(appendID(dst, id), `,"`...)
	dst = append(append(dst, field...), `":`...)
	if field == "hex" {
		dst = appendHex(append(dst, '"'), c.result)
		dst = append(dst, '"')
	} else {
		dst = AppendString(dst, string(c.result))
	}
	return append(dst, '}'), true
}

// convert converts the line's text or hex field into the opposite form in c.result. The result field is the name of
// that form: "hex", or the text field. Both or neither are an error. A malformed text or digit is a refusal with its
// position.
func (c *converter) convert() (field string, err error) {
	name, text, hex := c.fields[1], c.slots[1], c.slots[2]
	domain, err := c.domainOf(c.slots[3])
	if err != nil {
		return "", err
	}
	switch {
	case absent(text) == absent(hex):
		return "", fmt.Errorf("want one of the fields %q and \"hex\"", name)
	case absent(hex):
		if text, err = textOf(c.unquote, name, text); err != nil {
			return "", err
		}
		c.result, err = c.toBytes(c.result[:0], string(text), domain)
		return "hex", wrapField(name, refuse(err))
	}
	if hex, err = textOf(c.unquote, "hex", hex); err != nil {
		return "", err
	}
	var at int
	if c.binary, at = decodeHex(c.binary, hex); at >= 0 {
		return "", wrapField("hex", &refusal{at, fmt.Errorf("wrong hexadecimal digit or an odd number of them at %d",
			at)})
	}
	c.result, err = c.toText(c.result[:0], c.binary, domain)
	return name, wrapField("hex", refuse(err))
}

// wrapField adds the name of a field to an error. It returns nil for a nil error.
func wrapField(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// domainOf parses the domain of a line, and returns the zero SID for an absent one. It caches domains, because most
// lines share one. null is absent. It must be a SID.
func (c *converter) domainOf(v []byte) (sid.SID, error) {
	if absent(v) {
		return sid.SID{}, nil
	}
	if s, ok := c.domain.get(v); ok {
		return s, nil
	}
	text, err := textOf(c.unquote, "domain", v)
	if err != nil {
		return sid.SID{}, err
	}
	s, err := sid.Parse(string(text))
	if err != nil {
		return sid.SID{}, fmt.Errorf("domain: %w", err)
	}
	c.domain.put(v, s)
	return s, nil
}

// appendRefusal appends the answer to a rejected line, with the offset of the error if it has one.
func appendRefusal(dst, id []byte, number int, err error) []byte {
	dst = appendError(dst, id, number, err)
	var r *refusal
	if errors.As(err, &r) {
		dst = fmt.Appendf(dst[:len(dst)-1], `,"offset":%d}`, r.offset)
	}
	return dst
}
