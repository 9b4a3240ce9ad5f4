package tree

import (
	"encoding/binary"
	"fmt"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Tags of the entries of a POSIX ACL.
const (
	ownerTag = 0x01
	userTag  = 0x02
	groupTag = 0x04 // of the file's group
	namedTag = 0x08 // of a named group
	maskTag  = 0x10
	otherTag = 0x20
)

// search is one class of a POSIX ACL, such as the owner or a named group, and whether it has the search permission on
// a directory.
type search struct {
	tag uint16
	id  uint32
	may bool
}

// newSearchDescriptor returns a descriptor that grants FILE_TRAVERSE to accounts with search permission on a
// directory. Uid 0 has it. For others the first matching class decides; one of several matching groups suffices
// (acl(5)). acl is system.posix_acl_access, nil if absent. A nil who maps ids to S-1-22-1 and S-1-22-2. A malformed
// ACL is an error.
func newSearchDescriptor(f ntacl.Info, acl []byte, who ntacl.Accounts) (*sd.Descriptor, error) {
	list, err := classesOf(f, acl)
	if err != nil {
		return nil, err
	}
	account := func(id uint32, group bool) sid.SID {
		if who != nil {
			return who(id, group)
		}
		kind := uint32(1)
		if group {
			kind = 2
		}
		s, _ := sid.New(22, kind, id) // three numbers always make one
		return s
	}
	var aces []sd.ACE
	add := func(s sid.SID, may bool) {
		kind := sd.AccessDenied
		if may {
			kind = sd.AccessAllowed
		}
		a, bad := sd.NewACE(kind, 0, winnt.FILE_TRAVERSE, s)
		if aces = append(aces, a); bad != nil {
			err = bad
		}
	}
	each := func(tags uint16, may bool, s func(c search) sid.SID) {
		for _, c := range list {
			if c.tag&tags != 0 && c.may == may {
				add(s(c), may)
			}
		}
	}
	owner := func(search) sid.SID { return account(f.UID, false) }
	named := func(c search) sid.SID { return account(c.id, c.tag == namedTag) }
	group := func(c search) sid.SID {
		if c.tag == groupTag {
			return account(f.GID, true)
		}
		return named(c)
	}
	add(account(0, false), true)
	for _, may := range []bool{true, false} {
		each(ownerTag, may, owner)
	}
	for _, may := range []bool{true, false} {
		each(userTag, may, named)
	}
	for _, may := range []bool{true, false} {
		each(groupTag|namedTag, may, group)
	}
	each(otherTag, true, func(search) sid.SID { return sid.Everyone })
	if err != nil {
		return nil, err
	}
	dacl, err := sd.NewACL(aces...)
	if err != nil {
		return nil, err
	}
	return sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: dacl}), nil
}

// classesOf returns the permission classes of a file, with the mask of its POSIX ACL applied. Without an ACL, or if
// the mode has no group bits, the classes are those of the mode and acl is not checked. Another version and an
// unknown tag of acl are errors.
func classesOf(f ntacl.Info, acl []byte) (list []search, err error) {
	// Linux skips an ACL whose mask grants nothing: users and groups that it names are others then (N-95).
	if acl == nil || f.Mode&0o070 == 0 {
		return []search{{ownerTag, 0, f.Mode&0o100 != 0}, {groupTag, 0, f.Mode&0o010 != 0}, {otherTag, 0, f.Mode&1 != 0}}, nil
	}
	le := binary.LittleEndian
	if len(acl) < 4 || len(acl)%8 != 4 || le.Uint32(acl) != 2 {
		return nil, fmt.Errorf("POSIX ACL of %d bytes: want version 2 and entries of 8 bytes", len(acl))
	}
	masked := false
	for b := acl[4:]; len(b) > 0; b = b[8:] {
		c := search{le.Uint16(b), le.Uint32(b[4:]), b[2]&1 != 0}
		switch c.tag {
		case maskTag:
			masked = !c.may
		case ownerTag, userTag, groupTag, namedTag, otherTag:
			list = append(list, c)
		default:
			return nil, fmt.Errorf("POSIX ACL: unknown tag %#x", c.tag)
		}
	}
	for i := range list {
		list[i].may = list[i].may && !(masked && list[i].tag&(userTag|groupTag|namedTag) != 0)
	}
	return list, nil
}
