package sd_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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
	return check.Must(sd.NewACE(e.typ, e.flags, e.mask, e.who, x))
}

func partsOf(a sd.ACE) entryParts {
	e := entryParts{typ: a.Type(), flags: a.Flags(), mask: a.Mask(), who: a.SID(), data: a.AppData()}
	e.object, _ = a.ObjectType()
	e.class, _ = a.InheritedObjectType()
	return e
}

// plainTypes has the type that an entry for an object class gets if it names no other GUID (S-69). The numbers are in
// MS-DTYP 2.4.4.1.
var plainTypes = map[sd.Type]sd.Type{0x05: 0x00, 0x06: 0x01, 0x07: 0x02, 0x08: 0x03, 0x0B: 0x09, 0x0C: 0x0A, 0x0F: 0x0D,
	0x10: 0x0E}

// inherited implements S-65 to S-69 on the parts of an entry, for an object of a class whose owner is SYSTEM.
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

// TestEveryTypeIsInheritedLikeTwin checks the inheritance of a leaf and a container for each entry type of MS-DTYP
// 2.4.4, with each flag, for their class, another or none, with data or without (S-65 to S-69).
func TestEveryTypeIsInheritedLikeTwin(t *testing.T) {
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
					l := check.Must(sd.NewACL(e.ace(t)))
					var got []entryParts
					for _, a := range sd.Inherit(l, &sd.Heir{Container: container, ObjectTypes: []winnt.GUID{{9}, mine},
						Owner: sid.LocalSystem, Group: sid.Users, Mapping: &winnt.FileObject.Mapping}, auto) {
						got = append(got, partsOf(a))
					}
					if want := e.inherited(mine, container, auto); !slices.Equal(got, want) {
						t.Fatalf("container %t, auto %t, entry %+v:\n got %+v\nwant %+v", container, auto, e, got, want)
					}
				}
			}
		}
	}
}

// inheritTwin implements S-66, with one case for each row.
func inheritTwin(flags uint8, container bool) (child uint8, effective, ok bool) {
	rows := map[uint8][2]string{ // leaf, container
		0x0: {"-", "-"}, 0x1: {"", "OIIO"}, 0x5: {"", "-"}, 0x2: {"-", "CI"}, 0x6: {"-", ""}, 0x3: {"", "OICI"},
		0x7: {"", ""}, 0x4: {"-", "-"},
	}
	cell := rows[flags&0x7][0]
	if container {
		cell = rows[flags&0x7][1]
	}
	keep := flags & 0xE0
	switch cell {
	case "-":
		return 0, false, false
	case "OIIO":
		return keep | 0x9, false, true
	case "CI":
		return keep | 0x2, true, true
	case "OICI":
		return keep | 0x3, true, true
	}
	return keep, true, true
}

func TestInheritFlagsMatchTwin(t *testing.T) {
	for f := range 256 {
		for _, container := range []bool{false, true} {
			a, b, c := sd.InheritFlags(uint8(f), container)
			x, y, z := inheritTwin(uint8(f), container)
			if a != x || b != y || c != z {
				t.Errorf("InheritFlags(%#x, container %v) = %#x, %v, %v, want %#x, %v, %v as the twin",
					f, container, a, b, c, x, y, z)
			}
		}
	}
}
