package directory

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/refmon/refmon/sid"
)

// UnixID is a uid or gid. The zero value means that none is known.
type UnixID struct {
	ID    uint32
	Known bool
}

// Authorities of the SIDs that Samba gives accounts without a SID: S-1-22-1-uid for users, S-1-22-2-gid for groups.
var (
	UnixUsers  = sid.MustParse("S-1-22-1")
	UnixGroups = sid.MustParse("S-1-22-2")
)

// sid returns the SID of an id under one of these authorities. It ignores Known: the SID of an unknown id means
// nothing.
func (u UnixID) sid(authority sid.SID) sid.SID { return authority.WithRID(u.ID) }

// ParseUnixID parses a decimal number from 0 to 4294967295. Other text, including "", is an error.
func ParseUnixID(text string) (UnixID, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return UnixID{}, fmt.Errorf("%q is not a number from 0 to 4294967295", text)
	}
	return UnixID{uint32(n), true}, nil
}

// AccountID is the uid of a user or the gid of a group.
type AccountID struct {
	ID    uint32
	Group bool
	SID   sid.SID
}

// IDs returns the uids and gids of all accounts, including disabled ones. Several accounts may share an id.
func (d *Directory) IDs() []AccountID { return slices.Concat(d.groups.ids, d.users.ids) }
