package hostfs

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
)

// Offline is a file of the host whose attribute is read and written without a tree. No
// rule decides, and nothing is recorded. It is for repairs by the host's administrator.
// It belongs to one goroutine. Do not use the zero value: [OpenOffline] returns one.
type Offline struct {
	t             *Tree
	fd, parent    int // parent is -1 for the root of the host
	status        unix.Statx_t
	own, parents  *known
	name, display string
}

// OpenOffline opens a file or directory by its path and reads its attribute and that of its directory. It does not
// follow a link at the end of the path: a link or a special file is an error. It uses only Attribute, Missing,
// IgnorePosix and Accounts of the configuration; Path is ignored. The caller must close the result.
func OpenOffline(path string, c Config) (*Offline, error) {
	whole, err := beneath.Resolve(path)
	if err != nil {
		return nil, err
	}
	c.Attribute = cmp.Or(c.Attribute, ntacl.Name)
	o := &Offline{t: &Tree{cfg: c}, fd: -1, parent: -1, display: path, name: filepath.Base(whole)}
	if err := o.open(filepath.Dir(whole)); err != nil {
		o.Close()
		return nil, fmt.Errorf("hostfs: %s: %w", path, err)
	}
	return o, nil
}

// OpenOfflineBelow opens a file or directory below the root d by its path, as [OpenOffline] does. It follows no link
// and enters no other mount. The empty path is the root, which has no Parent. The caller still owns d.
func OpenOfflineBelow(d *beneath.Dirs, path string, c Config) (*Offline, error) {
	c.Attribute = cmp.Or(c.Attribute, ntacl.Name)
	o := &Offline{t: &Tree{cfg: c}, fd: -1, parent: -1, display: path, name: filepath.Base(path)}
	var err error
	if o.fd, err = d.OpenPath(path); err == nil && path != "" {
		above, _ := filepath.Split(path)
		o.parent, err = d.OpenPath(strings.TrimSuffix(above, "/"))
	}
	if err == nil {
		err = o.read()
	}
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("hostfs: %s: %w", path, err)
	}
	return o, nil
}

// open opens the file, named o.name in a directory, and the directory itself, and reads both attributes. After an
// error the caller must call Close. It does not follow a link at the name. The root of the host has no directory.
func (o *Offline) open(directory string) error {
	dir, err := unix.Open(directory, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	o.parent = dir
	if o.name == string(filepath.Separator) {
		o.name = "."
	}
	if o.fd, err = unix.Openat(dir, o.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if o.name == "." {
		shut(o.parent)
		o.parent = -1
	}
	return o.read()
}

// read reads the attributes of the file and of its directory, if it has one. A link or a special file is an error.
// Without a directory above, o.parents stays zero. After an error the fields that were read before it stay set.
func (o *Offline) read() (err error) {
	if o.status, err = stat(o.fd); err != nil {
		return err
	}
	if kind := o.status.Mode & unix.S_IFMT; kind != unix.S_IFDIR && kind != unix.S_IFREG {
		return errors.New("neither a file nor a directory")
	}
	if o.own, err = o.t.readAttribute(&held{fd: o.fd}, &o.status); err != nil {
		return err
	}
	if o.parent < 0 {
		return nil
	}
	above, err := stat(o.parent)
	if err != nil {
		return err
	}
	o.parents, err = o.t.readAttribute(&held{fd: o.parent}, &above)
	return err
}

// Directory reports whether the file was a directory when it was opened.
func (o *Offline) Directory() bool { return o.status.Mode&unix.S_IFMT == unix.S_IFDIR }

// Descriptor returns the descriptor in the attribute, as OpenOffline read it. If the attribute is missing or its hash
// is wrong, it returns the descriptor made from the permissions with Config.Missing, or nil. It returns nil if the
// attribute cannot be parsed. A later Write does not change the result.
func (o *Offline) Descriptor() *sd.Descriptor { return o.own.descriptor }

// Parent returns the descriptor of the file's directory. It returns nil if the directory does not have one, and for
// the root.
func (o *Offline) Parent() *sd.Descriptor {
	if o.parents == nil {
		return nil
	}
	return o.parents.descriptor
}

// Attributes returns the DOS attributes of the file as stored when it was opened, 0 if user.DOSATTRIB is missing.
func (o *Offline) Attributes() fileaccess.Attributes { return o.own.dos.attributes }

// Cause returns why the stored attribute is invalid, with the command that repairs it. It returns nil if the
// attribute counts or is missing.
func (o *Offline) Cause() error { return o.own.cause }

// Write writes a descriptor to the attribute, in its existing version, or else in that
// of the directory, with the hash that makes a file server accept it. It fails if the
// hash cannot be computed. For an attribute in security.* the host requires
// CAP_SYS_ADMIN (F-171).
func (o *Offline) Write(d *sd.Descriptor) error {
	a := o.own.attribute
	switch {
	case a.Version != 0 && o.own.verdict == ntacl.Unverifiable:
		return fmt.Errorf("hostfs: %s: only the file server can compute the hash of its attribute", o.display)
	case a.Version == 0:
		a = o.t.versionBelow(o.parents)
	}
	a.Descriptor = d
	if err := o.t.write(o.fd, &o.status, &a); err != nil {
		return fmt.Errorf("hostfs: %s: write %s: %w", o.display, o.t.cfg.Attribute, err)
	}
	return nil
}

// Close closes the file and its parent. A second call does nothing. It does not undo a write.
func (o *Offline) Close() {
	shut(o.fd)
	shut(o.parent)
	o.fd, o.parent = -1, -1
}
