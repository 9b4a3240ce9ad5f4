package fileaccess_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// ToNFS4 returns the expected list, entry by entry.
func TestToNFS4MatchesExpectedList(t *testing.T) {
	nameless := &fileaccess.NameMap{Name: func(sid.SID) (string, bool, bool) { return "", false, false }}
	groups := &fileaccess.NameMap{Name: func(s sid.SID) (string, bool, bool) { return "g@x", true, s == g9 }}
	const f, d, i, was = fileaccess.NFS4FileInherit, fileaccess.NFS4DirectoryInherit, fileaccess.NFS4InheritOnly,
		fileaccess.NFS4Inherited
	for name, c := range map[string]struct {
		acl   string
		names *fileaccess.NameMap
		want  []fileaccess.NFS4ACE
	}{
		"generic rights are mapped": {"D:(A;;GR;;;WD)", nil, []fileaccess.NFS4ACE{{Who: "EVERYONE@", Mask: 0x120089}}},
		"a map without functions keeps SIDs": {"D:(A;;0x1;;;BU)", new(fileaccess.NameMap), []fileaccess.NFS4ACE{
			{Who: "S-1-5-32-545", Mask: 1}}},
		"rights that NFSv4 does not have are omitted": {"D:(D;;0x201;;;WD)(A;;0x401;;;WD)", nil, []fileaccess.NFS4ACE{
			{Type: fileaccess.NFS4Deny, Who: "EVERYONE@", Mask: 1}, {Who: "EVERYONE@", Mask: 1}}},
		"a denial without a name is everybody's, a grant is dropped": {"D:(D;;0x1;;;BU)(A;;0x2;;;BU)", nameless,
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Deny, Who: "EVERYONE@", Mask: 1}}},
		"an audit and an alarm without a name are everybody's": {"D:S:(AU;SA;0x1;;;BU)(AL;FA;0x2;;;BU)", nameless,
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Audit, Flags: fileaccess.NFS4SuccessfulAccess, Who: "EVERYONE@",
				Mask: 1}, {Type: fileaccess.NFS4Alarm, Flags: fileaccess.NFS4FailedAccess, Who: "EVERYONE@", Mask: 2}}},
		"an entry for the creator that children do not inherit stays a SID": {"D:(A;;0x1;;;CO)(A;;0x1;;;CG)", nil,
			[]fileaccess.NFS4ACE{{Who: "S-1-3-0", Mask: 1}, {Who: "S-1-3-1", Mask: 1}}},
		"a name that is empty is none": {"D:(A;;0x1;;;BU)(D;;0x1;;;BU)",
			&fileaccess.NameMap{Name: func(sid.SID) (string, bool, bool) { return "", false, true }},
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Deny, Who: "EVERYONE@", Mask: 1}}},
		"the owner's audits of different outcomes are not merged": {"D:S:(AU;SA;0x3;;;u7)(AU;OIIOFA;0x3;;;CO)", nil,
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Audit, Flags: fileaccess.NFS4SuccessfulAccess, Who: "OWNER@", Mask: 3},
				{Type: fileaccess.NFS4Audit, Flags: f | i | fileaccess.NFS4FailedAccess, Who: "OWNER@", Mask: 3}}},
		"an entry that would end the inheritance is not merged": {"D:(D;NP;0x3;;;u7)(D;OICIIO;0x3;;;CO)", nil,
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Deny, Flags: fileaccess.NFS4NoPropagate, Who: "OWNER@", Mask: 3},
				{Type: fileaccess.NFS4Deny, Flags: f | d | i, Who: "OWNER@", Mask: 3}}},
		"a conditional denial is unconditional": {"D:(XD;;0x1;;;WD;(Exists a))(XA;;0x2;;;WD;(Exists a))", nil,
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Deny, Who: "EVERYONE@", Mask: 1}}},
		"an audit of both, with inheritance": {"D:S:(AU;OICISAFA;0x3;;;WD)(AU;FA;0x1;;;WD)(AU;SA;0x1;;;WD)", nil,
			[]fileaccess.NFS4ACE{{Type: fileaccess.NFS4Audit, Flags: f | d | fileaccess.NFS4SuccessfulAccess |
				fileaccess.NFS4FailedAccess, Who: "EVERYONE@", Mask: 3},
				{Type: fileaccess.NFS4Audit, Flags: fileaccess.NFS4FailedAccess, Who: "EVERYONE@", Mask: 1},
				{Type: fileaccess.NFS4Audit, Flags: fileaccess.NFS4SuccessfulAccess, Who: "EVERYONE@", Mask: 1}}},
		"an inheritable owner entry stays a SID": {"D:(A;OICI;0x1;;;u7)(A;OI;0x1;;;g8)(A;;0x1;;;u7)(A;;0x1;;;g8)", nil,
			[]fileaccess.NFS4ACE{{Flags: f | d, Who: u7.String(), Mask: 1}, {Flags: f, Who: g8.String(), Mask: 1},
				{Who: "OWNER@", Mask: 1}, {Flags: fileaccess.NFS4IdentifierGroup, Who: "GROUP@", Mask: 1}}},
		"an inheritable OWNER RIGHTS stays a SID": {"D:(A;OICIIO;0x1;;;OW)(A;;0x2;;;OW)", nil,
			[]fileaccess.NFS4ACE{{Flags: f | d | i, Who: "S-1-3-4", Mask: 1}, {Who: "OWNER@", Mask: 2}}},
		"the owner's entries of different origin are not merged": {"D:(A;;0x3;;;u7)(A;OICIIOID;0x3;;;CO)", nil,
			[]fileaccess.NFS4ACE{{Who: "OWNER@", Mask: 3}, {Flags: f | d | i | was, Who: "OWNER@", Mask: 3}}},
		"the owner's entries of the same origin are merged": {"D:(A;ID;0x3;;;u7)(A;OICIIOID;0x3;;;CO)", nil,
			[]fileaccess.NFS4ACE{{Flags: f | d | was, Who: "OWNER@", Mask: 3}}},
		"only the first inheritable entry is merged": {"D:(A;;0x3;;;u7)(A;OIIO;0x3;;;CO)(A;CIIO;0x3;;;CO)", nil,
			[]fileaccess.NFS4ACE{{Flags: f, Who: "OWNER@", Mask: 3}, {Flags: d | i, Who: "OWNER@", Mask: 3}}},
		"entries with other rights stay apart": {"D:(A;;0x3;;;u7)(A;OIIO;0x1;;;CO)(A;OIIO;0x1;;;CG)", nil,
			[]fileaccess.NFS4ACE{{Who: "OWNER@", Mask: 3}, {Flags: f | i, Who: "OWNER@", Mask: 1},
				{Flags: f | i | fileaccess.NFS4IdentifierGroup, Who: "GROUP@", Mask: 1}}},
		"a denial and a grant are not merged": {"D:(A;;0x3;;;u7)(D;OIIO;0x3;;;CO)", nil, []fileaccess.NFS4ACE{
			{Who: "OWNER@", Mask: 3}, {Type: fileaccess.NFS4Deny, Flags: f | i, Who: "OWNER@", Mask: 3}}},
		"a name says whether it is a group's": {"D:(A;NP;0x1;;;g9)", groups, []fileaccess.NFS4ACE{
			{Flags: fileaccess.NFS4NoPropagate | fileaccess.NFS4IdentifierGroup, Who: "g@x", Mask: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := fileaccess.ToNFS4(sddl.MustParse(owned+posixSIDs.Replace(c.acl)), c.names)
			check.SlicesEqual(t, got, c.want, "ToNFS4(%s)", c.acl)
		})
	}
	whole := []fileaccess.NFS4ACE{{Who: "EVERYONE@", Mask: winnt.FILE_ALL_ACCESS}}
	if got, lost := fileaccess.ToNFS4(sddl.MustParse(owned), nil); !slices.Equal(got, whole) || lost != nil {
		t.Errorf("ToNFS4 without a DACL = %+v, losses %v; want %+v, none", got, lost, whole)
	}
}

