package ldap

import "context"

// Mark identifies a state of a directory by one server's change number. The zero value precedes all
// changes.
type Mark struct{ mark mark }

// Since reports whether the directory may have changed since old, and returns the current mark.
// Another server, a smaller number, or a server without numbers count as a change. It does not
// check single objects: ordinary accounts cannot see deleted ones, so it would miss a deletion. Do
// not use the results that come with an error.
func (d *Directory) Since(ctx context.Context, old Mark) (now Mark, changed bool, err error) {
	err = d.with(ctx, func(c *conn) error {
		m, err := c.mark()
		now, changed = Mark{m}, m != old.mark || m.number == 0
		return err
	})
	return now, changed, err
}
