package sd_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A compound entry has header, mask, COMPOUND_ACE_IMPERSONATION and two reserved bytes, then the server's and the
// client's SID (COMPOUND_ACCESS_ALLOWED_ACE in ntifs.h).
func TestCompoundEntryHasDocumentedBytes(t *testing.T) {
	a, err := sd.NewACE(sd.AccessAllowedCompound, sd.ContainerInherit, 0x01020304, sid.Everyone,
		sd.ACEExtra{ClientSID: sid.LocalSystem, AppData: []byte("data")})
	want := "\x04\x02\x28\x00" + "\x04\x03\x02\x01" + "\x01\x00\x00\x00" + sid.Everyone.Binary() +
		sid.LocalSystem.Binary() + "data"
	check.That(t, err == nil && a.Binary() == want, "%x, %v, want %x", a.Binary(), err, want)
	check.Equal(t, a.AppData(), "data", "application data")
}

// The functions that build entries and lists refuse invalid parts, and choose the lowest sufficient revision (S-12,
// S-16, S-17).
func TestBuiltEntriesAndListsAreValid(t *testing.T) {
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
		{"second GUID on a plain type", sd.AccessAllowed, sid.Everyone, sd.ACEExtra{InheritedObjectType: &guid},
			ntstatus.InvalidParameter},
		{"S-17", sd.AccessAllowed, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 65536)}, ntstatus.AllottedSpaceExceeded},
	} {
		_, err := sd.NewACE(c.t, 0, 1, c.s, c.extra)
		check.That(t, err != nil && isStatus(err, c.want), "NewACE, %s: %v, want %v", c.id, err, c.want)
	}
	plain, _ := sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone)
	object, _ := sd.NewACE(sd.AccessDeniedObject, 0, 1, sid.Everyone,
		sd.ACEExtra{ObjectType: &guid, InheritedObjectType: &guid})
	if g, ok := object.InheritedObjectType(); !ok || g != guid || object.ObjectFlags() != 3 {
		t.Error("S-12: inherited object type of the entry is wrong, want the second GUID")
	}
	l, _ := sd.NewACL(plain)
	check.Equal(t, l.Revision(), 2, "S-16: revision of a list of plain entries")
	l, _ = sd.NewACL(plain, object)
	check.That(t, l.Revision() == 4, "S-16: revision of a list with an object entry = %d, want 4", l.Revision())
	many := make([]sd.ACE, 3276)
	for i := range many {
		many[i] = plain
	}
	// A list has at most 65532 bytes (S-17).
	if l, err := sd.NewACL(many...); err != nil || l.Size() != 65528 {
		t.Error(err)
	}
	if _, err := sd.NewACL(append(many, plain)...); !isStatus(err, ntstatus.AllottedSpaceExceeded) {
		t.Errorf("S-17: list with one entry too many: %v, want STATUS_ALLOTTED_SPACE_EXCEEDED", err)
	}
	if _, err := sd.NewACL(sd.ACE{}); !isStatus(err, ntstatus.InvalidParameter) {
		t.Error(err)
	}
	if _, err := sd.RawACE(sd.AccessAllowed, 0, []byte{1}); !isStatus(err, ntstatus.InvalidACL) {
		t.Error(err)
	}
	const most = sd.MaxACLSize - 8 - 4 // a list with this entry alone: both headers are left out
	a, err := sd.RawACE(0x99, 0, make([]byte, most))
	check.That(t, err == nil, "S-17: largest entry: %v, want no error", err)
	if l, err := sd.NewACL(a); err != nil || l.Size() != sd.MaxACLSize {
		t.Errorf("S-17: list of the largest entry: %v, %d bytes, want nil, %d", err, l.Size(), sd.MaxACLSize)
	}
	longer := sd.ACEExtra{AppData: make([]byte, most+4-20+1)}
	_, err = sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, longer)
	check.That(t, isStatus(err, ntstatus.AllottedSpaceExceeded), "S-17: an entry that is one byte longer: %v", err)
	// The longest entry with a SID of one part has no room for a SID of two.
	full, err := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, most+4-20)})
	check.NoError(t, err)
	if got := full.WithSID(sid.Users); !got.IsZero() {
		t.Errorf("S-17: largest entry with a longer SID has %d bytes, want the zero entry", len(got.Binary()))
	}
	got := full.WithSID(sid.LocalSystem)
	check.That(t, got.SID() == sid.LocalSystem && len(got.Binary()) == most+4,
		"S-17: largest entry with an equally long SID: %v, %d bytes, want it replaced", got.SID(), len(got.Binary()))
	for _, n := range []int{most + 4, most + 65536} {
		_, err := sd.RawACE(0x99, 0, make([]byte, n))
		check.That(t, isStatus(err, ntstatus.InvalidACL), "S-17: entry of %d bytes: %v, want STATUS_INVALID_ACL", n+4, err)
	}
}
