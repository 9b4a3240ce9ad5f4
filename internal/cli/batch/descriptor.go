package batch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// descriptor sets the security descriptor of q from the line, with the line's resource attributes. "sd" or "sdHex"
// must be present, and only one may have a value. If both are null or absent, q stays unchanged. refuseDescriptor
// handles a malformed descriptor.
func (c *checker) descriptor(s *subject, q *accessquery.Query) error {
	text, hex := c.slots[fSD], c.slots[fSDHex]
	name, v := "sd", text
	switch {
	case text == nil && hex == nil:
		return errors.New(`want one of the fields "sd" and "sdHex"`)
	case absent(text) && absent(hex):
		return nil // "sd":null asks about no descriptor at all
	case !absent(text) && !absent(hex):
		return errors.New(`want one of the fields "sd" and "sdHex", not both`)
	case !absent(hex):
		name, v = "sdHex", hex
	}
	c.key = append(c.key[:0], name[len(name)-1])
	if name == "sd" { // only the text form has aliases, which depend on the domain
		c.key = append(c.key, s.domain.Binary()...)
	}
	c.key = append(c.key, v...)
	d, ok := c.sds.get(c.key)
	if !ok {
		var err error
		if d, err = c.parseDescriptor(name, v, s.domain); err != nil {
			return c.refuseDescriptor(q, name, err)
		}
		c.sds.put(c.key, d)
	}
	q.Request.Descriptor = d
	return c.resourceAttributes(q)
}

// parseDescriptor parses the JSON string v: SDDL if the field is "sd", otherwise hexadecimal bytes. An empty text is
// an error. The descriptor does not refer to v.
func (c *checker) parseDescriptor(name string, v []byte, domain sid.SID) (*sd.Descriptor, error) {
	text, err := textOf(c.unquote, name, v)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("the text is empty: give a descriptor, or null for none")
	}
	if name == "sd" {
		return sddl.Parse(string(text), sddl.Options{Domain: domain})
	}
	var at int
	if c.binary, at = decodeHex(c.binary, text); at >= 0 {
		return nil, fmt.Errorf("wrong hexadecimal digit or an odd number of them at %d", at)
	}
	return sd.Decode(c.binary)
}

// refuseDescriptor returns the error err of a malformed descriptor, with the field's name. The exception is a binary
// descriptor for NtAccessCheck, which fails with the status of the capture. Its status is stored in q, and the result
// is nil.
func (c *checker) refuseDescriptor(q *accessquery.Query, name string, err error) error {
	var bad *sd.DecodeError
	if q.Call == accessquery.NtAccessCheck && name == "sdHex" && errors.As(err, &bad) {
		// NtAccessCheck fails with the status of the capture, in its place among the rules.
		q.Capture = bad.Status
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// resourceAttributes appends the line's attributes to the SACL as resource attribute entries. It sets a new
// descriptor in q, so that the cached one stays unchanged. Without the field it does nothing. A malformed attribute
// and one too large for an entry are errors.
func (c *checker) resourceAttributes(q *accessquery.Query) error {
	v := c.slots[fResourceAttributes]
	if absent(v) {
		return nil
	}
	set, err := parseAttributes(v)
	if err != nil {
		return err
	}
	p := q.Request.Descriptor.Parts()
	aces := p.SACL.Slice()
	for _, a := range set.All() {
		ace, err := sd.NewACE(sd.SystemResourceAttribute, 0, 0, sid.Everyone, sd.ACEExtra{AppData: a.Append(nil)})
		if err != nil {
			return fmt.Errorf("resourceAttributes: %q: %w", a.Name, err)
		}
		aces = append(aces, ace)
	}
	if p.SACL, err = sd.NewACL(aces...); err != nil {
		return fmt.Errorf("resourceAttributes: %w", err)
	}
	q.Request.Descriptor = sd.New(p)
	return nil
}

// parseAttributes parses attributes in the form of a token file's claims, with the parser of token files. Offsets in
// the error count from the start of v.
func parseAttributes(v []byte) (*claims.Set, error) {
	const before, field = `{"user":"S-1-0-0","userClaims":`, "userClaims"
	file := append(append([]byte(before), v...), '}')
	t, err := token.Parse(file)
	var wrong *token.FileError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("resourceAttributes%s: %s (byte %d)", strings.TrimPrefix(wrong.Path, field),
			wrong.Problem, max(0, wrong.Offset-len(before)))
	}
	if err != nil {
		return nil, fmt.Errorf("resourceAttributes: %w", err)
	}
	return t.UserClaims(), nil
}
