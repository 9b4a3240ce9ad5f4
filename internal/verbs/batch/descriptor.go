package batch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// descriptor reads the security descriptor of a line into q.
func (c *checker) descriptor(s *subject, q *Question) error {
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
	if name == "sd" { // only text has aliases
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

// refuseDescriptor says what is wrong with a descriptor: as an error of the
// line, or as the status of an NtAccessCheck, which captures bytes itself.
func (c *checker) refuseDescriptor(q *Question, name string, err error) error {
	var bad *sd.DecodeError
	if q.Call == NtAccessCheck && name == "sdHex" && errors.As(err, &bad) {
		q.Capture = bad.Status
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// resourceAttributes adds the attributes of a line to the descriptor of q, as
// entries at the end of its SACL: the form in which an object carries them.
func (c *checker) resourceAttributes(q *Question) error {
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
	p.Control |= sd.SACLPresent
	q.Request.Descriptor = sd.New(p)
	return nil
}

// parseAttributes reads attributes written as the claims of a token file are.
// It lets the reader of token files do so, in a file with nothing else.
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
