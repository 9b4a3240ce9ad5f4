package sd_test

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// C-60, S-19: the Rtl* routines on the caller's bytes.
func TestCreateACL(t *testing.T) {
	for _, c := range []struct {
		id       string
		size     int
		revision uint32
		want     ntstatus.Status
	}{
		{"C-60 size 7", 7, 2, ntstatus.BufferTooSmall}, {"C-60 rev 1", 8, 1, ntstatus.InvalidParameter},
		{"C-60 rev 5", 8, 5, ntstatus.InvalidParameter},
		{"C-60 size 65536", 65536, 2, ntstatus.InvalidParameter}, {"smallest", 8, 2, ntstatus.Success},
		{"rounded", 10, 4, ntstatus.Success},
	} {
		b := make([]byte, c.size)
		if st := sd.CreateACL(b, c.revision); st != c.want {
			t.Errorf("%s: %v, want %v", c.id, st, c.want)
		}
		if c.id == "rounded" && b[2] != 12 {
			t.Errorf("size %d, want 12", b[2])
		}
	}
}

func TestAddACE(t *testing.T) { // S-19
	b := make([]byte, 8+20+20+28)
	sd.CreateACL(b, 2)
	bad := bytes.Clone(b)
	bad[2] = 6
	guid := winnt.GUID{1}
	for _, c := range []struct {
		id   string
		got  ntstatus.Status
		want ntstatus.Status
	}{
		{"invalid SID before all", sd.AddACE(bad, 9, sd.AccessAllowed, 0xFF, 1, sid.SID{}), ntstatus.InvalidSID},
		{"revision before flags", sd.AddACE(bad, 5, sd.AccessAllowed, 0xFF, 1, sid.Everyone), ntstatus.RevisionMismatch},
		{"object entry, revision 2", sd.AddACE(b, 2, sd.AccessAllowedObject, 0, 1, sid.Everyone,
			sd.ACEExtra{ObjectType: &guid}), ntstatus.RevisionMismatch},
		{"flags before the list", sd.AddACE(bad, 2, sd.AccessAllowed, sd.SuccessfulAccess, 1, sid.Everyone),
			ntstatus.InvalidParameter},
		{"bad list", sd.AddACE(bad, 2, sd.AccessAllowed, 0, 1, sid.Everyone), ntstatus.InvalidACL},
		{"allowed", sd.AddACE(b, 2, sd.AccessAllowed, sd.ObjectInherit, 1, sid.Everyone), ntstatus.Success},
		{"audit flags", sd.AddACE(b, 4, sd.SystemAudit, sd.SuccessfulAccess|sd.FailedAccess, 2, sid.Everyone),
			ntstatus.Success},
		{"no room", sd.AddACE(b, 2, sd.AccessAllowed, 0, 1, sid.MustParse("S-1-5-21-1-2-3-4")),
			ntstatus.AllottedSpaceExceeded},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.id, c.got, c.want)
		}
	}
	l, _, err := sd.DecodeACL(b)
	if err != nil || l.Len() != 2 || l.Revision() != 4 || l.At(1).Mask() != 2 {
		t.Fatalf("%v: %x", err, b)
	}
	one, _, st := sd.GetACE(b, 1)
	if _, _, no := sd.GetACE(b, 2); st != ntstatus.Success || no != ntstatus.InvalidParameter || one != l.At(1) {
		t.Error(st, no)
	}
	if st := sd.InsertACEs(b, 2, 0, []byte(one.Binary())); st != ntstatus.Success {
		t.Error(st)
	}
	if st := sd.InsertACEs(b, 2, 0, []byte(one.Binary())); st != ntstatus.BufferTooSmall {
		t.Error(st)
	}
	if st := sd.DeleteACE(b, 1); st != ntstatus.Success {
		t.Error(st)
	}
	l, _, err = sd.DecodeACL(b)
	if err != nil || l.Len() != 2 || l.At(0) != one || l.At(1) != one {
		t.Errorf("%v: %x", err, b)
	}
	if sd.DeleteACE(b, 2) != ntstatus.InvalidParameter || sd.InsertACEs(b, 2, 0, []byte{1}) != ntstatus.InvalidParameter {
		t.Error("nonsense was accepted")
	}
}

// Recorded on a Windows file server: S-11.
func TestVectorsGenericMapping(t *testing.T) {
	for i, r := range recordings.Rows[struct{ Generic, Specific winnt.AccessMask }](t, "file_generic_mapping.jsonl") {
		if got := winnt.FileObject.Mapping.Map(r.Generic); got != r.Specific {
			t.Errorf("row %d: %v maps to %v, want %v", i, r.Generic, got, r.Specific)
		}
	}
}

