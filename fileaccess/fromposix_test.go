package fileaccess_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// FromPOSIX returns the expected descriptor, entry by entry, and reports every loss.
func TestFromPOSIXMatchesExpectedEntries(t *testing.T) {
	ten := &fileaccess.IDMap{User: func(id uint32) (sid.SID, bool) { return fileaccess.UnixUser(id), id < 10 },
		Group: func(id uint32) (sid.SID, bool) { return fileaccess.UnixGroup(id), id < 10 }}
	list := func(owner, group, other fileaccess.POSIXPerm, named ...fileaccess.POSIXEntry) fileaccess.POSIXACL {
		l := append(fileaccess.POSIXACL{{Tag: fileaccess.POSIXOwner, Perm: owner, ID: none},
			{Tag: fileaccess.POSIXGroupOwner, Perm: group, ID: none}, {Tag: fileaccess.POSIXOther, Perm: other, ID: none}},
			named...)
		slices.SortStableFunc(l, func(a, b fileaccess.POSIXEntry) int { return int(a.Tag) - int(b.Tag) })
		return l
	}
	entry := func(tag fileaccess.POSIXTag, perm fileaccess.POSIXPerm, id uint32) fileaccess.POSIXEntry {
		return fileaccess.POSIXEntry{Tag: tag, Perm: perm, ID: id}
	}
	const user, group, mask = fileaccess.POSIXUser, fileaccess.POSIXGroup, fileaccess.POSIXMask
	masked := fileaccess.Loss{Kind: fileaccess.LossMask}
	unknown := func(who string) fileaccess.Loss { return fileaccess.Loss{Kind: fileaccess.LossUnknownName, Name: who} }
	for name, c := range map[string]struct {
		p    fileaccess.POSIX
		dacl string
		lost []fileaccess.Loss
	}{
		"the mask limits all but owner and others": {
			fileaccess.POSIX{Access: list(6, 7, 6, entry(user, 7, 3), entry(mask, 5, none))},
			"(A;;0x16019f;;;u7)(D;;0x20;;;u7)(A;;0x1200a9;;;u3)(D;;0x116;;;u3)(A;;0x1200a9;;;g8)(D;;0x116;;;g8)" +
				"(A;;0x12019f;;;WD)", []fileaccess.Loss{masked}},
		"the owner is not denied what owners have": {fileaccess.POSIX{Mode: 0o466},
			"(A;;0x160189;;;u7)(D;;0x16;;;u7)(A;;0x12019f;;;g8)(A;;0x12019f;;;WD)", nil},
		"the owner is named again": {
			fileaccess.POSIX{Mode: 0o4000, Access: list(4, 0, 0, entry(user, 6, 7), entry(mask, 7, none))},
			"(A;;0x160189;;;u7)(D;;0x16;;;u7)(A;;0x12019f;;;u7)(A;;0x120080;;;g8)(A;;0x120080;;;WD)",
			[]fileaccess.Loss{masked, {Kind: fileaccess.LossSpecialBits, Name: "04000"}}},
		"the owner is named again with less": {
			fileaccess.POSIX{Access: list(4, 0, 7, entry(user, 1, 7), entry(mask, 7, none))},
			"(A;;0x160189;;;u7)(D;;0x36;;;u7)(A;;0x1200a0;;;u7)(D;;0x11f;;;u7)(A;;0x120080;;;g8)(D;;0x13f;;;g8)" +
				"(A;;0x1201bf;;;WD)", []fileaccess.Loss{masked}},
		"denials of a user without SID limit groups and others": {
			fileaccess.POSIX{Access: list(7, 7, 7, entry(user, 1, 30), entry(mask, 7, none))},
			"(A;;0x1601bf;;;u7)(A;;0x1200a0;;;g8)(A;;0x1200a0;;;WD)", []fileaccess.Loss{masked, unknown("user 30")}},
		"denials of a group without SID limit others": {
			fileaccess.POSIX{Access: list(7, 7, 7, entry(group, 4, 31), entry(mask, 7, none))},
			"(A;;0x1601bf;;;u7)(A;;0x1201bf;;;g8)(A;;0x120089;;;WD)", []fileaccess.Loss{masked, unknown("group 31")}},
		"denials of a user without SID limit others in a directory": {
			fileaccess.POSIX{Access: list(7, 0, 7, entry(user, 5, 30), entry(mask, 7, none)), Directory: true},
			"(A;;0x1601ff;;;u7)(A;;0x120080;;;g8)(D;;0x29;;;g8)(A;;0x1200a9;;;WD)",
			[]fileaccess.Loss{masked, unknown("user 30")}},
		"denials of two users without SIDs add up": {
			fileaccess.POSIX{Access: list(7, 7, 7, entry(user, 4, 30), entry(user, 2, 31), entry(mask, 7, none))},
			"(A;;0x1601bf;;;u7)(A;;0x120080;;;g8)(A;;0x120080;;;WD)",
			[]fileaccess.Loss{masked, unknown("user 30"), unknown("user 31")}},
		"the mask counts as a denial of a user without SID": {
			fileaccess.POSIX{Access: list(7, 7, 7, entry(user, 7, 30), entry(mask, 6, none))},
			"(A;;0x1601bf;;;u7)(A;;0x12019f;;;g8)(A;;0x12019f;;;WD)",
			[]fileaccess.Loss{masked, unknown("user 30")}},
		"groups' rights add up": {fileaccess.POSIX{Access: list(0, 4, 0, entry(group, 2, 9), entry(mask, 7, none))},
			"(A;;0x160180;;;u7)(D;;0x1f;;;u7)(A;;0x120089;;;g8)(A;;0x120196;;;g9)(A;;0x120080;;;WD)",
			[]fileaccess.Loss{masked, {Kind: fileaccess.LossGroupUnion, Bits: 0x12019F}}},
		"a group has the rights of all": {
			fileaccess.POSIX{Access: list(0, 4, 0, entry(group, 6, 9), entry(mask, 7, none))},
			"(A;;0x160180;;;u7)(D;;0x1f;;;u7)(A;;0x120089;;;g8)(A;;0x12019f;;;g9)(A;;0x120080;;;WD)",
			[]fileaccess.Loss{masked}},
		"writing a directory needs search permission": {fileaccess.POSIX{Mode: 0o602, Directory: true},
			"(A;;0x160189;;;u7)(A;;0x120080;;;g8)(A;;0x120080;;;WD)", []fileaccess.Loss{
				{Kind: fileaccess.LossWriteWithoutSearch, SID: u7},
				{Kind: fileaccess.LossWriteWithoutSearch, SID: sid.Everyone}}},
		"a default list is that of files, then that of directories": {
			fileaccess.POSIX{Mode: 0o1700, Directory: true, Default: fileaccess.ModeACL(0o750)},
			"(A;;0x1601ff;;;u7)(A;;0x120080;;;g8)(A;;0x120080;;;WD)" +
				"(A;OIIO;0x1601bf;;;CO)(A;OIIO;0x1200a9;;;CG)(A;OIIO;0x120080;;;WD)" +
				"(A;CIIO;0x1601ff;;;CO)(A;CIIO;0x1200a9;;;CG)(A;CIIO;0x120080;;;WD)", []fileaccess.Loss{
				{Kind: fileaccess.LossSpecialBits, Name: "01000"}, {Kind: fileaccess.LossCreateMode}}},
		"a file has no default list": {fileaccess.POSIX{Mode: 0o700, Default: fileaccess.ModeACL(0o777)},
			"(A;;0x1601bf;;;u7)(A;;0x120080;;;g8)(A;;0x120080;;;WD)", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.p.User, c.p.Group = 7, 8
			d, lost, err := fileaccess.FromPOSIX(&c.p, ten)
			check.NoError(t, err)
			want := sddl.MustParse(owned + "D:P" + posixSIDs.Replace(c.dacl))
			check.That(t, d.Equal(want), "FromPOSIX: %s\nwant %s", sdText(d), sdText(want))
			checkLosses(t, name, lost, c.lost...)
		})
	}
}
