package main

import (
	"path/filepath"
	"slices"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
)

// extent describes the objects that a run visits. The zero value means all objects of an objects file.
type extent struct {
	roots   map[string][]string // the paths of the command line by their [cleanName]; nil: an objects file
	recurse bool
	depth   int // levels below a root; 0: all
	exclude objects.Patterns
}

// visits reports whether the run would visit an object with this path. It does not read the file system.
func (x *extent) visits(path string) bool {
	if x.roots == nil {
		return !x.exclude.Above([]byte(path))
	}
	var names []string // from a folder above down to the path, the last one first
	for folder := cleanName(path); ; {
		for _, root := range x.roots[folder] {
			if x.reaches(root, names) {
				return true
			}
		}
		above := filepath.Dir(folder)
		// filepath.Dir("..") is ".", which is not the folder above it.
		if above == folder || filepath.Base(folder) == parent {
			return false
		}
		names, folder = append(names, filepath.Base(folder)), above
	}
}

// reaches reports whether a walk from root visits the object with these names below it, the last one first. As in the
// walk, patterns match paths that begin with root as the command line has it.
func (x *extent) reaches(root string, names []string) bool {
	if len(names) > 0 && !x.recurse || x.depth > 0 && len(names) > x.depth {
		return false
	}
	path := root
	for _, name := range slices.Backward(names) {
		path = tree.Join(path, name)
		if x.exclude.Match(filepath.ToSlash(path)) {
			return false
		}
	}
	return true
}