// What a builder makes and refuses: S-12, S-16, S-17.
func TestBuild(t *testing.T) {
	guid := winnt.GUID{1}
	for _, c := range []struct {
		id    string
		t     sd.Type
		s     sid.SID
		extra sd.ACEExtra
		want  ntstatus.Status
	}{
		{"unknown type", 0x16, sid.Everyone, sd.ACEExtra{}, ntstatus.InvalidParameter},
		{"no SID", sd.AccessAllowed, sid.SID{}, sd.ACEExtra{}, ntstatus.InvalidSID},
		{"no client", sd.AccessAllowedCompound, sid.Everyone, sd.ACEExtra{}, ntstatus.InvalidSID},
		{"GUID on a plain type", sd.AccessAllowed, sid.Everyone, sd.ACEExtra{ObjectType: &guid}, ntstatus.InvalidParameter},
		{"S-17", sd.AccessAllowed, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 65536)}, ntstatus.AllottedSpaceExceeded},
	} {
		_, err := sd.NewACE(c.t, 0, 1, c.s, c.extra)
		if err == nil || !isStatus(err, c.want) {
			t.Errorf("%s: %v, want %v", c.id, err, c.want)
		}
	}
	plain, _ := sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone)
	object, _ := sd.NewACE(sd.AccessDeniedObject, 0, 1, sid.Everyone,
		sd.ACEExtra{ObjectType: &guid, InheritedObjectType: &guid})
	if g, ok := object.InheritedObjectType(); !ok || g != guid || object.ObjectFlags() != 3 {
		t.Error("S-12: the second GUID")
	}
	l, _ := sd.NewACL(plain)
	if l.Revision() != 2 {
		t.Error("S-16: revision of a plain list")
	}
	if l, _ = sd.NewACL(plain, object); l.Revision() != 4 {
		t.Error("S-16: revision of a list with an object entry")
	}
	many := make([]sd.ACE, 3276)
	for i := range many {
		many[i] = plain
	}
	if l, err := sd.NewACL(many...); err != nil || l.Size() != 65528 { // S-17
		t.Error(err)
	}
	if _, err := sd.NewACL(append(many, plain)...); !isStatus(err, ntstatus.AllottedSpaceExceeded) {
		t.Errorf("S-17: %v", err)
	}
	if _, err := sd.NewACL(sd.ACE{}); !isStatus(err, ntstatus.InvalidParameter) {
		t.Error(err)
	}
	if _, err := sd.RawACE(sd.AccessAllowed, 0, []byte{1}); !isStatus(err, ntstatus.InvalidACL) {
		t.Error(err)
	}
	const most = sd.MaxACLSize - 8 - 4 // a list with this entry alone: both headers are left out
	a, err := sd.RawACE(0x99, 0, make([]byte, most))
	if err != nil {
		t.Errorf("S-17: the largest entry: %v", err)
	}
	if l, err := sd.NewACL(a); err != nil || l.Size() != sd.MaxACLSize {
		t.Errorf("S-17: a list of the largest entry: %v, %d bytes", err, l.Size())
	}
	for _, n := range []int{most + 4, most + 65536} {
		if _, err := sd.RawACE(0x99, 0, make([]byte, n)); !isStatus(err, ntstatus.InvalidACL) {
			t.Errorf("S-17: an entry of %d bytes: %v", n+4, err)
		}
	}
}

// The zero values and nil do nothing surprising.
func TestZeroValues(t *testing.T) {
	var d *sd.Descriptor
	var l *sd.ACL
	var a sd.ACE
	empty := new(sd.ACL)
	if d.HasDACL() || d.DACL() != nil || !d.Owner().IsZero() || len(d.Binary()) != 20 || l.Len() != 0 ||
		l.Binary() != "" || empty.Len() != 0 || len(empty.Binary()) != 8 || empty.Revision() != 2 {
		t.Error("descriptor or list")
	}
	if !d.Equal(new(sd.Descriptor)) || l.Equal(empty) {
		t.Error("equality")
	}
	if a.Mask() != 0 || a.Flags() != 0 || !a.SID().IsZero() || a.AppData() != "" || a.WithFlags(1) != a ||
		a.WithMask(1) != a || a.WithSID(sid.Everyone) != a || l.At(0) != a {
		t.Error("entry")
	}
	if sd.Type(0x16).String() != "ACE_TYPE(0x16)" || sd.AccessAllowed.String() != "ACCESS_ALLOWED_ACE_TYPE" {
		t.Error("names of types")
	}
}
