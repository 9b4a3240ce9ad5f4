package hostfs

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
)

// Offline is a file of the host whose attribute is read and written past every tree: no
// rule decides, and nothing is recorded. It is for repairs by who administers the host.
// It belongs to one goroutine. The zero value is not usable: [OpenOffline] makes one.
type Offline struct {
	t             *Tree
	fd, parent    int // parent is -1 for the root of the host
	status        unix.Statx_t
	own, parents  *known
	name, display string
}

// OpenOffline holds a file or directory by its path; a link is not followed at the end
// of it. Of the configuration Attribute, Missing, IgnorePosix and Accounts count.
func OpenOffline(path string, c Config) (*Offline, error) {
	whole, err := filepath.Abs(path)
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
	if o.status, err = stat(o.fd); err != nil {
		return err
	}
	if kind := o.status.Mode & unix.S_IFMT; kind != unix.S_IFDIR && kind != unix.S_IFREG {
		return errors.New("neither a file nor a directory")
	}
	if o.own, err = o.t.readAttribute(placeOf(o.fd), &o.status); err != nil {
		return err
	}
	if o.name == "." {
		shut(o.parent)
		o.parent = -1
		return nil
	}
	above, err := stat(dir)
	if err != nil {
		return err
	}
	o.parents, err = o.t.readAttribute(placeOf(dir), &above)
	return err
}

// Directory reports whether it is one.
func (o *Offline) Directory() bool { return o.status.Mode&unix.S_IFMT == unix.S_IFDIR }

// Descriptor returns what the attribute says, or what the permissions amount to; nil where
// that is nothing, or the attribute cannot be read.
func (o *Offline) Descriptor() *sd.Descriptor { return o.own.descriptor }

// Parent returns the descriptor of the directory that the file is in; nil where there is
// none.
func (o *Offline) Parent() *sd.Descriptor {
	if o.parents == nil {
		return nil
	}
	return o.parents.descriptor
}

// Write puts a descriptor into the attribute, in the version that is there, or else in
// that of the directory, with the hash by which a file server believes it; where that
// cannot be computed it fails. It takes what the host asks: CAP_SYS_ADMIN for an
// attribute in security. F-171
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

// Close gives the file up.
func (o *Offline) Close() {
	shut(o.fd)
	shut(o.parent)
	o.fd, o.parent = -1, -1
}
