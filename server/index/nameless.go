package index

import (
	"maps"

	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/server/watch"
)

// nameless keeps the count of documents that the index cannot name, because their path is not UTF-8: it records the
// document of s. If s reports a deletion, it removes the recorded ones at and below its path.
func (w *Worker) nameless(s *watch.Seen) {
	if s.Gone {
		maps.DeleteFunc(w.unnamed, func(at string, _ uint64) bool { return tree.Contains(s.Path, at) })
		return
	}
	w.unnamed[s.Path] = w.begun
}

// namelessSince ends a walk for the documents whose path is not UTF-8: it forgets those of the tree that the walk with
// this number did not find.
func (w *Worker) namelessSince(root string, walk uint64) {
	maps.DeleteFunc(w.unnamed, func(at string, seen uint64) bool { return tree.Contains(root, at) && seen < walk })
}