// FromNFS4 returns the expected descriptor, entry by entry.
func TestFromNFS4MatchesExpectedEntries(t *testing.T) {
	list := func(text string) []fileaccess.NFS4ACE { return check.Must(fileaccess.ParseNFS4(text)) }
	for name, c := range map[string]struct {
		list []fileaccess.NFS4ACE
		want string
	}{
		"flags of audits mean nothing for a grant": {list("A:SF:EVERYONE@:r"), "D:(A;;0x1;;;WD)"},
		"an audit and an alarm of an unknown name are everybody's": {list("U:S:x@y:r,L:F:x@y:w,A::x@y:r"),
			"D:S:(AU;SA;0x1;;;WD)(AL;FA;0x2;;;WD)"},
		"a name must be the exact text of a SID": {list("A::s-1-1-0:r,A::S-1-01-0:r,A::ba:r,A::S-1-1-0:w"),
			"D:(A;;0x2;;;WD)"},
		"only the entry for children has their flags": {list("A:fdn:OWNER@:r,A:fI:GROUP@:w"),
			"D:(A;;0x1;;;u7)(A;OICINPIO;0x1;;;CO)(A;ID;0x2;;;g8)(A;OIIOID;0x2;;;CG)"},
		"bits that NFSv4 does not have are dropped": {[]fileaccess.NFS4ACE{{Who: "EVERYONE@",
			Mask: winnt.GENERIC_ALL | winnt.ACCESS_SYSTEM_SECURITY | 0x201}}, "D:(A;;0x1;;;WD)"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, names := range []*fileaccess.NameMap{nil, {}} {
				d, _, err := fileaccess.FromNFS4(c.list, u7, g8, names)
				want := sddl.MustParse(owned + posixSIDs.Replace(c.want))
				check.That(t, err == nil && d.Equal(want), "FromNFS4: %s, %v\nwant %s", sdText(d), err, sdText(want))
			}
		})
	}
}

