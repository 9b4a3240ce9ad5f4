package sd_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Map returns the same list if nothing changes. If an entry is removed, order and revision stay. A nil list stays
// nil.
func TestMapKeepsOrderAndRevision(t *testing.T) {
	list := sddl.MustParse("D:(A;;FR;;;BU)(OA;;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;BA)(D;;FW;;;BG)").DACL()
	same, err := list.Map(func(a sd.ACE) (sd.ACE, bool) { return a, true })
	check.That(t, err == nil && same == list, "Map without a change returned another list, %v, want the same one", err)
	less, err := list.Map(func(a sd.ACE) (sd.ACE, bool) { return a, !a.Type().IsObject() })
	if err != nil || less.Len() != 2 || less.At(0) != list.At(0) || less.At(1) != list.At(2) || less.Revision() != 4 {
		t.Errorf("list without its object entry: %d entries, revision %d, %v, want 2, 4 and no error",
			less.Len(), less.Revision(), err)
	}
	none, err := (*sd.ACL)(nil).Map(func(a sd.ACE) (sd.ACE, bool) { return a, true })
	check.That(t, none == nil && err == nil, "Map of a nil list = %v, %v, want nil, nil", none, err)
	check.That(t, check.Err(list.Map(func(sd.ACE) (sd.ACE, bool) { return sd.ACE{}, true })) != nil,
		"Map accepted the zero entry, want an error")
}

// MapGeneric maps generic bits to rights, except in inherit-only entries and in masks that are not access masks, such
// as those of labels (S-65).
func TestMapGenericSkipsInheritOnlyEntries(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{
		"D:(A;;GR;;;WD)": 0x120089, "D:(D;OICI;GA;;;WD)": 0x1F01FF, "D:(A;;GW0x20;;;WD)": 0x120136,
		"D:(A;OICIIO;GA;;;WD)": winnt.GENERIC_ALL, "D:(A;CIIOID;GA;;;WD)": winnt.GENERIC_ALL,
		"D:(A;;FR;;;WD)": 0x120089, "D:(A;;GR0x1000200;;;WD)": 0x1120289,
	} {
		got := sddl.MustParse(text).DACL().At(0).MapGeneric(&winnt.FileObject.Mapping).Mask()
		check.That(t, got == want, "MapGeneric of %s = %#x, want %#x", text, uint32(got), uint32(want))
	}
	for _, text := range []string{"S:(ML;;NW;;;HI)", "S:(SP;;;;;S-1-17-1)", `S:(RA;;;;;WD;("a",TI,0,1))`} {
		a := sddl.MustParse(text).SACL().At(0).WithMask(winnt.GENERIC_ALL)
		check.Equal(t, a.MapGeneric(&winnt.FileObject.Mapping), a, "MapGeneric of %s with GENERIC_ALL", text)
	}
}

// FileObject.Mapping gives the specific rights recorded on a Windows file server (S-11).
func TestVectorsMapGenericFileRights(t *testing.T) {
	for i, r := range recordings.Rows[struct{ Generic, Specific winnt.AccessMask }](t, "file_generic_mapping.jsonl") {
		check.Equal(t, winnt.FileObject.Mapping.Map(r.Generic), r.Specific, "row %d: %v is mapped to", i, r.Generic)
	}
}
