package index

import (
	"maps"
	"strings"
)

// nameless counts a document that no row can name, and forgets those that are gone with a path.
func (w *Worker) nameless(s *Seen) {
	if s.Gone {
		maps.DeleteFunc(w.unnamed, func(at string, _ uint64) bool { return below(at, s.Path) })
		return
	}
	w.unnamed[s.Path] = w.begun
}

// below reports whether a path is another one or lies below it.
func below(at, path string) bool {
	return at == path || strings.HasPrefix(at, strings.TrimSuffix(path, "/")+"/")
}

// namelessSince forgets those of a tree that a walk has not found.
func (w *Worker) namelessSince(tree string, walk uint64) {
	maps.DeleteFunc(w.unnamed, func(at string, seen uint64) bool { return below(at, tree) && seen < walk })
}
