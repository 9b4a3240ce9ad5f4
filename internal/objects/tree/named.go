package tree

import (
	"fmt"
	"io/fs"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/ntacl"
)

// Named returns a source of the given files below a directory, such as changed files. With Recurse it also returns
// their descendants, whatever Depth and Exclude say. Each path must start with root exactly as given. It follows no
// link below the root and enters no other mount. A missing file and one that is neither file nor directory become
// objects with an error that wraps fs.ErrNotExist. It fails if root is not a directory, and on other systems than
// Linux.
func Named(root string, paths []string, opt Options) (objects.Source, error) {
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
		defer below.release()
		tree, done := below.tree()
		defer done()
		for _, p := range paths {
			x := lookUp(tree, p)
			if x.Err == nil && !ntacl.Walk(tree, p, opt.Recurse, w.add) || x.Err != nil && !w.add(x) {
				return
			}
		}
		w.send()
	}()
	return f, nil
}

// lookUp returns the file at a path. Its Err is set if the path is missing or neither a file nor a directory.
func lookUp(tree ntacl.Tree, path string) ntacl.Found {
	info, err := tree.Lstat(path)
	if info.Other {
		err = fmt.Errorf("it is neither a file nor a directory: %w", fs.ErrNotExist)
	}
	return ntacl.Found{Path: path, Directory: info.Directory, Err: err}
}
