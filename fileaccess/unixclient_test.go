package fileaccess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An NFS server knows the client's ids. The SIDs of a domain come from another source.
func ExampleIDMap_NetworkUser() {
	var ids fileaccess.IDMap // S-1-22-1-uid and S-1-22-2-gid
	spec, err := ids.NetworkUser(1000, []uint32{100, 27}, sid.MustParse("S-1-5-21-1-2-3-2001"))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := token.New(spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.User().SID, client.PrimaryGroup())
	d := sddl.MustParse("O:BAG:BAD:(A;;FR;;;S-1-22-2-27)(A;;FW;;;S-1-5-21-1-2-3-2001)")
	dec, err := access.Check(client, d, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, winnt.FileObject)
	fmt.Println(dec.Allowed(), err)
	// Output:
	// S-1-22-1-1000 S-1-22-2-100
	// true <nil>
}

// NetworkUser fails for an id without a SID. A group that is given twice is not an error.
func TestNetworkUserNeedsSIDs(t *testing.T) {
	user := func(id uint32) (sid.SID, bool) { return fileaccess.UnixUser(id), id != 7 }
	group := func(id uint32) (sid.SID, bool) { return fileaccess.UnixGroup(id), id != 8 }
	m := &fileaccess.IDMap{User: user, Group: group}
	for _, c := range []struct {
		uid  uint32
		gids []uint32
		want string
	}{{7, nil, "user id 7"}, {1, []uint32{2, 8}, "group id 8"}} {
		s, err := m.NetworkUser(c.uid, c.gids, sid.Everyone)
		check.That(t, err != nil && strings.Contains(err.Error(), c.want) && s.User.SID.IsZero() && s.Groups == nil,
			"NetworkUser(%d, %v): %v, %+v; want an error for %s", c.uid, c.gids, err, s, c.want)
	}
	s, err := m.NetworkUser(1, []uint32{2}, fileaccess.UnixGroup(2))
	check.NoError(t, err)
	check.Equal(t, check.Err(token.New(s)), nil, "token.New with a repeated group")
	var none *fileaccess.IDMap // the default map
	if s, err = none.NetworkUser(7, []uint32{8}); err != nil || s.User.SID != fileaccess.UnixUser(7) {
		t.Errorf("NetworkUser of a nil map: user %v, %v; want %v, nil", s.User, err, fileaccess.UnixUser(7))
	}
}
