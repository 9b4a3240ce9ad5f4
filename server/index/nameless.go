package index

import "github.com/refmon/refmon/server/watch"

// nameless keeps the count of documents that the index cannot name, because their path is not UTF-8: it records the
// document of s. If s reports a deletion, it removes the recorded ones at and below its path.
func (w *Worker) nameless(s *watch.Seen) {
	if s.Gone {
		w.forgetNameless(s.Path, func(string) bool { return true })
		return
	}
	w.unnamed[s.Path] = w.begun
	w.unnamedBelow.link(s.Path)
}

// namelessSince ends a walk for the documents whose path is not UTF-8: it forgets those of the tree that the walk with
// this number did not find.
func (w *Worker) namelessSince(root string, walk uint64) {
	w.forgetNameless(root, func(at string) bool { return w.unnamed[at] < walk })
}

// forgetNameless removes the recorded documents at and below a path for which gone is true. It does not search the
// others: a user of the tree can make any number of such documents, and each deletion asks for them.
func (w *Worker) forgetNameless(root string, gone func(at string) bool) {
	is := func(at string) bool { _, known := w.unnamed[at]; return known }
	for _, at := range w.unnamedBelow.under(root, is) {
		if gone(at) {
			delete(w.unnamed, at)
			w.unnamedBelow.unlink(at, is)
		}
	}
}
