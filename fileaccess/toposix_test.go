package fileaccess_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// owned is the owner and group of a descriptor, user 7 and group 8. posixSIDs replaces short names of ids by their
// SIDs.
const owned = "O:S-1-22-1-7G:S-1-22-2-8"

var posixSIDs = strings.NewReplacer("u7)", "S-1-22-1-7)", "u3)", "S-1-22-1-3)", "g8)", "S-1-22-2-8)", "g9)",
	"S-1-22-2-9)")

// aclText formats an ACL as getfacl does, on one line.
func aclText(l fileaccess.POSIXACL) string {
	var out []string
	for _, e := range l {
		tag := map[fileaccess.POSIXTag]string{fileaccess.POSIXOwner: "u:", fileaccess.POSIXUser: "u:",
			fileaccess.POSIXGroupOwner: "g:", fileaccess.POSIXGroup: "g:", fileaccess.POSIXMask: "m:",
			fileaccess.POSIXOther: "o:"}[e.Tag]
		if e.Tag == fileaccess.POSIXUser || e.Tag == fileaccess.POSIXGroup {
			tag += fmt.Sprint(e.ID)
		} else if e.ID != none {
			tag += "an id"
		}
		perm := []byte("---")
		for i, letter := range "rwx" {
			if e.Perm&(4>>i) != 0 {
				perm[i] = byte(letter)
			}
		}
		out = append(out, tag+":"+string(perm))
	}
	return strings.Join(out, " ")
}

// Kinds of losses.
const (
	noName, noPerm, noDenial  = fileaccess.LossUnknownSID, fileaccess.LossRights, fileaccess.LossDenial
	oddType, inherits, noSACL = fileaccess.LossEntryType, fileaccess.LossInheritance, fileaccess.LossSACL
)

var u7, g8, g9 = fileaccess.UnixUser(7), fileaccess.UnixGroup(8), fileaccess.UnixGroup(9)

