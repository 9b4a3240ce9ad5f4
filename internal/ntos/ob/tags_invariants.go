//go:build invariants

package ob

import "sync/atomic"

// tagCounts is how many references each kind of holder has. It trails the
// packed count by an instant, so it is read only when an object is at rest.
type tagCounts struct{ n [numTags]atomic.Int64 }

func (t *tagCounts) add(tag Tag, delta int64) {
	if t.n[tag].Add(delta) < 0 {
		panic("ob: reference released by " + tag.String() + ", which holds none")
	}
}

func (t *tagCounts) holders(yield func(Tag, int64)) {
	for i := range t.n {
		if n := t.n[i].Load(); n != 0 {
			yield(Tag(i), n)
		}
	}
}
