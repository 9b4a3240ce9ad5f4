package acltree

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// Keeper reads and writes the descriptor of an open file.
type Keeper interface {
	// Name identifies the keeper in a journal.
	Name() string
	// Read returns the file's descriptor.
	Read(h Held) (Kept, error)
	// Write replaces the file's DACL by that of d. k is the state that was read.
	// version is the version of a new attribute, for a file without one; 0 means 4.
	Write(h Held, k *Kept, version uint16, d *sd.Descriptor) error
	// Restore restores the descriptor that was read: Mount its DACL, Offline the whole attribute.
	Restore(h Held, was *Kept) error
	// Equal reports whether a file with the descriptor has is unchanged in all that Write and Restore overwrite, if it
	// should have the descriptor want.
	Equal(has, want *sd.Descriptor) bool
}

// Kept is the stored descriptor of a file. The zero value is not valid.
type Kept struct {
	Raw        []byte // the attribute's value; nil: the file has none
	Descriptor *sd.Descriptor
	Version    uint16 // of the attribute; 0: there is none
}

// Errors of keepers.
var (
	// ErrNoMount says that a file is on no mount of refmond.
	ErrNoMount = errors.New("it is not on a mount of refmond: mount its tree with refmond mount, or read and write the " +
		"attribute itself with --offline")
	// ErrStale says that a file server does not use the file's attribute.
	ErrStale = errors.New("its descriptor is invalid, because mode, owner or POSIX ACL were changed since: see " +
		"refmon acl repair --rehash")
	// ErrServerHash says that only the file server can write the attribute.
	ErrServerHash = errors.New("only the file server can compute the hash of its attribute")
)

// MountAttribute is the name by which a mount of refmond reads and writes a
// descriptor. The mount decides both.
const MountAttribute = "system.ntfs_acl"

// Mount keeps descriptors on a mount of refmond, as the caller may.
type Mount struct{}

// Name returns "mount".
func (Mount) Name() string { return "mount" }

// Read reads the descriptor from the mount. It returns [ErrNoMount] for a file on another file system, and the
// decoder's error for an invalid descriptor.
func (Mount) Read(h Held) (Kept, error) {
	raw, err := h.Attribute(MountAttribute)
	if err != nil {
		return Kept{}, err
	}
	if raw == nil {
		return Kept{}, ErrNoMount
	}
	d, err := sd.Decode(raw)
	return Kept{Raw: raw, Descriptor: d}, err
}

// Write sends the DACL of d to the mount, with its protected and auto-inherited flags; with the latter it also requests
// automatic inheritance. The mount decides whether the caller may set it. Write ignores the state that was read and the
// version.
func (Mount) Write(h Held, _ *Kept, _ uint16, d *sd.Descriptor) error {
	control := sd.DACLPresent | d.Control()&(sd.DACLProtected|sd.DACLAutoInherited)
	if control&sd.DACLAutoInherited != 0 {
		control |= sd.DACLAutoInheritRequest
	}
	return h.SetAttribute(MountAttribute, sd.New(sd.Parts{DACL: d.DACL(), Control: control}).Append(nil))
}

// Restore sends the earlier DACL to the mount. It cannot remove a descriptor.
func (m Mount) Restore(h Held, was *Kept) error { return m.Write(h, was, 0, was.Descriptor) }

// Equal compares the DACLs and their flags, because a mount keeps its owner, group and SACL.
func (Mount) Equal(has, want *sd.Descriptor) bool { return same(has, want) }

// Offline keeps descriptors in an extended attribute, where a file server finds
// them. No rule decides, and nothing is recorded. The zero value uses
// [ntacl.Name] and the SIDs that Samba gives to ids.
type Offline struct {
	Attribute string         // "": [ntacl.Name]
	Accounts  ntacl.Accounts // SIDs of the owners of files without the attribute; nil: S-1-22-1-uid
}

// Name returns the name of the attribute: o.Attribute, or [ntacl.Name] if that is empty.
func (o Offline) Name() string { return cmp.Or(o.Attribute, ntacl.Name) }

const (
	posixAccess  = "system.posix_acl_access"
	posixDefault = "system.posix_acl_default"
)

