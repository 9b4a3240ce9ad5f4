package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/cli/acltree"
	"github.com/refmon/refmon/sid"
)

// aclMigrateCmd holds the arguments and flags of refmon acl migrate.
type aclMigrateCmd struct {
	editFlags `embed:""`
	From      string `required:"" help:"${aclFrom}" enum:"posix,nfs4" placeholder:"KIND"`
	Source    string `help:"${aclSource}" default:"system.nfs4_acl" placeholder:"NAME"`
	Replace   bool   `help:"Also convert files that have a descriptor."`
}

// Help returns the long text of --help for refmon acl migrate.
func (aclMigrateCmd) Help() string {
	return `Gives every file of a tree a descriptor that is equivalent to its permissions, and lists the permissions that a
descriptor cannot express. Files that have a descriptor keep it. The command implies --offline: it writes the attribute
in which a file server stores descriptors.

  refmon acl migrate --from posix -r /srv/share --dry-run
  refmon acl migrate --from posix -r /srv/share
  refmon acl migrate --from nfs4 -r /mnt/filer -d company.yaml

With posix, each entry of the ACL becomes entries for the same users and groups. A POSIX check uses only the first
entry that matches, so the command adds entries that deny. Their order is not always canonical. With nfs4, the entries
keep their order, and names are looked up as in refmon acl grant.

Each DACL is protected, because POSIX permissions are not inherited. Use refmon acl grant -r --every to change them all.

The losses are printed by kind, with the first file of each: set-user-id bits, names without an account, rights of
several groups that add up, closed directories. A closed directory protects the files below it only on a mount or tree
with traverse: always. Look at the losses with --dry-run first. Before the first change, an undo file is on disk, as in
refmon acl grant.`
}

// Run converts the POSIX or NFSv4 permissions of a tree to descriptors. It prints what a descriptor cannot express, and
// the names that have no SID. Names are reported once each, fewer than maxListed, and one line stands for the others.
// Files that have a descriptor keep it without --replace. It works offline.
func (c *aclMigrateCmd) Run(std *streams) error {
	names, done, err := c.names(std)
	if err != nil {
		return err
	}
	defer done()
	return c.migrate(std, names)
}

// migrate converts the tree with the accounts of names, and has the results of Run. The first failed lookup of a name
// ends it: it changes nothing and returns that error.
func (c *aclMigrateCmd) migrate(std *streams, names *acltree.Names) error {
	c.Offline = true
	var lost losses
	unknown := map[string]bool{}
	m := &acltree.Migration{From: acltree.Permissions(c.From), Accounts: names.Accounts, Attribute: c.Source,
		Replace: c.Replace, Lost: lost.add}
	if err := m.Check(); err != nil {
		return err
	}
	m.Who = func(who string, group bool) (sid.SID, bool, error) {
		kind := "user:"
		if group {
			kind = "group:"
		}
		a, err := names.Find(kind + who)
		if errors.As(err, new(*acltree.LookupError)) {
			return sid.SID{}, false, err // without the name's entry the descriptor would be another one
		}
		if err != nil && !unknown[who] && len(unknown) < maxListed {
			if unknown[who] = true; len(unknown) == maxListed {
				fmt.Fprintln(std.err, "refmon: more names have no SID")
			} else {
				fmt.Fprintf(std.err, "refmon: %s\n", printable(err.Error()))
			}
		}
		return a.SID, err == nil, nil
	}
	run := &aclRun{editFlags: &c.editFlags, std: std, names: names, change: m.Change, command: c.command(),
		files: slices.Concat(c.people, c.maps)}
	run.planned = func() error {
		if m.Kept > 0 {
			fmt.Fprintf(std.err, "refmon: %s had a descriptor and keep it\n", count(m.Kept, "file", "files"))
		}
		return lost.print(std, c.Path)
	}
	return run.do()
}

// command returns the description of the change in the undo file: the flags that change the result. The files of names
// are not in it, because [aclRun.header] adds them.
func (c *aclMigrateCmd) command() string {
	text := "migrate --from " + c.From
	if c.From == "nfs4" {
		text += " --source " + c.Source
	}
	if c.Replace {
		text += " --replace"
	}
	if c.NamesFrom != "" {
		text += " --names-from " + c.NamesFrom
	}
	return text
}

// losses counts what a conversion could not express.
type losses struct{ kinds []lostKind }

type lostKind struct {
	kind  fileaccess.LossKind
	count int
	first string // path
	loss  fileaccess.Loss
}

// add counts a loss of this kind. It keeps the path and the loss of the first one as the example.
func (l *losses) add(path string, loss fileaccess.Loss) {
	i := slices.IndexFunc(l.kinds, func(k lostKind) bool { return k.kind == loss.Kind })
	if i < 0 {
		i = len(l.kinds)
		l.kinds = append(l.kinds, lostKind{kind: loss.Kind, first: strings.Clone(path), loss: loss})
	}
	l.kinds[i].count++
}

// print prints each kind of loss with its count and first file, in the order in which they occurred. It prints
// nothing if there are none.
func (l *losses) print(std *streams, root string) error {
	for _, k := range l.kinds {
		_, err := fmt.Fprintf(std.out, "lost: %s (%s; the first: %s: %s)\n", k.kind,
			count(k.count, "time", "times"), inLine(filepath.Join(root, k.first)), printable(k.loss.String()))
		if err != nil {
			return err
		}
	}
	return nil
}
