package people

import (
	"fmt"
	"strconv"

	"github.com/refmon/refmon/sid"
)

// unixID is a uid or gid. The zero value says that the file gives none.
type unixID struct {
	id    uint32
	given bool
}

// First parts of the SIDs by which Samba names accounts that have no other: users
// are S-1-22-1-uid, groups S-1-22-2-gid.
const (
	unixUser  = 1
	unixGroup = 2
)

var unixAuthority = [...]sid.SID{unixUser: sid.MustParse("S-1-22-1"), unixGroup: sid.MustParse("S-1-22-2")}

// sid returns the SID of an id that is given.
func (u unixID) sid(kind int) sid.SID { return unixAuthority[kind].WithRID(u.id) }

func parseUnixID(text string) (unixID, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return unixID{}, fmt.Errorf("%q is not a number from 0 to 4294967295", text)
	}
	return unixID{uint32(n), true}, nil
}

// AccountID is the uid of a user, or the gid of a group, of a directory file.
type AccountID struct {
	ID    uint32
	Group bool
	SID   sid.SID
}

// IDs returns the uids and gids that the file gives, also of disabled users. One id may be
// of several accounts: the file says so, and its reader decides.
func (d *Directory) IDs() []AccountID { return d.ids }

func (r *reader) unixID() (unixID, error) {
	text, err := r.Scalar()
	if err != nil {
		return unixID{}, err
	}
	return parseUnixID(text)
}

// posix gives a user what its server matches besides its own SIDs (B-1): the SID of
// its uid, and its primary group, listed or by the SID of its gid.
func (r *roster) posix(a *account, who sid.SID, u *userFile) {
	if s := u.uid.sid(unixUser); u.uid.given && s != who {
		a.direct = append(a.direct, s)
	}
	if u.gid.given {
		a.addUnlisted(r, u.gid.sid(unixGroup))
	}
}
