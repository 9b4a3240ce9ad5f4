package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/refmon/refmon/internal/cli/acltree"
)

// open opens the tree to change. With --offline, a path in a mount of refmond is an error. The caller closes the tree.
func (r *aclRun) open() (*acltree.Tree, error) {
	if r.Offline {
		if err := notMounted(r.Path); err != nil {
			return nil, err
		}
	}
	tree, err := acltree.Open(r.Path)
	if err != nil {
		return nil, r.unopened(err)
	}
	return tree, nil
}

// unopened returns the error of a path that cannot be opened, and for a denial on a mount of refmond what to do. Any
// other error is returned unchanged.
func (r *aclRun) unopened(err error) error {
	_, at, failed := mounted(r.Path)
	if !errors.Is(err, fs.ErrPermission) || failed != nil || at == "" {
		return err
	}
	return unlisted(err, r.Path, os.Geteuid())
}

// unlisted adds to a denial on a mount of refmond what the user uid can do. Only uid 0 expects rights there.
func unlisted(err error, path string, uid int) error {
	root := ""
	if uid == 0 {
		root = ", where root has no rights of its own"
	}
	return fmt.Errorf("%w: you may not list it on this mount%s: run the command as a user whom the descriptor lets "+
		"change it; refmon why %s --as USER shows the entries", err, root, inLine(path))
}
