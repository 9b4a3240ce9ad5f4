package sd_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// entryParts are all parts of an entry.
type entryParts struct {
	typ           sd.Type
	flags         uint8
	mask          winnt.AccessMask
	who           sid.SID
	object, class winnt.GUID // zero: none
	data          string
}

func (e entryParts) ace(t *testing.T) sd.ACE {
	t.Helper()
	x := sd.ACEExtra{AppData: []byte(e.data)}
	if e.object != (winnt.GUID{}) {
		x.ObjectType = &e.object
	}
	if e.class != (winnt.GUID{}) {
		x.InheritedObjectType = &e.class
	}
	a, err := sd.NewACE(e.typ, e.flags, e.mask, e.who, x)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func partsOf(a sd.ACE) entryParts {
	e := entryParts{typ: a.Type(), flags: a.Flags(), mask: a.Mask(), who: a.SID(), data: a.AppData()}
	e.object, _ = a.ObjectType()
	e.class, _ = a.InheritedObjectType()
	return e
}

// plainTypes has the types that entries for a class get where they name nothing else (S-69): MS-DTYP 2.4.4.1 has
// the numbers.
var plainTypes = map[sd.Type]sd.Type{0x05: 0x00, 0x06: 0x01, 0x07: 0x02, 0x08: 0x03, 0x0B: 0x09, 0x0C: 0x0A, 0x0F: 0x0D,
	0x10: 0x0E}

// inherited is S-65 to S-69 on the parts of an entry, for an object of a class whose owner is SYSTEM.
func (e entryParts) inherited(class winnt.GUID, container, auto bool) []entryParts {
	flags, effective, ok := inheritTwin(e.flags, container)
	if !ok {
		return nil
	}
	if effective && e.class != (winnt.GUID{}) && e.class != class {
		if flags&3 == 0 {
			return nil
		}
		flags, effective = flags|8, false
	}
	if auto {
		flags |= 0x10
	}
	e.flags = flags
	if !effective {
		return []entryParts{e}
	}
	now := e
	now.mask = winnt.FileObject.Mapping.Map(e.mask)
	if e.who == sid.CreatorOwner {
		now.who = sid.LocalSystem
	}
	if e.class != (winnt.GUID{}) {
		now.class = winnt.GUID{}
		if e.object == (winnt.GUID{}) {
			now.typ = plainTypes[e.typ]
		}
	}
	if !container || flags&3 == 0 || now == e {
		return []entryParts{now}
	}
	now.flags = flags &^ 7
	e.flags |= 8
	return []entryParts{now, e}
}

// TestInheritEveryType: what a leaf and a container inherit of an entry of each type that MS-DTYP 2.4.4 has for
// lists, with each of the flags, for their class, another or none, with data or without (S-65 to S-69).
func TestInheritEveryType(t *testing.T) {
	mine, other := winnt.GUID{1}, winnt.GUID{2}
	var all []entryParts
	for _, typ := range []sd.Type{0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C,
		0x0D, 0x0E, 0x0F, 0x10} {
		e := entryParts{typ: typ, mask: winnt.GENERIC_READ | 2, who: sid.CreatorOwner}
		if typ >= 0x09 {
			e.data = "data"
		}
		plain := e
		plain.mask, plain.who = 2, sid.Everyone
		all = append(all, e, plain)
		if _, typed := plainTypes[typ]; typed {
			for _, of := range []winnt.GUID{mine, other} {
				e.class = of
				all = append(all, e)
				e.object, plain.class = winnt.GUID{3}, of
				all = append(all, e, plain)
				e.object = winnt.GUID{}
			}
		}
	}
	for _, e := range all {
		for flags := range 256 {
			e.flags = uint8(flags) &^ 0x10
			for _, container := range []bool{false, true} {
				for _, auto := range []bool{false, true} {
					l, err := sd.NewACL(e.ace(t))
					if err != nil {
						t.Fatal(err)
					}
					var got []entryParts
					for _, a := range sd.Inherit(l, &sd.Heir{Container: container, ObjectTypes: []winnt.GUID{{9}, mine},
						Owner: sid.LocalSystem, Group: sid.Users, Mapping: &winnt.FileObject.Mapping}, auto) {
						got = append(got, partsOf(a))
					}
					if want := e.inherited(mine, container, auto); !slices.Equal(got, want) {
						t.Fatalf("container %t, auto %t, of %+v:\n got %+v\nwant %+v", container, auto, e, got, want)
					}
				}
			}
		}
	}
}

// TestAssignControlBits: which bits the product has, of a creator's descriptor with each of its bits and each
// kind of inheritance (S-64).
func TestAssignControlBits(t *testing.T) {
	const kept = sd.RMControlValid | sd.DACLProtected | sd.SACLProtected | sd.DACLAutoInheritRequest |
		sd.SACLAutoInheritRequest
	parent := parse("D:(A;OICI;CC;;;SY)S:(AU;OICISA;CC;;;SY)")
	parts := parse("D:(A;;RC;;;BA)S:(AU;SA;RC;;;BA)").Parts()
	marks := []sd.Control{sd.OwnerDefaulted, sd.GroupDefaulted, sd.DACLDefaulted, sd.SACLDefaulted,
		sd.DACLAutoInheritRequest, sd.SACLAutoInheritRequest, sd.DACLAutoInherited, sd.SACLAutoInherited,
		sd.DACLProtected, sd.SACLProtected, sd.RMControlValid}
	for set := range 1 << len(marks) {
		p := parts
		for i, m := range marks {
			if set>>i&1 != 0 {
				p.Control |= m
			}
		}
		if p.RMControl = 0; p.Control&sd.RMControlValid != 0 {
			p.RMControl = 9
		}
		for _, flags := range []sd.AutoInherit{0, sd.DACLAutoInherit, sd.SACLAutoInherit, sd.DACLAutoInherit |
			sd.SACLAutoInherit} {
			want := p.Control&kept | sd.SelfRelative | sd.DACLPresent | sd.SACLPresent
			if flags&sd.DACLAutoInherit != 0 && p.Control&sd.DACLProtected == 0 {
				want |= sd.DACLAutoInherited
			}
			if flags&sd.SACLAutoInherit != 0 && p.Control&sd.SACLProtected == 0 {
				want |= sd.SACLAutoInherited
			}
			d, st := sd.Assign(&sd.AssignRequest{Parent: parent, Creator: sd.New(p), Subject: caller(),
				Flags: flags | sd.AvoidPrivilegeCheck})
			if got := fmt.Sprintf("%v %#x %d", st, d.Control(), d.RMControl()); got != fmt.Sprintf("%v %#x %d",
				ntstatus.Success, want, p.RMControl) {
				t.Fatalf("of %#x with %#x: %s, want %#x", p.Control, flags, got, want)
			}
		}
	}
}
