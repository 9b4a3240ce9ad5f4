package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/hostfs"
)

// aclRepairCmd holds the arguments and flags of refmon acl repair.
type aclRepairCmd struct {
	Paths     []string `arg:"" name:"path" help:"Directories with all that is below them, and files."`
	Rehash    bool     `help:"Also make descriptors valid again after a change of mode, owner or POSIX ACL."`
	DryRun    bool     `help:"Report what would change, and write nothing."`
	Attribute string   `default:"security.NTACL" help:"The extended attribute with the descriptors." placeholder:"NAME"`
}

// Help returns the long text of --help for refmon acl repair.
func (aclRepairCmd) Help() string {
	return `Converts stored descriptors to the current form of refmond, directly in the files. Stop the servers of
the tree first.

It removes entries for a logon session (S-1-5-5-x-y), including denials, because a later session can get the number of
an ended one. Earlier versions stored such entries with every new file.

It replaces the generic rights of entries that apply to the file itself by the file's rights. Samba compares the stored
bits and ignores such an entry.

With --rehash it makes descriptors valid again that a chmod, chown or setfacl without the servers has made invalid.
Until then such a file refuses every user, or its mode decides. Check the paths with --dry-run first.

Nothing else changes, and a file server accepts the same descriptors as before. The command does not follow links or
enter other mounts. It refuses a path that a mount of refmond covers: unmount the tree first.

  refmon acl repair --dry-run /srv/projects
  refmon acl repair /srv/projects

The exit code is 0 if nothing is left to repair, 1 if --dry-run found something or a descriptor is invalid, 2 if
a file could not be read or written. Writing takes CAP_SYS_ADMIN.`
}

// Run repairs the trees, one after the other, and prints each repaired file and the counts. It goes on after a file
// that fails. An error of a whole tree, such as a mount of refmond over it, or of the output ends it without counts. It
// returns errReported if a file failed, and otherwise errDenied if something is left to repair. An interrupt is an
// error of the tree.
func (c *aclRepairCmd) Run(std *streams) error {
	ctx, cancel := interrupted()
	defer cancel()
	var sum hostfs.RepairCounts
	var written error // error of writing the output
	for _, path := range c.Paths {
		if err := notMounted(path); err != nil {
			return err
		}
		counts, err := hostfs.Repair(ctx, hostfs.RepairConfig{Path: path, Attribute: c.Attribute, DryRun: c.DryRun,
			Rehash: c.Rehash,
			Each: func(f hostfs.Repaired) {
				to := std.out
				if f.Err != nil {
					to = std.err
				}
				if _, err := fmt.Fprintln(to, inLine(f.String())); written == nil {
					written = err
				}
			}})
		sum.Files += counts.Files
		sum.Sessions += counts.Sessions
		sum.Generic += counts.Generic
		sum.Stale += counts.Stale
		sum.Failed += counts.Failed
		if err := errors.Join(err, written); err != nil {
			return err
		}
	}
	done := "repaired"
	if c.DryRun {
		done = "to repair"
	}
	if _, err := fmt.Fprintf(std.out, "%s looked at; %s: %d with entries for logon sessions, %d with generic rights; "+
		"%d could not be read or written\n", count(int(sum.Files), "file", "files"), done, sum.Sessions, sum.Generic,
		sum.Failed); err != nil {
		return err
	}
	if err := c.stale(std, sum.Stale); err != nil {
		return err
	}
	if sum.Failed > 0 {
		return errReported
	}
	return verdict((!c.DryRun || sum.Sessions+sum.Generic == 0) && (c.Rehash && !c.DryRun || sum.Stale == 0))
}

// stale prints how many descriptors did not count because of their hash, and whether they do now. It prints nothing
// for 0.
func (c *aclRepairCmd) stale(std *streams, n int64) (err error) {
	switch {
	case n == 0:
	case c.Rehash && !c.DryRun:
		_, err = fmt.Fprintf(std.out, "made %s valid again\n", count(int(n), "descriptor", "descriptors"))
	default:
		_, err = fmt.Fprintf(std.out, "%s: refmon acl repair --rehash repairs\n",
			count(int(n), "invalid descriptor", "invalid descriptors"))
	}
	return err
}

// notMounted returns an error with the name if a mount of refmond shows a file, or the one that a link leads to. The
// mount hides the stored attributes: it shows computed modes and descriptors without a hash, so everything would look
// valid (F-202).
func notMounted(name string) error {
	path := name
	for range 40 { // the kernel follows at most 40 links
		whole, at, err := mounted(path)
		if err == nil && at != "" {
			err = underMount(at)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", inLine(name), err)
		}
		if path, err = os.Readlink(whole); err != nil {
			return nil
		}
		if !filepath.IsAbs(path) {
			path = filepath.Dir(whole) + "/" + path
		}
	}
	return nil
}
