package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A label whose SID is not an integrity level counts as no label. The default is Medium with NO_WRITE_UP.
func TestLabelWithoutLevelIsDefault(t *testing.T) {
	bare, _ := sid.New(16) // it has no text form
	for _, s := range []sid.SID{bare, sid.Everyone, sid.MustParse("S-1-5-4096"), sid.LocalSystem} {
		d := labelled(t, s, winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP)
		for want, change := range map[winnt.AccessMask]func(*token.Spec){
			winnt.FILE_READ_DATA: low, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA: medium} {
			r := ask(t, "…", winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.MAXIMUM_ALLOWED, primary, change)
			r.Descriptor, r.Desired = d, winnt.MAXIMUM_ALLOWED
			got, err := access.SeAccessCheck(r)
			if err != nil || got.Granted&(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA) != want {
				t.Errorf("A-60: label with SID %v: %v, %v; want granted %v", s, got, err, want)
			}
		}
	}
}

// labelled returns a descriptor that allows everything to Everyone and has a label with any SID.
func labelled(t *testing.T, s sid.SID, policy winnt.AccessMask) *sd.Descriptor {
	t.Helper()
	a, err := sd.NewACE(sd.SystemMandatoryLabel, 0, policy, s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	p := mustSD(t, "…(A;;GA;;;WD)").Parts()
	p.SACL, p.Control = l, p.Control|sd.SACLPresent
	return sd.New(p)
}

// The rights that a subject below the label keeps, for each policy and type. Each right is requested
// separately, with a DACL that grants everything. Without a policy nothing is removed, and SYNCHRONIZE, which reading,
// writing and executing share, goes only with all three.
func TestIntegrityPolicyLimitsRights(t *testing.T) {
	types := []*winnt.ObjectType{winnt.FileObject, winnt.KeyObject, winnt.ProcessObject}
	for _, row := range []struct {
		policy  string
		allowed [3]winnt.AccessMask
	}{
		{"", [3]winnt.AccessMask{0x1F01FF, 0xF003F, 0x1FFFFF}},
		{"NW", [3]winnt.AccessMask{0x1200A9, 0x120019, 0x121411}},
		{"NR", [3]winnt.AccessMask{0x1F0176, 0x1F0026, 0x1FFBEF}},
		{"NWNR", [3]winnt.AccessMask{0x100020, 0x100000, 0x101001}},
		{"NX", [3]winnt.AccessMask{0x1F01DF, 0xF003F, 0xFEFFE}},
		{"NWNX", [3]winnt.AccessMask{0x120089, 0x20019, 0x20410}},
		{"NRNX", [3]winnt.AccessMask{0x1F0156, 0xF0026, 0xFEBEE}},
		{"NWNRNX", [3]winnt.AccessMask{0, 0, 0}},
	} {
		for i, typ := range types {
			r := ask(t, "…(A;;0xffffffff;;;WD)S:(ML;;"+row.policy+";;;HI)", 0, low)
			r.Type = typ
			var got winnt.AccessMask
			for bit := winnt.AccessMask(1); bit <= winnt.SYNCHRONIZE; bit <<= 1 {
				r.Desired = bit
				if d, err := access.SeAccessCheck(r); err != nil {
					t.Fatal(err)
				} else if d.Allowed() {
					got |= bit
				}
			}
			// Policy 0 limits nothing, so that also bits outside of the mapping are granted.
			if row.policy == "" {
				got &= typ.Mapping.All
			}
			if got != row.allowed[i] {
				t.Errorf("A-62: policy %q, type %s: granted %#x, want %#x", row.policy, typ.Name, uint32(got),
					uint32(row.allowed[i]))
			}
		}
	}
}
