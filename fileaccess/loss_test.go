package fileaccess_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// checkLosses compares the reported losses with the expected ones, field by field, in any order.
func checkLosses(t *testing.T, what string, got []fileaccess.Loss, want ...fileaccess.Loss) {
	t.Helper()
	for i, l := range got {
		check.That(t, l.String() != "", "%s: loss %+v has no text", what, l)
		check.That(t, slices.Index(got, l) == i, "%s: loss %v is reported twice", what, l)
		check.That(t, slices.Contains(want, l), "%s: unexpected loss %+v", what, l)
	}
	for _, l := range want {
		check.That(t, slices.Contains(got, l), "%s: missing loss %+v", what, l)
	}
}

// The conversions report each loss with its SID, name and rights.
func TestConversionsReportEachLoss(t *testing.T) {
	const (
		unknownSID  = fileaccess.LossUnknownSID
		unknownName = fileaccess.LossUnknownName
	)
	id := sid.MustParse
	nameless := &fileaccess.NameMap{SID: func(string, bool) (sid.SID, bool) { return sid.SID{}, false },
		Name: func(sid.SID) (string, bool, bool) { return "", false, false }}
	users, everyone := id("S-1-5-32-545"), id("S-1-1-0")
	for text, want := range map[string][]fileaccess.Loss{
		"O:BAG:BAD:(A;;FR;;;BU)": {{Kind: unknownSID, SID: users, Bits: 0x120089}},
		"O:BAG:BAD:(D;;FR;;;BU)": {{Kind: unknownSID, SID: users, Bits: 0x120089}},
		// The entry's mapped rights are reported, because clients do not know generic rights.
		"O:BAG:BAD:(A;;GR;;;BU)":             {{Kind: unknownSID, SID: users, Bits: 0x120089}},
		"O:BAG:BAD:(XA;;FR;;;BU;(Exists a))": {{Kind: fileaccess.LossEntryType, SID: users, Bits: 0x120089}},
		"O:BAG:BAD:(A;;0x201;;;WD)":          {{Kind: fileaccess.LossRights, SID: everyone, Bits: 0x200}},
		"O:BAG:BAD:(D;;0x201;;;WD)":          nil, // no client asks for the right
		"O:BAG:BAD:S:(ML;;NW;;;HI)":          {{Kind: fileaccess.LossSACL, SID: id("S-1-16-12288")}},
		"O:BAG:BAD:S:(ML;;NW;;;ME)(AU;SA;1;;;BU)": {{Kind: fileaccess.LossSACL, SID: id("S-1-16-8192")},
			{Kind: unknownSID, SID: users, Bits: 1}},
	} {
		_, lost := fileaccess.ToNFS4(sddl.MustParse(text), nameless)
		checkLosses(t, "to NFS4: "+text, lost, want...)
	}
	check.Equal(t, fileaccess.Loss{Kind: unknownSID, SID: users, Bits: 1}.String(), "SID without name: S-1-5-32-545 0x1",
		"text of a loss")
	from := []fileaccess.NFS4ACE{{Who: "x@y", Mask: 1}, {Type: fileaccess.NFS4Deny, Who: "S-1-1-0", Mask: 2},
		{Who: "OWNER@", Mask: 1}, {Who: "GROUP@", Mask: 1, Flags: fileaccess.NFS4FileInherit},
		{Who: "OWNER@", Mask: 2, Flags: fileaccess.NFS4FileInherit | fileaccess.NFS4InheritOnly}}
	_, lost, err := fileaccess.FromNFS4(from, caseU, caseG, nameless)
	check.NoError(t, err)
	checkLosses(t, "from NFS4", lost, fileaccess.Loss{Kind: unknownName, Name: "x@y", Bits: 1},
		fileaccess.Loss{Kind: unknownName, Name: "S-1-1-0", Bits: 2},
		fileaccess.Loss{Kind: fileaccess.LossOwnerFixed, Name: "OWNER@"},
		fileaccess.Loss{Kind: fileaccess.LossOwnerFixed, Name: "GROUP@"})
}
