package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The maximal access of a new object is limited by the labels of its descriptor, including the rights that its
// directory grants (F-42, F-45).
func TestLabelsLimitMaximalAccessOfNewObject(t *testing.T) {
	for name, c := range map[string]struct {
		creator string
		want    winnt.AccessMask
	}{
		// The directory grants DELETE and FILE_READ_ATTRIBUTES. The creator owns the object and so has its two
		// rights.
		"no entries": {"D:", winnt.READ_CONTROL | winnt.WRITE_DAC | winnt.DELETE | winnt.FILE_READ_ATTRIBUTES},
		"above":      {"D:S:(ML;;NWNRNX;;;HI)", 0},
	} {
		s := fromBoth(t, sid.MediumLevel, winnt.SeRelabelPrivilege)
		d := fileaccess.Open(&fileaccess.Request{Subject: s, Name: "f", Desired: 1, Disposition: fileaccess.FileCreate,
			Share: 7, Attributes: fileaccess.AttributeNormal, Maximal: true, CreatorSD: sddl.MustParse(c.creator)},
			&fileaccess.Facts{Parent: &fileaccess.Directory{Name: "P", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")},
				Object: fileaccess.Object{Descriptor: sd.NoSecurity}})
		check.That(t, d.Max.Access == c.want && d.Max.Allowed() == (c.want != 0),
			"maximal access of a new object, %s: %+v, want %v", name, d.Max, c.want)
	}
}

// The maximal access of a new object comes from its descriptor. Maximal returns the same without an open (F-45).
func TestMaximalAccessOfNewObjectIsItsDescriptors(t *testing.T) {
	d, _ := open(t, maxAllowed, create, missing, askMax, p("(A;;0x2;;;U)(A;OI;FR;;;G)"))
	check.That(t, d.Granted == 0x1F01FF && d.Max.Access == 0x160089, // FILE_GENERIC_READ and the owner's two rights
		"F-45: granted %v, maximal access %+v; want 0x1F01FF, 0x160089", d.Granted, d.Max)
	_, s := open(t, 1, share("0x1301BF"), isReadOnly)
	check.Equal(t, fileaccess.Maximal(&s.r.Subject, s.f), (fileaccess.MaximalAccess{Access: 0x1301BF,
		Verdict: ntstatus.Decided(ntstatus.Success)}), "F-45: Maximal with a share")
	got := fileaccess.Maximal(&access.Subject{}, s.f)
	check.That(t, got.Status() == ntstatus.NoToken, "Maximal without a subject = %+v, want %v", got, ntstatus.NoToken)
	s.r.Subject.Level = winnt.SecurityIdentification
	if got := fileaccess.Maximal(&s.r.Subject, s.f); got.Status() != ntstatus.BadImpersonationLevel {
		t.Errorf("Maximal at SecurityIdentification = %+v, want %v", got, ntstatus.BadImpersonationLevel)
	}
}

// Opens for attributes only do not conflict with other opens (F-49).
func TestAttributeOpensShareEveryMode(t *testing.T) {
	for m, want := range map[winnt.AccessMask]bool{1: true, 2: true, 4: true, 0x20: true, 0x10000: true,
		0x100080: false, 0x60198: false} {
		check.Equal(t, fileaccess.SharesModes(m), want, "F-49: SharesModes(%v)", m)
	}
}
