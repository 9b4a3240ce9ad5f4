package batch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

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
		return nil, fmt.Errorf("resourceAttributes%s: %s (byte %d)", strings.TrimPrefix(wrong.Path, field), wrong.Problem, max(0, wrong.Offset-len(before)))
	}
	if err != nil {
		return nil, fmt.Errorf("resourceAttributes: %w", err)
	}
	return t.UserClaims(), nil
}