// A list that becomes longer than 64 KiB is refused, in the DACL and in the SACL.
func TestFromNFS4RefusesTooLongList(t *testing.T) {
	for _, a := range []fileaccess.NFS4ACE{{Who: "EVERYONE@", Mask: 1},
		{Type: fileaccess.NFS4Audit, Flags: fileaccess.NFS4SuccessfulAccess, Who: "EVERYONE@", Mask: 1}} {
		const most = (sd.MaxACLSize - 8) / 20 // entries of Everyone
		for n, want := range map[int]error{most: nil, most + 1: fileaccess.ErrNFS4ACL} {
			_, _, err := fileaccess.FromNFS4(slices.Repeat([]fileaccess.NFS4ACE{a}, n), caseU, caseG, nil)
			check.That(t, errors.Is(err, want), "%d entries of type %d: %v, want %v", n, a.Type, err, want)
		}
	}
}

// An inheritable OWNER@ or GROUP@ entry converts back with each flag. It is also recognised in a descriptor that was
// not made from an NFSv4 ACL.
func TestInheritableOwnerConvertsBack(t *testing.T) {
	for _, text := range []string{
		"A:fd:OWNER@:rwx", "A:fdi:OWNER@:rwx", "A:fdn:OWNER@:rwx", "A:fdI:OWNER@:rwx", "U:fdS:OWNER@:rwx", "L:fdF:OWNER@:rwx",
		"A:f:OWNER@:rwx,A:d:OWNER@:rwx", "A:fd:OWNER@:rwx,A:fdi:OWNER@:rwx",
		"D:fd:OWNER@:w,A:fd:OWNER@:rwx,A:fdg:GROUP@:rx,A:fd:EVERYONE@:r",
	} {
		list := check.Must(fileaccess.ParseNFS4(text))
		d, _, err := fileaccess.FromNFS4(list, caseU, caseG, nil)
		check.NoError(t, err)
		if n := d.SACL().Len(); (n != 0) != (list[0].Type >= fileaccess.NFS4Audit) || n != 0 && d.DACL().Len() != 0 {
			t.Errorf("FromNFS4(%s): %d entries in the SACL, %d in the DACL; want them in one of both", text, n, d.DACL().Len())
		}
		back, lost := fileaccess.ToNFS4(d, nil)
		got := strings.TrimSpace(strings.ReplaceAll(fileaccess.FormatNFS4(back), "\n", ","))
		check.That(t, got == text+"," && lost == nil,
			"%s converts back to %s, losses %v; want %s, none", text, got, lost, text+",")
	}
	for text, want := range map[string]string{
		"(A;OICI;0x3;;;CO)":   "A:fdi:OWNER@:rw",
		"(A;OICIIO;0x3;;;CG)": "A:fdig:GROUP@:rw",
		"(A;OICI;0x3;;;CG)":   "A:fdig:GROUP@:rw",
	} {
		list, lost := fileaccess.ToNFS4(sddl.MustParse("O:BAG:SYD:"+text), nil)
		got := strings.TrimSpace(fileaccess.FormatNFS4(list))
		check.That(t, got == want && lost == nil, "ToNFS4(%s) = %s, losses %v; want %s, none", text, got, lost, want)
	}
}
