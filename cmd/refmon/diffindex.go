package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/refmon/refmon/internal/cli/bulk"
)

// indexes reports whether both files are outputs of who-can --for-index; a pipe counts as none. It is an error if only
// one is.
func (c *diffCmd) indexes() (bool, error) {
	before, after := bulk.IsIndex(headOf(c.Before)), bulk.IsIndex(headOf(c.After))
	if before == after {
		return before, nil
	}
	other := c.After
	if after {
		other = c.Before
	}
	if _, err := os.Stat(other); errors.Is(err, fs.ErrNotExist) && other != "-" {
		return false, err
	}
	return false, fmt.Errorf("one of the files is an output of --for-index, the other is not: %s", other)
}

// index compares two outputs of who-can --for-index and writes the changes as JSON lines. It returns errDenied if they
// differ. It returns nil and prints nothing if they are equal. --checkpoint, --summary, csv and all flags that
// change answers are errors. So is an existing --out without --force.
func (c *diffCmd) index(std *streams) (err error) {
	if c.Checkpoint != "" || c.Summary || c.Format == "csv" {
		return errors.New("two outputs of --for-index are compared as JSON lines: omit --checkpoint, --summary and csv")
	}
	unused := setFlags(map[string]bool{"directory": len(c.Directory) > 0, "token": len(c.Token) > 0,
		"logon": c.Logon != "", "share": len(c.Share) > 0, "directory-after": len(c.DirectoryAfter) > 0,
		"type": c.Type != "file"})
	if unused != "" {
		return fmt.Errorf("two outputs of --for-index are compared as they are, because the outputs have the answers "+
			"already: omit %s", unused)
	}
	open := func(name string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return os.Open(name) }
	}
	d := &bulk.IndexDiff{Before: open(c.Before), After: open(c.After)}
	o := c.output(std, nil, c.Before, c.After)
	if d.Out, err = o.to(c.Out, std.out); err != nil {
		return err
	}
	defer o.close(&err)
	if err := d.Do(); err != nil {
		return err
	}
	if d.Rows+d.Sets+d.Gone+d.GoneSets == 0 {
		return nil
	}
	fmt.Fprintf(std.err, "refmon: %s to write, %s to add, %s and %s gone\n", count(d.Rows, "row", "rows"),
		count(d.Sets, "set", "sets"), count(d.Gone, "object", "objects"), count(d.GoneSets, "set", "sets"))
	return errDenied
}
