//go:build invariants

package ob

import "sync/atomic"

// tagCounts counts the references of each kind of holder. The counts can differ from the packed count for an instant,
// so read them only when no other code uses the object.
type tagCounts struct{ n [numTags]atomic.Int64 }

// add changes the count of a tag by delta. It panics if the count falls below zero.
func (t *tagCounts) add(tag Tag, delta int64) {
	if t.n[tag].Add(delta) < 0 {
		panic("ob: reference released by " + tag.String() + ", which holds none")
	}
}

// holders yields each tag with a count other than zero.
func (t *tagCounts) holders(yield func(Tag, int64)) {
	for i := range t.n {
		if n := t.n[i].Load(); n != 0 {
			yield(Tag(i), n)
		}
	}
}
