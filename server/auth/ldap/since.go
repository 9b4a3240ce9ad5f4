package ldap

import "context"

// Mark says up to which change a directory was asked; its numbers are those of one server. The
// zero value is before all changes.
type Mark struct{ mark mark }

// Since reports whether anything of the directory was changed since a mark, and returns the mark
// of now. Another server, one whose numbers went back and one that does not count are a
// change. Which objects were changed is not asked: ordinary accounts may not see deleted
// ones, and a deletion would be missed.
func (d *Directory) Since(ctx context.Context, old Mark) (now Mark, changed bool, err error) {
	err = d.with(ctx, func(c *conn) error {
		m, err := c.mark()
		now, changed = Mark{m}, m != old.mark || m.number == 0
		return err
	})
	return now, changed, err
}
