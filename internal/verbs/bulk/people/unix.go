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
