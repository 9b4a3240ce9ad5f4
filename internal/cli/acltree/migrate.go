package acltree

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Migration converts the permissions of files to descriptors. From is required. Check it before use: Change treats an
// unknown From as FromPOSIX.
type Migration struct {
	From     Permissions
	Accounts ntacl.Accounts // SIDs of the host's ids; nil: S-1-22-1-uid, S-1-22-2-gid
	// Who finds the SID of a name in an NFSv4 ACL; ok is false for an unknown name. nil: only SIDs are names.
	Who func(name string, group bool) (s sid.SID, ok bool, err error)
	// Attribute holds the NFSv4 ACL; "": system.nfs4_acl.
	Attribute string
	// Replace also converts files that have a descriptor already.
	Replace bool
	// Lost is called for each loss of a conversion; it may be nil.
	Lost func(path string, loss fileaccess.Loss)
	// Kept counts files that were left because they have a descriptor.
	Kept int
}

// Permissions are the kinds of permissions that a [Migration] reads.
type Permissions string

// Kinds of permissions.
const (
	FromPOSIX Permissions = "posix" // mode and POSIX ACL
	FromNFS4  Permissions = "nfs4"  // the NFSv4 ACL in an extended attribute, as XDR
)

// NFS4Attribute is the attribute in which Linux shows the ACL of an NFSv4 server.
const NFS4Attribute = "system.nfs4_acl"

// Change converts the permissions of one file to a descriptor and returns it. The second result is true, so the walk
// continues below. Change leaves a file that has a descriptor, unless Replace is set, and counts it in Kept. With
// FromNFS4 a file without the ACL is an error, and so is the first error of Who. Change reports losses to m.Lost and
// does not write the file.
func (m *Migration) Change(n *Node) (*sd.Descriptor, bool, error) {
	if n.Kept.Raw != nil && !m.Replace {
		m.Kept++
		return n.Before, true, nil
	}
	d, losses, err := m.convert(n)
	if err != nil {
		return nil, false, err
	}
	if n.Directory && fileaccess.Mode(d, true)&0o011 != 0o011 {
		losses = append(losses, fileaccess.Loss{Kind: fileaccess.LossTraverse})
	}
	if m.Lost != nil {
		for _, l := range losses {
			m.Lost(n.Path, l)
		}
	}
	n.Store = true
	return d, true, nil
}

// convert returns the NT descriptor for a file's NFSv4 or POSIX ACL. It also returns what the conversion loses. A
// file without a POSIX ACL gives a descriptor of its mode bits. A missing NFSv4 attribute and a malformed attribute
// are errors. The file does not change.
func (m *Migration) convert(n *Node) (*sd.Descriptor, []fileaccess.Loss, error) {
	s := n.Held.Status()
	if m.From == FromNFS4 {
		name := m.Attribute
		if name == "" {
			name = NFS4Attribute
		}
		value, err := n.Held.Attribute(name)
		if err != nil {
			return nil, nil, err
		}
		if value == nil {
			return nil, nil, fmt.Errorf("it has no attribute %s with an NFSv4 ACL", name)
		}
		list, err := DecodeNFS4(value)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		return m.fromNFS4(list, m.id(s.UID, false), m.id(s.GID, true))
	}
	_, access, inherited, err := posix(n.Held)
	if err != nil {
		return nil, nil, err
	}
	p := &fileaccess.POSIX{User: s.UID, Group: s.GID, Mode: s.Mode, Directory: n.Directory}
	if access != nil {
		if p.Access, err = fileaccess.DecodePOSIX(access); err != nil {
			return nil, nil, err
		}
	}
	if inherited != nil {
		if p.Default, err = fileaccess.DecodePOSIX(inherited); err != nil {
			return nil, nil, err
		}
	}
	return fileaccess.FromPOSIX(p, m.ids())
}

