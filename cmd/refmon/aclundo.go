package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/refmon/refmon/internal/cli/acltree"
)

// aclUndoCmd holds the arguments and flags of refmon acl undo.
type aclUndoCmd struct {
	File  string `arg:"" help:"Undo file of refmon acl grant, deny, revoke or migrate."`
	Quiet bool   `help:"No progress bar." short:"q"`
}

// Help returns the long text of --help for refmon acl undo.
func (aclUndoCmd) Help() string {
	return `Undoes a change of refmon acl grant, deny, revoke or migrate: every file gets its former descriptor back. A
file that somebody else has changed since keeps its descriptor, and the command lists it. Undo also works after a change
that was interrupted. It can be interrupted and repeated itself. The undo file stays.

  refmon acl undo ~/.local/state/refmon/acl-20261123-101500-K3MQ7P.undo

Files that were created after the change stay as they are. The command lists those that inherited a removed entry,
and those that it cannot read.

The exit code is 2 if a file could not be restored, or if the command lists such a file.`
}

// Run gives the files of a journal their former descriptors. Files that have them already are counted only. It returns
// errReported if files failed; repeat the command after an interrupt. These are errors before any file changes: a
// damaged journal, a tree that cannot be opened, and a mount of refmond over the tree of an offline change. It prints
// the counts also after a failure.
func (c *aclUndoCmd) Run(std *streams) error {
	if err := regular(c.File); err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	if err := acltree.Lock(f, false); err != nil {
		return fmt.Errorf("%s: %w", inLine(c.File), err)
	}
	j, err := acltree.ReadJournal(f)
	if err != nil {
		return fmt.Errorf("%s: %w", inLine(c.File), err)
	}
	var keeper acltree.Keeper = acltree.Mount{}
	if j.Keeper != keeper.Name() {
		if err := notMounted(j.Root); err != nil {
			return err
		}
		keeper = acltree.Offline{Attribute: j.Keeper}
	}
	tree, err := acltree.Open(j.Root)
	if err != nil {
		return err
	}
	defer tree.Close()
	ctx, cancel := interrupted()
	defer cancel()
	r := &aclRun{editFlags: &editFlags{Path: j.Root}, std: std}
	bar := newBar(std, int64(j.Entries), c.Quiet)
	out, err := acltree.Run(ctx, tree, keeper, j, true, r.report, func(o acltree.Outcome) { bar.show(position(o)) })
	bar.clear()
	if _, err := fmt.Fprintf(std.out, "%s restored, %d had their descriptors\n", count(out.Written, "file", "files"),
		out.Already); err != nil {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(std.err, "refmon: interrupted: to continue, repeat the command")
		return errReported
	case err != nil:
		return err
	}
	err = r.kept(ctx, tree, keeper, j)
	if err == nil && out.Failed > 0 {
		err = errReported
	}
	return err
}

// regular returns an error for a path that is no regular file, such as a named pipe, which would wait for a writer. A
// missing file is no error.
func regular(name string) error {
	switch info, err := os.Stat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: it is no regular file: name an undo file", inLine(name))
	}
	return nil
}