// posix returns a file's owner, group and mode, and its POSIX access and default ACL. The ACLs are the bytes of the
// extended attributes, nil if absent. Only directories have a default ACL. If only the default ACL cannot be read,
// the other results are valid.
func posix(h Held) (info ntacl.Info, access, inherited []byte, err error) {
	s := h.Status()
	info = ntacl.Info{Directory: s.Kind == Directory, Mode: s.Mode, UID: s.UID, GID: s.GID}
	if access, err = h.Attribute(posixAccess); err != nil || !info.Directory {
		return info, access, nil, err
	}
	inherited, err = h.Attribute(posixDefault)
	return info, access, inherited, err
}

// Read reads the attribute. For a file without one it returns the descriptor that a file server derives from its owner,
// mode and POSIX ACLs, with a nil Raw. The error is [ErrStale] for an attribute that servers ignore. An attribute that
// cannot be verified is read as a valid one.
func (o Offline) Read(h Held) (k Kept, err error) {
	if k.Raw, err = h.Attribute(o.Name()); err != nil {
		return k, err
	}
	if k.Raw == nil {
		info, access, inherited, err := posix(h)
		if err != nil {
			return k, err
		}
		if info.Directory {
			k.Descriptor, err = ntacl.PosixDirectory(info, access, inherited, o.Accounts)
		} else {
			k.Descriptor, err = ntacl.Posix(info, access, o.Accounts)
		}
		return k, err
	}
	a, verdict, err := o.decode(h, k.Raw)
	switch {
	case err != nil:
		return k, err
	case verdict == ntacl.Stale:
		return k, ErrStale
	}
	k.Descriptor, k.Version = a.Descriptor, a.Version
	return k, nil
}

// decode decodes an attribute and checks its hash. Only version 4 and later need the file's permissions for the check.
// A wrong hash is a verdict, not an error. Permissions that cannot be read are an error.
func (o Offline) decode(h Held, raw []byte) (*ntacl.Attribute, ntacl.Verdict, error) {
	a, err := ntacl.Decode(raw)
	if err != nil || a.Version < 4 {
		return a, verdictOf(a), err
	}
	info, access, inherited, err := posix(h)
	if err != nil {
		return nil, 0, err
	}
	return a, a.Verify(info, access, inherited), nil
}

// verdictOf verifies the hash of an attribute of a version before 4, whose hash does not cover the file's
// permissions. It returns Unverifiable for nil, an attribute that could not be decoded.
func verdictOf(a *ntacl.Attribute) ntacl.Verdict {
	if a == nil {
		return ntacl.Unverifiable
	}
	return a.Verify(ntacl.Info{}, nil, nil)
}

// Write writes the attribute with the descriptor d and a hash that servers accept. It keeps the version of an existing
// attribute and uses version for a new one; 0 means 4. It returns [ErrServerHash] if only the server can compute the
// hash, and then changes nothing. An attribute that cannot be decoded is an error.
func (o Offline) Write(h Held, k *Kept, version uint16, d *sd.Descriptor) error {
	a := &ntacl.Attribute{Version: cmp.Or(version, 4)}
	if k.Raw != nil {
		was, verdict, err := o.decode(h, k.Raw)
		switch {
		case err != nil:
			return err
		case verdict == ntacl.Unverifiable:
			return ErrServerHash
		}
		a = was
	}
	var err error
	if a.Descriptor, err = stored(d); err != nil {
		return err
	}
	if a.Version == 4 {
		info, access, inherited, err := posix(h)
		if err != nil {
			return err
		}
		if err := a.Seal(info, access, inherited); err != nil {
			return err
		}
		a.Time = filetime.Of(time.Now())
	}
	value, err := a.Append(nil)
	if err != nil {
		return err
	}
	return h.SetAttribute(o.Name(), value)
}

// Restore writes the earlier value of the attribute, or removes it if the file had none.
func (o Offline) Restore(h Held, was *Kept) error { return h.SetAttribute(o.Name(), was.Raw) }

// Equal compares all parts, because the attribute is written as a whole. It ignores the flags that record automatic
// inheritance.
func (Offline) Equal(has, want *sd.Descriptor) bool {
	return same(has, want) && has.Owner() == want.Owner() && has.Group() == want.Group() &&
		has.SACL().Equal(want.SACL()) && (has.Control()^want.Control())&(sd.SACLPresent|sd.SACLProtected) == 0
}

// stored returns a descriptor in the form in which refmond stores it. It is an error if the descriptor contains the SID
// of a logon session.
func stored(d *sd.Descriptor) (*sd.Descriptor, error) {
	s, st := fileaccess.Stored(d)
	if st != ntstatus.Success {
		return nil, fmt.Errorf("the descriptor names a logon session: %w", st.Err())
	}
	return s, nil
}
