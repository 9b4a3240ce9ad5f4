package ldap

import "context"

// Mark identifies a state of a directory by one server's change number. The zero value precedes all
// changes.
type Mark struct{ mark mark }

// Since returns the current mark of a server, and whether the directory may have changed since old. Another
// server, a smaller number, or a server without numbers counts as a change. It does not check single objects:
// ordinary accounts cannot see deleted ones, so it would miss a deletion. With an error, the other results are
// meaningless. Errors are [*Error], or wrap [ErrAway].
func (d *Directory) Since(ctx context.Context, old Mark) (now Mark, changed bool, err error) {
	err = d.with(ctx, func(c *conn) error {
		m, err := c.mark()
		now, changed = Mark{m}, m != old.mark || m.number == 0
		return err
	})
	return now, changed, err
}
