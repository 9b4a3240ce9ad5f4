package sd_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestKindsOfTypes: what each of the 256 types is: one that grants, denies, belongs in a
// SACL, is an audit, has object types or application data. The rest is nothing
// (MS-DTYP 2.4.4.1).
func TestKindsOfTypes(t *testing.T) {
	// A grants, D denies, S belongs in a SACL, U audits, O has object types, C is conditional.
	kinds := map[sd.Type]string{0: "A", 1: "D", 2: "SU", 3: "S", 4: "A", 5: "AO", 6: "DO", 7: "SUO", 8: "SO", 9: "AC",
		10: "DC", 11: "AOC", 12: "DOC", 13: "SUC", 14: "SC", 15: "SUOC", 16: "SOC", 17: "S", 18: "S", 19: "S", 20: "S",
		21: "SC"}
	for i := range 256 {
		typ := sd.Type(i)
		var b strings.Builder
		for _, k := range []struct {
			is     bool
			letter string
		}{{typ.IsAllow(), "A"}, {typ.IsDeny(), "D"}, {typ.IsSystem(), "S"}, {typ.IsAudit(), "U"}, {typ.IsObject(), "O"},
			{typ.IsCallback(), "C"}} {
			if k.is {
				b.WriteString(k.letter)
			}
		}
		if got := b.String(); got != kinds[typ] {
			t.Errorf("S-14: type %d (%v) is %q, want %q", i, typ, got, kinds[typ])
		}
	}
}

// TestNilDescriptor: no descriptor has nothing.
func TestNilDescriptor(t *testing.T) {
	var d *sd.Descriptor
	if !d.Owner().IsZero() || !d.Group().IsZero() || d.OwnerHash() != 0 || d.DACL() != nil || d.SACL() != nil ||
		d.Control() != sd.SelfRelative || d.HasDACL() {
		t.Errorf("no descriptor has control %#x", d.Control())
	}
}

// TestDeletedEntryLeavesNothing: the bytes that a deleted entry frees are zero, whichever
// entry it was, and the others stand as they did (S-16).
func TestDeletedEntryLeavesNothing(t *testing.T) {
	var entries []sd.ACE
	for i := range 4 {
		a, err := sd.NewACE(sd.AccessAllowed, 0, 0xF0F0F0F0+winnt.AccessMask(i), sid.Users)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, a)
	}
	whole, err := sd.NewACL(entries...)
	if err != nil {
		t.Fatal(err)
	}
	size := len(entries[0].Binary())
	for gone := range entries {
		b := []byte(whole.Binary())
		if st := sd.DeleteACE(b, uint32(gone)); st != ntstatus.Success {
			t.Fatal(st)
		}
		if rest := b[len(b)-size:]; !bytes.Equal(rest, make([]byte, size)) {
			t.Errorf("S-16: entry %d left %x", gone, rest)
		}
		at := 0
		for i, a := range entries {
			if i == gone {
				continue
			}
			if got, _, st := sd.GetACE(b, uint32(at)); st != ntstatus.Success || got != a {
				t.Errorf("S-16: without entry %d, entry %d is %x, %v", gone, at, got.Binary(), st)
			}
			at++
		}
		if _, _, st := sd.GetACE(b, 3); st != ntstatus.InvalidParameter {
			t.Errorf("S-16: a fourth entry: %v", st)
		}
	}
}

// TestLongestEntry: an entry fills a list of the largest size to its end, and one that is
// 4 bytes longer is not built (S-17).
func TestLongestEntry(t *testing.T) {
	const head = 8 + 12 // of the entry, with the SID of Everyone
	longest := sd.MaxACLSize - 8 - head
	for length, want := range map[int]bool{longest &^ 3: true, longest&^3 + 1: false, 0: true} {
		a, err := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, length)})
		if (err == nil) != want {
			t.Errorf("S-17: %d bytes of data: %v", length, err)
			continue
		}
		if err != nil {
			continue
		}
		if l, err := sd.NewACL(a); err != nil || l.Size() != 8+head+length {
			t.Errorf("S-17: a list of %d bytes of data: %v, %v", length, l, err)
		}
	}
}

// TestNoDefaultList: where neither the creator nor the parent nor the token has a list, the
// new object has none: it is open to all, not closed (S-63).
func TestNoDefaultList(t *testing.T) {
	d, st := sd.Assign(&sd.AssignRequest{Subject: &sd.Caller{Owner: sid.LocalSystem, Group: sid.LocalSystem},
		Mapping: &winnt.EventObject.Mapping})
	if st != ntstatus.Success || d.HasDACL() || d.Control()&sd.DACLPresent == 0 {
		t.Errorf("S-63: %v, a list: %t, control %#x", st, d.HasDACL(), d.Control())
	}
}

// TestPropagatedByObjectType: what is for one type of object is in force on objects of that
// type and only passed on by others (S-78).
func TestPropagatedByObjectType(t *testing.T) {
	one, other := winnt.GUID{1}, winnt.GUID{2}
	a, err := sd.NewACE(sd.AccessAllowedObject, sd.ContainerInherit, 1, sid.Users, sd.ACEExtra{InheritedObjectType: &one})
	if err != nil {
		t.Fatal(err)
	}
	list, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	parts := sd.Parts{Control: sd.DACLPresent, Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: list}
	empty, _ := sd.NewACL()
	child := sd.New(sd.Parts{Control: sd.DACLPresent | sd.DACLAutoInherited, Owner: sid.LocalSystem,
		Group: sid.LocalSystem, DACL: empty})
	root := &sd.Node{Name: "root", IsContainer: true, Descriptor: sd.New(parts), Children: []*sd.Node{
		{Name: "of it", IsContainer: true, Descriptor: child, ObjectTypes: []winnt.GUID{other, one}},
		{Name: "of another", IsContainer: true, Descriptor: child, ObjectTypes: []winnt.GUID{other}},
	}}
	inForce := map[string]bool{}
	for c := range sd.Propagate(root, &winnt.FileObject.Mapping) {
		for _, e := range c.After.DACL().Slice() {
			inForce[c.Path[0]] = inForce[c.Path[0]] || e.Flags()&sd.InheritOnly == 0
		}
	}
	if in, ok := inForce["of it"]; !ok || !in {
		t.Errorf("S-78: it is not in force on an object of its type (%t)", ok)
	}
	if in, ok := inForce["of another"]; !ok || in {
		t.Errorf("S-78: it is not only passed on by another (%t)", ok)
	}
}
