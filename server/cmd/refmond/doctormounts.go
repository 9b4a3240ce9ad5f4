package main

import (
	"cmp"
	"context"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/server/mount"
)

// covered checks a tree's mount and reports whether the mount hides the tree (M-40). A dead mount hides the tree, and
// so does a mount over the tree itself. The check-up notes a mount that answers as healthy, any other as wrong. A tree
// without a configured mount is not checked and returns false.
func (c *checkUp) covered(t *treeConfig) bool {
	if t.mount == "" {
		return false
	}
	state, err := mount.Inspect(t.mount, t.name)
	switch {
	case err != nil:
		c.wrong("trees", "%s: mount: %v", t.name, err)
		return tree.Contains(t.mount, t.Path)
	case state.Dead && state.Own:
		c.wrong("trees", "%s: %s is the mount of a refmond that was killed: start refmond, which removes it", t.name, t.mount)
	case state.Dead:
		c.wrong("trees", "%s: %s is a dead mount of another server: end it with umount -l %s, then start refmond", t.name,
			t.mount, t.mount)
	case state.Own && tree.Contains(t.mount, t.Path):
		c.well("trees", "%s: %s is mounted over its own tree and answers; refmond found the tree closed when it started, or "+
			"says exposed: true", t.name, t.mount)
	case state.Own:
		c.well("trees", "%s: %s is mounted and answers", t.name, t.mount)
		return false
	default:
		c.wrong("trees", "%s: not mounted at %s: start refmond, or restart it if it runs", t.name, t.mount)
		return false
	}
	return state.Dead || tree.Contains(t.mount, t.Path)
}

// forBackup checks the second mount of a tree, for backup programs, and prints whether it answers. Without one it
// prints nothing (M-40). A directory that cannot be inspected, a dead mount, and another mount are problems.
func (c *checkUp) forBackup(t *treeConfig) {
	if t.backup == "" {
		return
	}
	state, err := mount.Inspect(t.backup, t.name)
	switch {
	case err != nil:
		c.wrong("trees", "%s: backup: %v", t.name, err)
	case state.Own && !state.Dead:
		c.well("trees", "%s: %s is mounted for backup and answers", t.name, t.backup)
	default:
		c.wrong("trees", "%s: the tree is not mounted for backup at %s: start refmond, or restart it if it runs", t.name,
			t.backup)
	}
}

// mostStored limits how many files of a tree stored inspects, so that the check takes a few seconds.
const mostStored = 50_000

// stored checks the descriptors that are stored with a tree's files. It prints how many files lack one, and how many
// descriptors name logon sessions, contain generic rights, are invalid or cannot be read (F-101, F-199, F-201). It
// reads at most mostStored files, and changes no file.
func (c *checkUp) stored(t *treeConfig) {
	counts, err := hostfs.Repair(context.Background(), hostfs.RepairConfig{Path: t.Path, Attribute: t.Attribute,
		DryRun: true, Most: mostStored, IgnorePosix: t.IgnorePosix})
	missing := counts.Missing > 0 && t.Missing == hostfs.RefuseMissing
	part := ""
	if counts.Cut {
		part = " first"
	}
	switch {
	case err != nil:
		c.wrong("trees", "%s: %v", t.name, err)
	case counts.Sessions > 0:
		c.wrong("trees", "%s: of the%s %d files %d have descriptors that name logon sessions, which can come to stand for "+
			"other users: refmon acl repair %s", t.name, part, counts.Files, counts.Sessions, t.Path)
	case counts.Generic == 0 && !missing:
		c.well("trees", "%s: of the%s %d files none has a descriptor that names a logon session", t.name, part, counts.Files)
	}
	if missing {
		c.wrong("trees", "%s: of the%s %d files %d have no descriptor, so nobody can open them: "+
			"refmon acl grant -r --offline --attribute %s %s USER:full gives them one, which also grants what "+
			"their modes grant", t.name, part, counts.Files, counts.Missing, cmp.Or(t.Attribute, ntacl.Name), t.Path)
	}
	if counts.Generic > 0 {
		c.note("trees", "%s: of the%s %d files %d have descriptors with generic rights, which a file server ignores: refmon "+
			"acl repair %s", t.name, part, counts.Files, counts.Generic, t.Path)
	}
	if counts.Stale > 0 {
		c.wrong("trees", "%s: of the%s %d files %d have invalid descriptors, because mode, owner or POSIX ACL were "+
			"changed past refmond: refmon acl repair --dry-run %s names them, --rehash makes them valid again", t.name, part,
			counts.Files, counts.Stale, t.Path)
	}
	if counts.Failed > 0 {
		c.note("trees", "%s: the descriptors of %d files cannot be read", t.name, counts.Failed)
	}
}
