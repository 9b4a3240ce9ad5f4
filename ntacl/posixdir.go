package ntacl

import (
	"slices"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// defaultClasses are the entries that children inherit from a directory without a default
// ACL, on a server with its default "directory mask": 0755.
var defaultClasses = fileaccess.ModeACL(0o755)

// PosixDirectory returns the descriptor that a server uses for a directory without the attribute. It has the entries
// of [Posix], and entries that only children inherit: for Creator Owner, Creator Group and Everyone, and for each
// named user and group. inherited is the value of the attribute system.posix_acl_default. If an account has equal
// permissions in it and on the directory, one entry serves for both. Without the attribute the server uses its
// configuration, for which PosixDirectory assumes the default (F-109). It fails as Posix does, and for a malformed
// default ACL.
func PosixDirectory(f Info, acl, inherited []byte, who Accounts) (*sd.Descriptor, error) {
	d, err := Posix(f, acl, who)
	if err != nil {
		return nil, err
	}
	entries := defaultClasses
	if inherited != nil {
		if entries, err = posixEntries(f, inherited); err != nil {
			return nil, err
		}
	}
	var aces []sd.ACE
	for _, a := range d.DACL().All() {
		aces = append(aces, a)
	}
	own := len(aces)
	for _, e := range entries {
		s := sid.Everyone
		switch e.Tag {
		case fileaccess.POSIXOwner:
			s = sid.CreatorOwner
		case fileaccess.POSIXGroupOwner:
			s = sid.CreatorGroup
		case fileaccess.POSIXUser, fileaccess.POSIXGroup:
			s = who.of(e.ID, e.Tag == fileaccess.POSIXGroup)
		}
		mask, flags := unixMask(e.Perm, true), sd.ObjectInherit|sd.ContainerInherit|sd.InheritOnly
		// One entry serves for both if an account has equal permissions in the default ACL and on the directory.
		at := slices.IndexFunc(aces[:own], func(a sd.ACE) bool { return a.SID() == s && a.Mask() == mask })
		if both := inherited != nil && at >= 0; both {
			flags &^= sd.InheritOnly
		} else {
			at = len(aces)
			aces = append(aces, sd.ACE{})
		}
		if aces[at], err = sd.NewACE(sd.AccessAllowed, flags, mask, s); err != nil {
			return nil, err
		}
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		return nil, err
	}
	return sd.New(sd.Parts{Owner: d.Owner(), Group: d.Group(), DACL: l}), nil
}

// PassedOn returns d, which [PosixDirectory] derived, in the form in which to store it for the directory: children
// inherit no entry of Everyone, and none of Creator Group unless group is true (B-111). Entries that d inherited, and
// those of the directory itself, stay. A d without a DACL is returned unchanged.
func PassedOn(d *sd.Descriptor, group bool) *sd.Descriptor {
	if d.DACL() == nil {
		return d
	}
	var err error
	p := d.Parts()
	p.DACL, err = p.DACL.Map(func(a sd.ACE) (sd.ACE, bool) {
		// Everyone may pass a private directory, and would read new files in it and in those below. The primary group of
		// an account can be a group of all users (B-111).
		if a.Flags()&sd.Inherited != 0 || a.SID() != sid.Everyone && (group || a.SID() != sid.CreatorGroup) {
			return a, true
		}
		if a.Flags()&sd.InheritOnly != 0 {
			return a, false
		}
		return a.WithFlags(a.Flags() &^ (sd.ObjectInherit | sd.ContainerInherit)), true
	})
	if err != nil { // a shorter list of valid entries is valid
		return d
	}
	return sd.New(p)
}
