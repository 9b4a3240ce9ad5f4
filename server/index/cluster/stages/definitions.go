package stages

import (
	"context"
	"errors"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// definitions returns the classes of share n that the logs of all parts define, each after those of the folders above
// its documents. A log that cannot be used goes to Warn, and its classes are missing. Other errors are those of the
// servers. The caller owns the result.
func (c *Conn) definitions(ctx context.Context, n int) (out []*index.ClassEvent, err error) {
	folders, added := map[string]*index.ClassEvent{}, map[string]bool{}
	add := func(e *index.ClassEvent) {
		if e != nil && !added[e.ID] {
			added[e.ID] = true
			out = append(out, e)
		}
	}
	for _, p := range c.site.DocumentParts() {
		log := newRecords(c, site.StreamRows, "rows."+p.Subject())
		err := log.all(ctx, func() {}, func(r *record) error {
			for i := range r.events {
				if r.events[i].Class == nil {
					continue
				}
				e := *r.events[i].Class // without the rows of the record
				switch {
				case e.Passing:
					folders[e.ID] = &e
				case c.site.DeciderOf(e.ID) == n:
					for _, id := range e.Through {
						add(folders[id])
					}
					add(&e)
				}
			}
			return nil
		})
		if errors.Is(err, errRecord) {
			c.warn(err)
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}
