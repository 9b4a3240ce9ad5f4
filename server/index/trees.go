package index

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/refmon/refmon/internal/objects/tree"
)

// SeparateTrees returns an error for a tree whose path is not absolute, and for one that is another tree or below it: a
// document would have a row of each, and the last walk would decide (N-142). It reads no file system.
func SeparateTrees(trees []string) error {
	for i, t := range trees {
		if !filepath.IsAbs(t) {
			return fmt.Errorf("tree %s: want an absolute path, by which documents are named", t)
		}
		for k, other := range trees {
			if i != k && tree.Contains(filepath.Clean(other), filepath.Clean(t)) {
				return fmt.Errorf("tree %s is the tree %s or below it: give one of them", t, other)
			}
		}
	}
	return nil
}

// keepTrees deletes the documents of all other trees, which an earlier run had, and passes the number of each tree's
// documents to warn (N-141). A nil warn drops it.
func (w *Worker) keepTrees(trees []string, warn func(error)) error {
	kept := map[string]bool{}
	for _, t := range trees {
		kept[t] = true
	}
	w.clock = at(time.Now())
	for _, t := range slices.Sorted(maps.Keys(w.state.trees)) {
		if kept[t] {
			continue
		}
		if warn != nil {
			warn(fmt.Errorf("tree %s is no longer given: its %d documents leave the index", t, w.state.trees[t]))
		}
		for _, at := range slices.Sorted(maps.Keys(w.state.rows)) {
			if w.state.rows[at].Tree == t {
				if err := w.add(Event{Gone: at}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
