package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/words"
)

// input is the opened source of a run's objects, with what is known about it.
type input struct {
	source         objects.Source
	close          func() error
	size, modified int64 // bytes, and nanoseconds since 1970; 0 if not known
	file           *os.File
	chosen         bool   // some objects are left out
	partial        bool   // names on the command line or --only leave them out
	ldif           bool   // the objects are those of a directory
	head           []byte // of a pipe: its beginning
	extent         extent
}

// choose adapts the input to the command's rights. A separate descriptor decides about a managed account's password
// (ReadGMSAPassword), so the source is then replaced by one with these descriptors. Such a right together with others
// is an error. For other rights choose does nothing.
func (in *input) choose(rights []words.Right) (err error) {
	managed := func(r words.Right) bool { return r.Managed() }
	switch {
	case !slices.ContainsFunc(rights, managed):
		return nil
	case len(rights) > 1:
		return errors.New("ReadGMSAPassword cannot be combined with other rights: a separate descriptor decides it")
	}
	in.source, err = ldif.Managed(in.source)
	return err
}

// extent is what a run visits of its objects. The zero value is all objects of an objects file.
type extent struct {
	roots   map[string]bool // clean paths of files; nil: an objects file
	recurse bool
	depth   int // levels below a root; 0: all
	exclude objects.Patterns
}

// visits reports whether the run looks for an object with a path. It reads no file system.
func (x *extent) visits(path string) bool {
	if x.roots == nil {
		return !x.exclude.Above([]byte(path))
	}
	path = filepath.Clean(path)
	for level := 0; ; level++ {
		if x.roots[path] && (level == 0 || x.recurse && (x.depth == 0 || level <= x.depth)) {
			return true
		}
		above := filepath.Dir(path)
		// Every name in .. is outside of the root "."
		if above == path || path == ".." || x.exclude.Match(filepath.ToSlash(path)) {
			return false
		}
		path = above
	}
}
