package tree

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The descriptor of a directory grants FILE_TRAVERSE to the accounts that have the search permission by the access
// check algorithm of acl(5), for each combination of entries with and without it (N-95).
func TestSearchDescriptorFollowsPosixACL(t *testing.T) {
	tags := []search{{tag: ownerTag}, {tag: userTag, id: 3}, {tag: groupTag}, {tag: namedTag, id: 4}, {tag: maskTag},
		{tag: otherTag}}
	for set := range 1 << len(tags) {
		acl, may, le := []byte{2, 0, 0, 0}, map[uint16]bool{}, binary.LittleEndian
		for i, c := range tags {
			may[c.tag] = set>>i&1 == 1
			acl = le.AppendUint32(le.AppendUint16(le.AppendUint16(acl, c.tag), uint16(6+set>>i&1)), c.id)
		}
		d := check.Must(newSearchDescriptor(ntacl.Info{UID: 1, GID: 2, Mode: 0o060, Directory: true}, acl, nil))
		for i := range 16 {
			uid, member, named := []int{0, 1, 3, 9}[i%4], i&4 != 0, i&8 != 0
			want := may[otherTag]
			switch {
			case uid == 0:
				want = true
			case uid == 1:
				want = may[ownerTag]
			case uid == 3:
				want = may[userTag] && may[maskTag]
			case member || named:
				want = may[maskTag] && (member && may[groupTag] || named && may[namedTag])
			}
			var groups []sid.SID
			if member {
				groups = append(groups, sid.MustParse("S-1-22-2-2"))
			}
			if named {
				groups = append(groups, sid.MustParse("S-1-22-2-4"))
			}
			user := check.Must(token.New(token.NetworkUser(sid.MustParse(fmt.Sprintf("S-1-22-1-%d", uid)), groups...)))
			got := check.Must(access.Check(user, d, winnt.FILE_TRAVERSE, winnt.FileObject))
			check.Equal(t, got.Allowed(), want, "N-95: entries %06b, user %d in groups %v may search", set, uid, groups)
		}
	}
	acl := []byte{2, 0, 0, 0, userTag, 0, 0, 0, 3, 0, 0, 0}
	d := check.Must(newSearchDescriptor(ntacl.Info{UID: 1, GID: 2, Mode: 0o701, Directory: true}, acl, nil))
	user := check.Must(token.New(token.NetworkUser(sid.MustParse("S-1-22-1-3"))))
	got := check.Must(access.Check(user, d, winnt.FILE_TRAVERSE, winnt.FileObject))
	check.That(t, got.Allowed(), "N-95: an ACL whose mask grants nothing denies")
	acl[0] = 3
	check.That(t, check.Err(newSearchDescriptor(ntacl.Info{Mode: 0o771}, acl, nil)) != nil, "version 3 is accepted")
}
