package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/server/lsa"
)

// trustedPath is a file or folder whose contents refmond trusts, so that no other user may change it. Immutable.
type trustedPath struct {
	what   string // name in messages
	path   string
	secret bool // other users must not be able to read it either
	socket bool // path of a socket; other users must not be able to write to its folder, even if it is sticky
}

// trusted returns the files and folders whose contents refmond trusts: those that the configuration names, its own file
// and the account store. A path that is not configured is "".
func (c *config) trusted() []trustedPath {
	out := []trustedPath{{what: "configuration", path: c.file}, {what: "state folder", path: c.State},
		{what: "keytab", path: c.Kerberos.Keytab, secret: true}, {what: "directory.ca", path: c.Directory.CA},
		{what: "directory.passwordFile", path: c.Directory.PasswordFile, secret: true},
		{what: "idNumbers", path: c.IDNumbers}, {what: "socket", path: c.Socket, socket: true},
		{what: "adminSocket", path: c.AdminSocket, socket: true},
		{what: "watch.socket", path: c.Watch.Socket, socket: true}}
	return append(out, trustedPath{what: "account store", path: filepath.Join(c.State, lsa.File), secret: true})
}

// checkTrusted returns an error if another user can change a file that refmond trusts (L-76). The error names each
// unsafe file and the command that repairs it. If another user owns the state folder, it names only that, because the
// files then are probably right for that user. Missing files are ignored; the code that needs them reports them.
func (c *config) checkTrusted() error {
	if uid, other := c.otherOwner(); other {
		return fmt.Errorf("state folder %s: it belongs to uid %d: run refmond as that user, or chown -R %d %s", c.State,
			uid, os.Geteuid(), c.State)
	}
	var all []error
	for _, p := range c.trusted() {
		if p.path != "" && !strings.HasPrefix(p.path, "@") {
			all = append(all, p.check())
		}
	}
	return errors.Join(append(all, checkBelow(c.State))...)
}

// otherOwner returns the owner of the state folder, and true if that is neither root nor this process's effective user.
// For a missing folder it returns false.
func (c *config) otherOwner() (uid uint32, other bool) {
	var st unix.Stat_t
	err := unix.Stat(c.State, &st)
	return st.Uid, err == nil && st.Uid != 0 && st.Uid != uint32(os.Geteuid()) && !unmapped(st.Uid)
}

// check returns an error if other users could replace a trusted file. It is the first one of the file, the symbolic
// links on the way to it, and the parent folders, as named and after each link. For a missing file only these are
// checked. A socket itself is not checked, and its folder only by the rules for sockets.
func (p trustedPath) check() error {
	path, err := filepath.Abs(p.path)
	if err != nil {
		return fmt.Errorf("%s: %w", p.what, err)
	}
	if !p.socket {
		if err := p.checkMode(path, false); err != nil {
			return err
		}
	}
	starts, links := routes(path)
	for _, at := range links {
		if err := p.checkLink(at); err != nil {
			return err
		}
	}
	for _, start := range starts {
		for dir, last := filepath.Dir(start), true; ; dir, last = filepath.Dir(dir), false {
			if err := p.checkMode(dir, !p.socket || !last); err != nil {
				return err
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return nil
}

// mostLinks is the number of symbolic links that Linux follows in one path.
const mostLinks = 40

// routes returns the paths that lead to a file: as named, and after each symbolic link on the way was replaced by its
// target. It also returns the links. path must be absolute and clean. The file itself need not exist.
func routes(path string) (starts, links []string) {
	starts = []string{path}
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		starts = append(starts, real) // differs from the others for a target such as LINK/../FILE
	}
	for end := 1; end <= len(path) && len(links) < mostLinks; end++ {
		if end < len(path) && path[end] != '/' {
			continue
		}
		target, err := os.Readlink(path[:end])
		if err != nil { // path[:end] is no symbolic link
			continue
		}
		links = append(links, path[:end])
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path[:end]), target)
		}
		path, end = filepath.Join(target, path[end:]), 0
		if !slices.Contains(starts, path) {
			starts = append(starts, path)
		}
	}
	return starts, links
}

