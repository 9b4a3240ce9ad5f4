package batch

import "github.com/refmon/refmon/internal/words"

// Choose makes the question ask the first of some queries that is granted, or else the
// first: any one of the two rights of control is enough (B-2).
func (q *Question) Choose(queries []words.Query) error {
	ask := func(x words.Query) { q.Request.Desired, q.Request.ObjectTypes = x.Desired, x.Types }
	if len(queries) > 1 {
		for _, x := range queries {
			ask(x)
			a, err := q.Ask()
			if err != nil || a.Allowed() {
				return err
			}
		}
	}
	ask(queries[0])
	return nil
}
