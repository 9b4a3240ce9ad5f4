package hostfs

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Symbolic links of a tree. A link with its own descriptor, such as one created here, is a file of the tree: it is
// opened itself, read, moved and removed. No function here follows a link. docs/adr/0030-links.md

// own reports whether the file has a valid security descriptor of its own: one in its attribute, whose hash is not
// wrong. It returns false for one made from POSIX permissions.
func (k *known) own() bool {
	return k.descriptor != nil && k.attribute.Version != 0 && k.verdict != ntacl.Stale
}

// MakesLink makes Open create a symbolic link with this target if the name does not exist. The target need not exist.
// An empty target, or one with a zero byte, gives STATUS_INVALID_PARAMETER. Links cannot have user attributes, so a
// tree with descriptors in those has no links and returns STATUS_NOT_SUPPORTED (F-192).
func (p *place) MakesLink(target string) ntstatus.Status {
	if strings.HasPrefix(p.t.cfg.Attribute, "user.") {
		return ntstatus.NotSupported
	}
	if target == "" || strings.ContainsRune(target, 0) {
		return ntstatus.InvalidParameter
	}
	p.target = target
	return ntstatus.Success
}

// makeLink creates a link with the place's target under a private name and holds it in f.fd. After an error the name
// is removed.
func (p *place) makeLink(f *file, private string) (err error) {
	if err = unix.Symlinkat(p.target, p.parent, private); err != nil {
		return err
	}
	if f.fd, err = below(p.parent, private, 0); err != nil {
		p.discard(f, private)
	}
	return err
}

// Symlink reports whether the open is of a symbolic link itself, not of its target. Links are opened only for callers
// that support them.
func (f *file) Symlink() bool { return f.symlink }

// Target returns the unchanged target of a symbolic link. It makes no access decision: the caller must have been
// granted to read the link (F-193). For any other file it returns STATUS_INVALID_PARAMETER.
func (f *file) Target() (string, ntstatus.Status) {
	if !f.symlink {
		return "", ntstatus.InvalidParameter
	}
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(f.fd, "", b)
	if err != nil {
		return "", statusOf(err)
	}
	return string(b[:n]), ntstatus.Success
}

// ownLink reports whether a name in the directory dir is a symbolic link that was created in the tree, so that it has
// a security descriptor of its own. Its inode number must be inode. It returns false after any error.
func (t *Tree) ownLink(dir int, name string, inode uint64) bool {
	fd, err := below(dir, name, 0)
	if err != nil {
		return false
	}
	defer shut(fd)
	s, err := stat(fd)
	if err != nil || s.Ino != inode || s.Mode&unix.S_IFMT != unix.S_IFLNK {
		return false
	}
	k, err := t.known(held{fd: fd}, &s, sid.SID{})
	return err == nil && k.own()
}

// linkEntry completes the entry of a symbolic link in a listing. It returns false for a hidden one: the listing's
// handle does not support links, or the link has no descriptor (F-191). A link that was replaced or removed meanwhile
// counts as hidden.
func (f *file) linkEntry(e *nt.FileEntry, s *unix.Statx_t) bool {
	if !f.links {
		return false
	}
	fd, err := below(f.fd, e.FileName, 0)
	if err != nil {
		return false
	}
	defer shut(fd)
	now, err := stat(fd)
	if err != nil || now.Ino != s.Ino {
		return false
	}
	k, err := f.t.known(held{fd: fd}, &now, f.user)
	if err != nil || !k.own() {
		return false
	}
	e.FileAttributes = fileaccess.AttributeReparsePoint
	e.EndOfFile = int64(s.Size)
	return true
}