// ToPOSIX returns the permissions nearest to a descriptor, with all losses. Reading is 0x9, writing 0x116, in a
// directory also 0x40, searching 0x20. Everybody with any right has 0x120080, and the owner also 0x40100.
func TestToPOSIXMatchesExpectedPermissions(t *testing.T) {
	for name, c := range map[string]struct {
		dacl, access, def string
		lost              []fileaccess.Loss
	}{
		"rights of everybody are also the owner's and group's": {
			"(A;;FR;;;u7)(A;;0x116;;;u3)(A;;0x20;;;g9)(A;;0x9;;;WD)",
			"u::r-- u:3:rw- g::r-- g:9:r-x m::rwx o::r--", "", nil},
		"rights that cannot be granted in part": {"(A;;0x115;;;u7)(A;;0x8;;;g8)(A;;0x1;;;WD)", "u::--- g::r-- o::---", "",
			[]fileaccess.Loss{{Kind: noPerm, SID: u7, Bits: 0x15}, {Kind: noPerm, SID: sid.Everyone, Bits: 1}}},
		"a denial of a SID without an id is everybody's": {"(D;;0x2;;;BU)(A;;0x13f;;;WD)", "u::r-x g::r-x o::r-x", "",
			[]fileaccess.Loss{{Kind: noName, SID: sid.Users}, {Kind: noDenial, SID: sid.Users},
				{Kind: noPerm, SID: u7, Bits: 0x14}, {Kind: noPerm, SID: g8, Bits: 0x114},
				{Kind: noPerm, SID: sid.Everyone, Bits: 0x114}}},
		"a denial of denied rights is not a loss": {"(D;;0x1;;;BU)(D;;0x1;;;AU)(A;;0x9;;;WD)",
			"u::--- g::--- o::---", "", []fileaccess.Loss{{Kind: noName, SID: sid.Users},
				{Kind: noName, SID: sid.AuthenticatedUsers}, {Kind: noDenial, SID: sid.Users}, {Kind: noPerm, SID: u7, Bits: 8},
				{Kind: noPerm, SID: g8, Bits: 8}, {Kind: noPerm, SID: sid.Everyone, Bits: 8}}},
		"a denial of a group is its entry, and held against all but others": {"(D;;0x20;;;g9)(A;;0x29;;;WD)",
			"u::r-- g::r-- g:9:r-- m::r-- o::r-x", "", []fileaccess.Loss{{Kind: noDenial, SID: g9}}},
		"a denial of a user limits only the user": {"(D;;0x20;;;u3)(A;;0x29;;;WD)",
			"u::r-x u:3:r-- g::r-x m::r-x o::r-x", "", nil},
		"a denial after the grant has no effect": {"(A;;0x9;;;WD)(D;;0x9;;;g9)(A;;0x20;;;g9)",
			"u::r-- g::r-- g:9:r-x m::r-x o::r--", "", nil},
		"a grant with a condition is dropped, a denial holds": {
			"(XA;;0x116;;;WD;(Exists a))(XD;;0x20;;;WD;(Exists a))(A;;0x29;;;WD)", "u::r-- g::r-- o::r--", "",
			[]fileaccess.Loss{{Kind: oddType, SID: sid.Everyone, Bits: 0x116}, {Kind: oddType, SID: sid.Everyone, Bits: 0x20}}},
		"OWNER RIGHTS is the owner, the creators are nobody": {"(A;;0x9;;;OW)(A;;0x20;;;CO)(A;;0x20;;;CG)",
			"u::r-- g::--- o::---", "", []fileaccess.Loss{{Kind: noName, SID: sid.CreatorOwner, Bits: 0x20},
				{Kind: noName, SID: sid.CreatorGroup, Bits: 0x20}}},
		"bits that no file has are no loss": {"(A;;0x1000209;;;u7)", "u::r-- g::--- o::---", "", nil},
		"an empty SACL is no loss":          {"(A;;0x9;;;u7)S:", "u::r-- g::--- o::---", "", nil},
		"a user and a group with one id": {"(A;;0x9;;;u3)(A;;0x20;;;S-1-22-2-3)",
			"u::--- u:3:r-- g::--- g:3:--x m::r-x o::---", "", nil},
		"d an inheritable OWNER RIGHTS is nobody": {"(A;OICIIO;0x9;;;OW)", "u::--- g::--- o::---", "u::--- g::--- o::---",
			[]fileaccess.Loss{{Kind: noName, SID: sid.OwnerRights, Bits: 9}}},
		"all of a file": {"(A;;FA;;;WD)", "u::rwx g::rwx o::rwx", "", []fileaccess.Loss{
			{Kind: noPerm, SID: u7, Bits: 0x90000}, {Kind: noPerm, SID: g8, Bits: 0xD0000},
			{Kind: noPerm, SID: sid.Everyone, Bits: 0xD0000}}},
		"inherit-only entries have no effect": {"(A;OICIIO;0x9;;;WD)", "u::--- g::--- o::---", "", nil},
		"a user listed twice appears once": {"(A;;0x9;;;u3)(A;;0x20;;;u3)",
			"u::--- u:3:r-x g::--- m::r-x o::---", "", nil},
		"d a directory is written to with all of its rights": {"(A;;0x136;;;u7)", "u::--x g::--- o::---", "",
			[]fileaccess.Loss{{Kind: noPerm, SID: u7, Bits: 0x16}}},
		"d to remove is a part of writing":     {"(A;;0x176;;;u7)", "u::-wx g::--- o::---", "", nil},
		"d what both inherit is in force, too": {"(A;OICI;0x29;;;WD)", "u::r-x g::r-x o::r-x", "u::r-x g::r-x o::r-x", nil},
		"d files and directories inherit together": {"(A;OICIIO;0x9;;;CO)(A;OICIIO;0x20;;;CG)(A;OIIO;0x9;;;WD)",
			"u::--- g::--- o::---", "u::r-- g::--x o::---", []fileaccess.Loss{{Kind: inherits}}},
		"d directories inherit more than files": {"(A;OICIIO;0x9;;;CO)(A;CIIO;0x20;;;CO)", "u::--- g::--- o::---",
			"u::r-- g::--- o::---", []fileaccess.Loss{{Kind: inherits}}},
		"d a group of files only keeps its entry": {"(A;OICIIO;0x9;;;u3)(A;OIIO;0x20;;;g9)", "u::--- g::--- o::---",
			"u::--- u:3:r-- g::--- g:9:--- m::r-- o::---", []fileaccess.Loss{{Kind: inherits}}},
		"d a user of directories only keeps the mask": {"(A;CIIO;0x9;;;u3)", "u::--- g::--- o::---",
			"u::--- u:3:--- g::--- m::r-- o::---", []fileaccess.Loss{{Kind: inherits}}},
		"d the owner of now is a user to what is made": {
			"(A;OICIIO;0x20;;;u3)(A;OICIIO;0x9;;;u7)(A;OICIIO;0x20;;;g8)(A;OICIIO;0x9;;;g9)", "u::--- g::--- o::---",
			"u::--- u:3:--x u:7:r-- g::--- g:8:--x g:9:r-- m::r-x o::---", nil},
		"d a denied user may create a file": {"(D;OICIIO;0x20;;;u3)(A;OICIIO;0x29;;;CO)(A;OICIIO;0x29;;;WD)",
			"u::--- g::--- o::---", "u::r-- u:3:r-- g::r-x m::r-x o::r-x",
			[]fileaccess.Loss{{Kind: noDenial, SID: fileaccess.UnixUser(3)}}},
		"d directories inherit writing only with the right to remove": {"(A;OICIIO;0x136;;;CO)", "u::--- g::--- o::---",
			"u::--x g::--- o::---",
			[]fileaccess.Loss{{Kind: noPerm, SID: sid.CreatorOwner, Bits: 0x16}, {Kind: inherits}}},
		"d what stops after one level": {"(A;OICINPIO;0x9;;;WD)", "u::--- g::--- o::---", "u::r-- g::r-- o::r--",
			[]fileaccess.Loss{{Kind: inherits, SID: sid.Everyone}}},
		"d a denial that stops after one level": {"(D;OICINPIO;0x9;;;WD)(A;OICIIO;0x29;;;WD)", "u::--- g::--- o::---",
			"u::--x g::--x o::--x", []fileaccess.Loss{{Kind: inherits, SID: sid.Everyone}}},
		"d one level of the directory itself": {"(A;NP;0x9;;;WD)", "u::r-- g::r-- o::r--", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			directory := strings.HasPrefix(name, "d ")
			p, lost := fileaccess.ToPOSIX(sddl.MustParse(owned+"D:"+posixSIDs.Replace(c.dacl)), directory, nil)
			if got := aclText(p.Access); got != c.access || aclText(p.Default) != c.def || p.User != 7 || p.Group != 8 ||
				p.Directory != directory || p.Mode != p.Access.Mode() {
				t.Errorf("ToPOSIX: %s, default %s, %+v; want %s, default %s", got, aclText(p.Default), p, c.access, c.def)
			}
			checkLosses(t, c.dacl, lost, c.lost...)
		})
	}
	// Two SIDs have the uid 3 and the gid 9. Their one entry has what both grant.
	old := sid.MustParse("S-1-5-21-1-2-3-1003")
	oldGroup := sid.MustParse("S-1-5-21-1-2-3-2009")
	twice := &fileaccess.IDMap{Find: func(s sid.SID) (id uint32, group, ok bool) {
		switch s {
		case old:
			return 3, false, true
		case oldGroup:
			return 9, true, true
		}
		return s.RID(), s.Prefix() == g8.Prefix(), s.Prefix() == u7.Prefix() || s.Prefix() == g8.Prefix()
	}}
	for directory, writing := range map[bool]winnt.AccessMask{false: 0x116, true: 0x156} {
		p, lost := fileaccess.ToPOSIX(sddl.MustParse(owned+"D:(A;;0x29;;;S-1-22-1-3)(A;;0x15f;;;"+old.String()+
			")(A;;0x9;;;"+oldGroup.String()+")(A;;0x9;;;S-1-22-2-9)"), directory, twice)
		check.Equal(t, aclText(p.Access), "u::--- u:3:r-- g::--- g:9:r-- m::r-- o::---", "two SIDs with one id")
		checkLosses(t, "two SIDs with one id", lost, fileaccess.Loss{Kind: noPerm, SID: fileaccess.UnixUser(3), Bits: 0x20},
			fileaccess.Loss{Kind: noPerm, SID: old, Bits: writing})
		_, lost = fileaccess.ToPOSIX(sddl.MustParse(owned+"D:(A;;0x9;;;S-1-22-1-3)(A;;0x17f;;;"+old.String()+")"), directory,
			twice)
		checkLosses(t, "two lost permissions", lost, fileaccess.Loss{Kind: noPerm, SID: old, Bits: 0x20 | writing})
	}
	for text, want := range map[string][]fileaccess.Loss{
		owned + "D:S:(AU;SA;FA;;;WD)": {{Kind: noSACL}},
		"O:BAG:SYD:":                  {{Kind: noName, SID: sid.Administrators}, {Kind: noName, SID: sid.LocalSystem}},
		"O:S-1-22-1-7-1G:S-1-22-2-8-1D:": {{Kind: noName, SID: sid.MustParse("S-1-22-1-7-1")},
			{Kind: noName, SID: sid.MustParse("S-1-22-2-8-1")}},
		// A group is not a user, and a user is not a group.
		"O:S-1-22-2-8G:S-1-22-1-7D:": {{Kind: noName, SID: g8}, {Kind: noName, SID: u7}},
	} {
		p, lost := fileaccess.ToPOSIX(sddl.MustParse(text), false, nil)
		check.That(t, (p.User == 7) == (p.Group == 8) && (p.User == none) == (len(lost) == 2),
			"ToPOSIX(%s) = %+v, want user 7 with group 8, or neither", text, p)
		checkLosses(t, text, lost, want...)
	}
}
