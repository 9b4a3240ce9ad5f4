package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
)

// trees checks for each tree whether its files can be reached without refmond, and by whom. A tree that its mount
// covers is not opened.
func (c *checkUp) trees(list []treeConfig) {
	for i := range list {
		t := &list[i]
		c.forBackup(t)
		if c.covered(t) {
			continue
		}
		tree, err := hostfs.Open(t.Config)
		if err != nil {
			c.wrong("trees", "%s: %v", t.name, err)
			continue
		}
		passed, err := tree.HandsOut()
		c.descriptors(t.name, passed, err)
		open, err := tree.Exposure(t.groups...)
		switch {
		case err != nil:
			c.wrong("trees", "%s: %v", t.name, err)
		case len(open) == 0:
			c.well("trees", "%s: %s is closed: users reach its files only through refmond", t.name, t.Path)
		}
		for _, who := range open {
			if t.exposed {
				c.note("trees", "%s: %s can reach its files without refmond (exposed: true)", t.name, who)
			} else {
				c.wrong("trees", "%s: %s can reach its files without refmond: run chmod go= %s; "+
					"refmon acl repair --rehash %s", t.name, who, t.Path, t.Path)
			}
		}
		_ = tree.Close() // no file of the tree is open, so closing cannot fail
		c.stored(t)
	}
}

// descriptors reports whether clients of a tree get host file descriptors, which are faster than calls. passed and err
// are the result of [hostfs.Tree.HandsOut]. It reports nothing for a tree that passes none. An error of the host is a
// problem, since clients then use calls.
func (c *checkUp) descriptors(tree string, passed hostfs.HandOut, err error) {
	switch {
	case err != nil:
		// Without descriptors clients use calls (F-151).
		c.wrong("trees", "%s: clients get no descriptors: %v: it takes CAP_SYS_ADMIN", tree, err)
	case passed == hostfs.HandOutReads:
		c.well("trees", "%s: clients get descriptors for reading", tree)
	case passed == hostfs.HandOutWrites:
		c.well("trees", "%s: clients get descriptors for reading, and for writing", tree)
	}
}

// capability is a Linux capability that trees need if refmond does not run as root, with the consequence of its
// absence.
type capability struct {
	bit  uint
	name string
	lack string // the consequence if it is missing
}

// ofTrees lists the capabilities that trees need.
var ofTrees = []capability{
	{unix.CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "files of other users cannot be read, written or made"},
	{unix.CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "closed directories cannot be searched"},
	{unix.CAP_FOWNER, "CAP_FOWNER", "times and permissions of other users' files cannot be set"},
	{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "descriptors cannot be written: files and descriptors cannot be changed; " +
		"clients get none of files"},
}

// capabilities reports the capabilities of this user, and those that trees need and the user does not have. status is a
// file as /proc/self/status. One that cannot be read is noted. Without a line CapEff it reports nothing.
func (c *checkUp) capabilities(status string, trees bool) {
	text, err := os.ReadFile(status)
	if err != nil {
		c.note("capabilities", "unknown: %v", err)
		return
	}
	for line := range strings.Lines(string(text)) {
		set, ok := strings.CutPrefix(line, "CapEff:")
		if !ok {
			continue
		}
		set = strings.TrimSpace(set)
		has, err := strconv.ParseUint(set, 16, 64)
		switch {
		case err != nil:
			c.note("capabilities", "unknown: %v", err)
		case trees:
			c.forTrees(has)
		case has == 0:
			c.well("capabilities", "none, and none is needed")
		default:
			c.note("capabilities", "%s: none is needed; the unit that is shipped has none", set)
		}
	}
}

// forTrees reports each capability that trees need and that this user does not have. has is the set of the user's
// capabilities, as bits. If none is missing, it reports that.
func (c *checkUp) forTrees(has uint64) {
	lacks := false
	for _, n := range ofTrees {
		if has&(1<<n.bit) == 0 {
			lacks = true
			c.wrong("capabilities", "%s is missing: %s", n.name, n.lack)
		}
	}
	if !lacks {
		c.well("capabilities", "those that trees need")
	}
}
