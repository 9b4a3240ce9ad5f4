package sd_test

import (
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// TestMergeAudit: requests about a SACL change audit entries as those about a DACL
// change grants: what SetEntriesInAcl documents, on the other list.
func TestMergeAudit(t *testing.T) {
	for _, c := range []struct {
		name, old, want string
		r               sd.Explicit
	}{
		{"audit success", "S:", "S:(AU;SA;CC;;;WD)", sd.Explicit{Mode: sd.SetAuditSuccess, Mask: 1}},
		{"audit failure", "S:", "S:(AU;FA;CC;;;WD)", sd.Explicit{Mode: sd.SetAuditFailure, Mask: 1}},
		{"for what is made below", "S:", "S:(AU;OICISA;CC;;;WD)", sd.Explicit{Mode: sd.SetAuditSuccess, Mask: 1,
			Inheritance: sd.ObjectInherit | sd.ContainerInherit}},
		{"the mark of inheritance is not the caller's", "S:", "S:(AU;CIFA;CC;;;WD)", sd.Explicit{Mode: sd.SetAuditFailure,
			Mask: 1, Inheritance: sd.ContainerInherit | sd.Inherited}},
		{"revoke takes audit entries", "S:(AU;SA;CC;;;WD)(AU;FA;CC;;;BA)", "S:(AU;FA;CC;;;BA)",
			sd.Explicit{Mode: sd.RevokeAccess}},
		{"revoke leaves inherited ones", "S:(AU;IDSA;CC;;;WD)", "S:(AU;IDSA;CC;;;WD)", sd.Explicit{Mode: sd.RevokeAccess}},
		{"set leaves audit entries", "S:(AU;SA;CC;;;WD)", "S:(AU;SA;CC;;;WD)", sd.Explicit{}},
	} {
		old := sddl.MustParse(c.old).SACL()
		c.r.Trustee = sid.Everyone
		got, err := sd.Merge(old, c.r)
		if err != nil {
			t.Fatal(err)
		}
		if want := sddl.MustParse(c.want).SACL(); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", c.name, got.Slice(), want.Slice())
		}
	}
}

// TestMergeDeny: what is refused is taken from the grant with the same inheritance, whatever
// else the request's flags say: the mark of inheritance is not the caller's (SetEntriesInAcl).
func TestMergeDeny(t *testing.T) {
	for _, c := range []struct {
		name, old, want string
		inheritance     uint8
	}{
		{"a part", "D:(A;;CCDC;;;WD)", "D:(D;;CC;;;WD)(A;;DC;;;WD)", 0},
		{"all", "D:(A;;CC;;;WD)", "D:(D;;CC;;;WD)", 0},
		{"of another inheritance", "D:(A;CI;CCDC;;;WD)", "D:(D;;CC;;;WD)(A;CI;CCDC;;;WD)", 0},
		{"of the same", "D:(A;CI;CCDC;;;WD)", "D:(D;CI;CC;;;WD)(A;CI;DC;;;WD)", sd.ContainerInherit},
		{"with bits that are not the caller's", "D:(A;CI;CCDC;;;WD)", "D:(D;CI;CC;;;WD)(A;CI;DC;;;WD)",
			sd.ContainerInherit | sd.Inherited | sd.SuccessfulAccess},
	} {
		got, err := sd.Merge(sddl.MustParse(c.old).DACL(), sd.Explicit{Mode: sd.DenyAccess, Mask: 1,
			Inheritance: c.inheritance, Trustee: sid.Everyone})
		if err != nil {
			t.Fatal(err)
		}
		if want := sddl.MustParse(c.want).DACL(); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", c.name, got.Slice(), want.Slice())
		}
	}
}

// TestResourceManagerControl: the byte counts where its flag says so, and only there.
func TestResourceManagerControl(t *testing.T) {
	b := sddl.MustParse("O:BAG:SY").Append(nil)
	for _, flag := range []sd.Control{0, sd.RMControlValid} {
		in := append([]byte(nil), b...)
		in[1], in[3] = 0x5A, byte((sd.SelfRelative|flag)>>8)
		d, err := sd.Decode(in)
		want := uint8(0)
		if flag != 0 {
			want = 0x5A
		}
		if err != nil || d.RMControl() != want || d.Parts().RMControl != want {
			t.Errorf("control %v: %#x, %v, want %#x", flag, d.RMControl(), err, want)
		}
	}
}

// TestFactsOfEntries: each kind of entry that changes how a list is walked is found
// out, and an entry that only children inherit is not.
func TestFactsOfEntries(t *testing.T) {
	for text, want := range map[string]sd.Facts{
		"D:(A;;GA;;;WD)": 0, "D:(A;;GA;;;OW)": sd.HasOwnerRights, "D:(D;;GA;;;OW)": sd.HasOwnerRights,
		"D:(A;;GA;;;PS)": sd.HasPrincipalSelf, "D:(A;;GA;;;WD)(D;;GA;;;PS)": sd.HasPrincipalSelf,
		"D:(A;IOCI;GA;;;OW)": 0, "D:(A;IOCI;GA;;;PS)": 0, "D:(A;CI;GA;;;OW)": sd.HasOwnerRights,
		"D:(A;;GA;;;OW)(A;;GA;;;PS)": sd.HasOwnerRights | sd.HasPrincipalSelf,
	} {
		const both = sd.HasOwnerRights | sd.HasPrincipalSelf
		if got := sddl.MustParse(text).DACL().Facts() & both; got != want {
			t.Errorf("%s: %#x, want %#x", text, got, want)
		}
	}
	for text, want := range map[string]sd.Facts{
		"S:(ML;;NW;;;HI)": sd.HasMandatoryLabel, "S:(ML;IOCI;NW;;;HI)": 0, "S:(AU;SA;GA;;;WD)": 0,
		"S:(SP;;;;;S-1-17-1)": sd.HasScopedPolicy, `S:(RA;;;;;WD;("x",TI,0,1))`: sd.HasResourceAttribute,
		`S:(RA;OICIIO;;;;WD;("x",TI,0,1))`: 0,
	} {
		const all = sd.HasMandatoryLabel | sd.HasScopedPolicy | sd.HasResourceAttribute
		if got := sddl.MustParse(text).SACL().Facts() & all; got != want {
			t.Errorf("%s: %#x, want %#x", text, got, want)
		}
	}
}
