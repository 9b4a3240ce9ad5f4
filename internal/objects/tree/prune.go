package tree

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/ntacl"
)

// pruned is a view of a tree without excluded files and without those below a depth.
type pruned struct {
	ntacl.Tree
	root    string
	depth   int // levels below root that are visited; 0: all
	exclude objects.Patterns
}

// List returns the children of a directory that the walk visits: none at the greatest depth, and not the excluded
// ones. A depth of 0 has no limit. An error of the tree is returned with the rest.
func (t pruned) List(dir string) ([]ntacl.Entry, error) {
	if t.depth > 0 && t.level(dir) >= t.depth {
		return nil, nil
	}
	list, err := t.Tree.List(dir)
	kept := list[:0]
	for _, e := range list {
		if !t.exclude.Match(filepath.ToSlash(t.Join(dir, e.Name))) {
			kept = append(kept, e)
		}
	}
	return kept, err
}

// level returns the number of levels between a directory and the root, 0 for the root.
func (t pruned) level(dir string) int {
	below := bytes.Trim([]byte(filepath.ToSlash(strings.TrimPrefix(dir, t.root))), "/")
	if len(below) == 0 {
		return 0
	}
	return 1 + bytes.Count(below, []byte("/"))
}
