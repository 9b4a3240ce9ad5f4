package objects

import (
	"fmt"
	"io/fs"

	"github.com/refmon/refmon/ntacl"
)

// Named reads files that the caller names below a directory, such as those that have
// changed: as [Files] does, but no others. A path begins with the root as it is given
// here; no link below the root is followed, and no other mount is visited. What is not
// there, or is neither file nor directory, is an object with an error that is
// fs.ErrNotExist. With Recurse, all below a folder is read, too.
func Named(root string, paths []string, opt TreeOptions) (Source, error) {
	below, err := openBelow(root)
	if err == nil && below == nil {
		err = &fs.PathError{Op: "open", Path: root, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, err
	}
	f := &files{opt: opt, out: make(chan found, 4), stop: make(chan struct{})}
	w := walker{files: f, found: found{below: below}}
	go func() {
		defer close(f.out)
		tree, done := below.tree()
		defer done()
		for _, p := range paths {
			x := lookedUp(tree, p)
			if x.Err == nil && !ntacl.Walk(tree, p, opt.Recurse, w.add) || x.Err != nil && !w.add(x) {
				return
			}
		}
		w.send()
	}()
	return f, nil
}

// lookedUp looks a path up.
func lookedUp(tree ntacl.Tree, path string) ntacl.Found {
	info, err := tree.Lstat(path)
	if info.Other {
		err = fmt.Errorf("it is neither a file nor a directory: %w", fs.ErrNotExist)
	}
	return ntacl.Found{Path: path, Directory: info.Directory, Err: err}
}
