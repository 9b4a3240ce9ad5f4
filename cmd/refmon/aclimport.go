package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/internal/cli/restore"
)

// aclImportCmd holds the arguments and flags of refmon acl import.
type aclImportCmd struct {
	Tree      string `arg:"" help:"The directory whose files get descriptors."`
	File      string `arg:"" optional:"" default:"-" help:"An objects file in JSON lines (${default}: standard input)."`
	From      string `help:"The path that TREE had at the export, if it was a different one." placeholder:"PATH"`
	DryRun    bool   `help:"Change nothing; print the files whose descriptors differ." short:"n"`
	Offline   bool   `help:"${offline}"`
	Attribute string `default:"security.NTACL" help:"With --offline: the extended attribute." placeholder:"NAME"`
}

// Help returns the long text of --help for refmon acl import.
func (aclImportCmd) Help() string {
	return `Restores whole descriptors: owner, group, DACL and SACL with their flags. TREE is a directory of a mount of
refmond, and the user who runs this needs the right for each change. On a mount for backup, an account with
SeRestorePrivilege can set everything. With --offline the command writes the attributes of a directory of the host
instead, and checks no rights.

  refmon acl export -r /backup/projects > acls.jsonl
  refmon acl import --dry-run /backup/projects < acls.jsonl
  refmon acl import /backup/projects < acls.jsonl

All lines are checked before the first change. A malformed line (an unknown or repeated field, a path that
leads out of TREE, a descriptor without owner, group or DACL, SDDL that Windows would repair) is reported with
its number, and nothing is changed. A file that is missing or cannot keep its descriptor is reported, and the
import goes on. Repeat it after an interruption or an error: files that are done already are only read. No link
is followed.

FILE has lines of JSON, and at its end the line {"end":N} with their number N. refmon acl export -o FILE makes them of
other forms.

The exit code is 0 if every file has its descriptor, 1 if --dry-run found others, 2 after an error.`
}

// Run gives the files below a tree the descriptors of a file from refmon acl export. It names each file that fails and
// goes on. With --dry-run it prints the files that it would change. Without --from, names are relative to the tree. A
// tree that is not a directory is an error.
func (c *aclImportCmd) Run(std *streams) (err error) {
	switch about, err := os.Stat(c.Tree); {
	case err != nil:
		return err
	case !about.IsDir() && c.File == "-":
		return fmt.Errorf("%s is a file, and the tree is missing: write refmon acl import TREE %[1]s, such as "+
			"refmon acl import /srv/projects %[1]s", inLine(c.Tree))
	case !about.IsDir():
		return fmt.Errorf("%s is a file: the first argument is the directory whose files get descriptors", inLine(c.Tree))
	}
	in, err := c.input(std)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	files, err := c.files()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	ctx, cancel := interrupted()
	defer cancel()
	var written error // error of writing the output
	foreign := true   // no line has a path, so the file has another form
	counts, err := restore.Run(ctx, restore.Config{Files: files, Was: cmp.Or(c.From, c.Tree), DryRun: c.DryRun,
		Each: func(r restore.Result) {
			foreign = foreign && r.Path == ""
			switch {
			case r.Err != nil && r.Path == "":
				fmt.Fprintf(std.err, "refmon: line %d: %s\n", r.Line, inLine(r.Err.Error()))
			case r.Err != nil && c.From == "" && !filepath.IsAbs(r.Path) && errors.Is(r.Err, fs.ErrNotExist):
				// A relative path of another tree would look like a file that is there.
				fmt.Fprintf(std.err, "refmon: line %d: %s: %s in %s: see --from\n", r.Line, inLine(r.Path),
					inLine(r.Err.Error()), inLine(c.Tree))
			case r.Err != nil:
				fmt.Fprintf(std.err, "refmon: line %d: %s: %s\n", r.Line, inLine(r.Path), inLine(r.Err.Error()))
			case c.DryRun:
				_, err := fmt.Fprintln(std.out, inLine(r.Path))
				written = errors.Join(written, err)
			}
		}}, in)
	return c.conclude(std, &counts, foreign, errors.Join(err, written))
}

// files opens the tree of files to restore, on a mount or offline. The caller closes it.
func (c *aclImportCmd) files() (restore.Files, error) {
	if c.Offline {
		if err := notMounted(c.Tree); err != nil {
			return nil, err
		}
		return restore.Offline(c.Tree, c.Attribute)
	}
	return restore.Mounted(c.Tree)
}

// input opens the objects file. It copies what can be read only once, such as a pipe, into a file without a name, in
// the directory for temporary files. The caller closes the file. An error of copying leaves no file.
func (c *aclImportCmd) input(std *streams) (*os.File, error) {
	in, err := std.open(c.File)
	if err != nil {
		return nil, err
	}
	if f, ok := in.(*os.File); ok {
		if about, err := f.Stat(); err == nil && about.Mode().IsRegular() {
			return f, nil
		}
	}
	defer in.Close() // only read
	f, err := os.CreateTemp("", "refmon-import-")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(f.Name()); err == nil { // first, because a signal can end the copying
		_, err = io.Copy(f, in)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("copy the input: %w: nothing was changed", err), f.Close())
	}
	return f, nil
}

// conclude prints the counts and returns the command's result. foreign says that no line of the file has a path. The
// result is errReported for malformed lines, an interruption or failed files, errDenied for a dry run that would write
// something, or err.
func (c *aclImportCmd) conclude(std *streams, n *restore.Counts, foreign bool, err error) error {
	if n.Bad > 0 {
		fmt.Fprintf(std.err, "refmon: %d of %s malformed: nothing was changed\n", n.Bad,
			count(int(n.Lines), "line is", "lines are"))
		if n.Bad == n.Lines && foreign {
			fmt.Fprintln(std.err, "refmon: the file must have lines of JSON: refmon acl export -o FILE makes them of CSV, "+
				"LDIF, icacls saves and the output of Get-Acl and accesschk")
		}
		return errReported
	}
	if errors.Is(err, restore.ErrEmpty) {
		return err
	}
	done := "written"
	if c.DryRun {
		done = "to write"
	}
	_, failed := fmt.Fprintf(std.out, "%s: %d %s, %d as they should be, %d could not be read or written\n",
		count(int(n.Lines), "descriptor", "descriptors"), n.Written, done, n.Same, n.Failed)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(std.err, "refmon: interrupted: repeat the import to finish it")
		return errReported
	case err != nil || failed != nil:
		return errors.Join(err, failed)
	case n.Failed > 0:
		if !c.DryRun {
			fmt.Fprintln(std.err, "refmon: not every file has its descriptor: remove the causes and repeat the import")
		}
		return errReported
	}
	return verdict(!c.DryRun || n.Written == 0)
}
