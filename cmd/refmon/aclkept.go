package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/sd"
)

// kept is a file with its current descriptor and the store that keeps it: a mount of refmond, a tree of a running
// refmond, or an extended attribute of the host.
type kept struct {
	path      string
	now       *sd.Descriptor // nil: it cannot be read
	parent    *sd.Descriptor // of its directory; nil: it cannot be read
	directory bool
	offline   *hostfs.Offline // nil: on a mount, or served
	served    *served         // nil: on a mount, or offline
}

// offlineFlags select the store of a file's descriptor: the mount by default, a running refmond, or the extended
// attribute itself.
type offlineFlags struct {
	Connect   string `help:"Use the refmond on this socket; PATH is then TREE/dir/file." placeholder:"SOCKET" xor:"kept"`
	Offline   bool   `help:"${offline}" xor:"kept"`
	Attribute string `default:"security.NTACL" help:"With --offline: the extended attribute." placeholder:"NAME"`
}

// open reads the descriptor of a file, and of its directory if above is true. On a mount it follows a link, and sets
// k.directory only if above is true. After an error the caller must not use k, which may be non-nil.
func (f *offlineFlags) open(path string, above bool) (*kept, error) {
	k := &kept{path: path}
	if f.Offline {
		if err := notMounted(path); err != nil {
			return nil, err
		}
		o, err := hostfs.OpenOffline(path, hostfs.Config{Attribute: f.Attribute, Missing: hostfs.SynthesiseMissing})
		if err != nil {
			return nil, err
		}
		k.offline, k.now, k.parent, k.directory = o, o.Descriptor(), o.Parent(), o.Directory()
		return k, nil
	}
	var err error
	if f.isServed(path) {
		if k.served, err = f.dial(path); err != nil {
			return nil, err
		}
		if err = k.served.open(k, above); err != nil {
			k.close()
		}
		return k, err
	}
	if above { // a link stands for its target, whose directory counts (F-170)
		_, err = os.Stat(path) // the host's kernel may refuse to follow it (M-34)
		if err == nil {
			k.path, err = beneath.Resolve(path)
		}
		if err == nil {
			k.path, err = filepath.EvalSymlinks(k.path)
		}
		if err != nil {
			return nil, err
		}
	}
	if k.now, err = readMounted(k.path); err != nil || !above {
		return k, err
	}
	about, err := os.Lstat(k.path)
	if err != nil {
		return nil, err
	}
	k.directory = about.IsDir()
	k.parent, err = readMounted(filepath.Dir(k.path))
	return k, err
}

// close closes the offline store and the connection to the daemon, whichever is open. It ignores errors.
func (k *kept) close() {
	if k.offline != nil {
		k.offline.Close()
	}
	if k.served != nil {
		_ = k.served.conn.Close() // every question was answered
	}
}

// write changes the parts of the descriptor that d has. On a mount and in a tree the caller needs the rights; offline
// it needs CAP_SYS_ADMIN. Offline it merges the parts with the stored descriptor, and notes the write on standard
// error.
func (k *kept) write(std *streams, d *sd.Descriptor) error {
	if k.served != nil {
		return k.served.write(d)
	}
	if k.offline == nil {
		if err := setAttribute(k.path, ntfsACL, d.Append(nil)); err != nil {
			return aclError(k.path, err)
		}
		return nil
	}
	whole, err := k.merged(d)
	if err != nil {
		return err
	}
	switch err := k.offline.Write(whole); {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: writing the attribute itself needs CAP_SYS_ADMIN", err)
	case err != nil:
		return err
	}
	fmt.Fprintf(std.err, "refmon: %s: written offline, without an access check or an audit record\n", inLine(k.path))
	return nil
}

// merged returns the file's descriptor, with the fields that d sets taken from d. The request to inherit
// automatically is dropped (F-171). If the file's descriptor cannot be read, merged returns d, which must have owner,
// group and DACL.
func (k *kept) merged(d *sd.Descriptor) (*sd.Descriptor, error) {
	if k.now == nil {
		if d.Owner().IsZero() || d.Group().IsZero() || d.Control()&sd.DACLPresent == 0 {
			return nil, fmt.Errorf("%s: its attribute cannot be read: name owner, group and DACL", inLine(k.path))
		}
		return d, nil
	}
	p, given := k.now.Parts(), d.Parts()
	if !given.Owner.IsZero() {
		p.Owner = given.Owner
	}
	if !given.Group.IsZero() {
		p.Group = given.Group
	}
	const request = sd.DACLAutoInheritRequest | sd.SACLAutoInheritRequest
	const dacl = sd.DACLPresent | sd.DACLDefaulted | sd.DACLAutoInherited | sd.DACLProtected
	const sacl = sd.SACLPresent | sd.SACLDefaulted | sd.SACLAutoInherited | sd.SACLProtected
	if given.Control&sd.DACLPresent != 0 {
		p.DACL, p.Control = given.DACL, p.Control&^dacl|given.Control&dacl
	}
	if given.Control&sd.SACLPresent != 0 {
		p.SACL, p.Control = given.SACL, p.Control&^sacl|given.Control&sacl
	}
	p.Control &^= request
	return sd.New(p), nil
}