// fromNFS4 returns the descriptor for an NFSv4 ACL, and what the conversion loses. The first error of m.Who is its
// error, because a descriptor without that name's entry would be another one. Further names are not looked up.
func (m *Migration) fromNFS4(list []fileaccess.NFS4ACE, owner, group sid.SID) (*sd.Descriptor, []fileaccess.Loss,
	error) {
	if m.Who == nil {
		return fileaccess.FromNFS4(list, owner, group, nil)
	}
	var failed error
	d, lost, err := fileaccess.FromNFS4(list, owner, group, &fileaccess.NameMap{
		SID: func(who string, group bool) (s sid.SID, ok bool) {
			if failed == nil {
				s, ok, failed = m.Who(who, group)
			}
			return s, ok && failed == nil
		}})
	if failed != nil {
		return nil, nil, failed
	}
	return d, lost, err
}

// id returns the SID of a Unix user, or of a group if group is true. It uses m.Accounts, or S-1-22-1 and S-1-22-2 if
// that is nil.
func (m *Migration) id(id uint32, group bool) sid.SID {
	return (&Names{Accounts: m.Accounts}).of(id, group)
}

// ids returns the map from ids to SIDs for a POSIX conversion, as for files without a descriptor. It returns nil, the
// default map, without Accounts.
func (m *Migration) ids() *fileaccess.IDMap {
	if m.Accounts == nil {
		return nil
	}
	of := func(group bool) func(uint32) (sid.SID, bool) {
		return func(id uint32) (sid.SID, bool) {
			s := m.Accounts(id, group)
			return s, !s.IsZero()
		}
	}
	return &fileaccess.IDMap{User: of(false), Group: of(true)}
}

// DecodeNFS4 decodes an NFSv4 ACL as XDR (RFC 7530, section 6.2.1, and RFC 4506): the number of entries, and for each
// its type, flags, mask and the name with its length, padded to 4 bytes. Numbers are big-endian. Too many entries, an
// unknown type, a truncated entry and bytes after the last entry are errors that wrap [fileaccess.ErrNFS4ACL]. A list
// without entries is nil. An entry is not checked for a valid name.
func DecodeNFS4(b []byte) ([]fileaccess.NFS4ACE, error) {
	bad := func(what string) ([]fileaccess.NFS4ACE, error) {
		return nil, fmt.Errorf("%w: %s", fileaccess.ErrNFS4ACL, what)
	}
	rest := b
	number := func() (n uint32, ok bool) {
		if len(rest) < 4 {
			return 0, false
		}
		n, rest = binary.BigEndian.Uint32(rest), rest[4:]
		return n, true
	}
	count, ok := number()
	if !ok || count > fileaccess.MaxNFS4Entries {
		return bad("the number of entries is missing or too large")
	}
	var list []fileaccess.NFS4ACE
	for range count {
		var fields [4]uint32
		for i := range fields {
			if fields[i], ok = number(); !ok {
				return bad("an entry is cut off")
			}
		}
		size := uint64(fields[3])
		padded := (size + 3) &^ 3
		if padded > uint64(len(rest)) {
			return bad("a name is cut off")
		}
		who := string(rest[:size])
		rest = rest[padded:]
		if fields[0] > uint32(fileaccess.NFS4Alarm) {
			return bad(fmt.Sprintf("entry type %d is unknown", fields[0]))
		}
		list = append(list, fileaccess.NFS4ACE{Type: fileaccess.NFS4Type(fields[0]),
			Flags: fileaccess.NFS4Flags(fields[1]), Who: who, Mask: winnt.AccessMask(fields[2])})
	}
	if len(rest) != 0 {
		return bad("there is more behind the last entry")
	}
	return list, nil
}

// Check returns an error if From is neither FromPOSIX nor FromNFS4, and nil otherwise.
func (m *Migration) Check() error {
	if m.From != FromPOSIX && m.From != FromNFS4 {
		return errors.New("--from: want posix or nfs4")
	}
	return nil
}
