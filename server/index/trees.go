package index

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/refmon/refmon/internal/objects/tree"
)

// SeparateTrees returns an error if a tree's path is not absolute, or if a tree equals or is below another one. A
// document would then have a row for each tree (N-142). SeparateTrees reads no file system.
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

// checkTrees returns an error if the trees are not separate, or if a tree that this process reads does not exist. A
// mistyped tree would otherwise delete the documents of the former one (N-141).
func (c *Config) checkTrees() error {
	if err := SeparateTrees(c.Trees); err != nil || c.From != nil {
		return err
	}
	for _, t := range c.Trees {
		if _, err := os.Stat(t); err != nil {
			return fmt.Errorf("tree %s: %w", t, err)
		}
	}
	return nil
}

// keepTrees deletes the documents of all trees that are not in trees. For each such tree it passes an error with the
// number of documents to warn (N-141). warn may be nil.
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
			warn(fmt.Errorf("tree %s is no longer given: removing its documents from the index (%d)", t, w.state.trees[t]))
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