// covers reports whether a mount on a directory would cover the directory of a tree together with others: it is above
// the tree by any of the paths that lead to both. A mount over the tree itself covers nothing else.
func covers(dir, source string) bool {
	return placesOf(dir).relate(placesOf(source), func(d, s string) bool { return d != s && tree.Contains(d, s) })
}

// contains reports whether a directory is or contains a file by any of the paths that lead to both.
func contains(dir, file string) bool { return placesOf(dir).contain(placesOf(file)) }

// places are the paths that lead to one file: as named, and after symbolic links were followed.
type places []string

// placesOf reads the symbolic links on the way to a file.
func placesOf(file string) places {
	paths, _ := routes(file)
	return paths
}

// contain reports whether the directory at p is or contains a file.
func (p places) contain(file places) bool { return p.relate(file, tree.Contains) }

// relate reports whether relation holds between any path of p and any of other.
func (p places) relate(other places, relation func(a, b string) bool) bool {
	return slices.ContainsFunc(p, func(a string) bool {
		return slices.ContainsFunc(other, func(b string) bool { return relation(a, b) })
	})
}

// checkLink returns an error if another user owns a symbolic link in a sticky folder, where a link's owner can replace
// it. The folder itself is checked elsewhere.
func (p trustedPath) checkLink(at string) error {
	var folder, link unix.Stat_t
	if unix.Stat(filepath.Dir(at), &folder) != nil || unix.Lstat(at, &link) != nil ||
		folder.Mode&unix.S_ISVTX == 0 || link.Uid == 0 || link.Uid == uint32(os.Geteuid()) || unmapped(link.Uid) {
		return nil
	}
	return fmt.Errorf("%s %s: the link %s belongs to uid %d, who can replace it: chown -h %d %s", p.what, p.path, at,
		link.Uid, os.Geteuid(), at)
}

// checkMode checks the owner and mode of one file or folder. These are errors:
//
//   - an owner other than root and this process's user; an owner that the user namespace does not map is accepted
//   - write access for others, except to a sticky folder such as /tmp if sticky is true
//   - read access of others to a secret file
//
// A path that cannot be inspected, such as a missing file, is accepted.
func (p trustedPath) checkMode(path string, sticky bool) error {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return nil
	}
	folder := st.Mode&unix.S_IFMT == unix.S_IFDIR
	name := path
	if path != p.path {
		name = fmt.Sprintf("%s: %s", p.path, path)
	}
	switch open := st.Mode & 0o022; {
	case st.Uid != 0 && st.Uid != uint32(os.Geteuid()) && !unmapped(st.Uid):
		return fmt.Errorf("%s %s: it belongs to uid %d, who can change it: chown %d %s", p.what, name, st.Uid, os.Geteuid(),
			path)
	case open != 0 && !(folder && sticky && st.Mode&unix.S_ISVTX != 0):
		return fmt.Errorf("%s %s: others can write to it (mode %o): chmod go-w %s", p.what, name, st.Mode&0o7777, path)
	case p.secret && !folder && st.Mode&0o077 != 0:
		return fmt.Errorf("%s %s: others can read it (mode %o): chmod go= %s", p.what, name, st.Mode&0o7777, path)
	}
	return nil
}

// unmapped reports whether a uid is the overflow uid of a user namespace. No user inside the
// namespace owns such a file.
func unmapped(uid uint32) bool {
	if uid != lsa.Unmapped {
		return false
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

// checkBelow checks each file and folder in the state folder: the lock, the audit log and its key, the replay cache.
// It skips sockets and symbolic links. It returns the first problem, and ignores files that it cannot read.
func checkBelow(state string) error {
	var first error
	err := filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == state || d.Type()&(fs.ModeSocket|fs.ModeSymlink) != 0 {
			return nil //nolint:nilerr // the code that needs an unreadable file reports it
		}
		if first = (trustedPath{what: "state", path: path}).checkMode(path, false); first != nil {
			return fs.SkipAll
		}
		return nil
	})
	return errors.Join(err, first)
}
