package sd_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

func TestAddACEChecksInOrder(t *testing.T) { // S-19
	b := make([]byte, 8+20+20+28)
	sd.CreateACL(b, 2)
	bad := bytes.Clone(b)
	bad[2] = 6
	guid := winnt.GUID{1}
	for _, c := range []struct {
		id        string
		got, want ntstatus.Status
	}{
		{"invalid SID before all", sd.AddACE(bad, 9, sd.AccessAllowed, 0xFF, 1, sid.SID{}), ntstatus.InvalidSID},
		{"revision before flags", sd.AddACE(bad, 5, sd.AccessAllowed, 0xFF, 1, sid.Everyone), ntstatus.RevisionMismatch},
		{"object entry, revision 2", sd.AddACE(b, 2, sd.AccessAllowedObject, 0, 1, sid.Everyone,
			sd.ACEExtra{ObjectType: &guid}), ntstatus.RevisionMismatch},
		{"flags before the list", sd.AddACE(bad, 2, sd.AccessAllowed, sd.SuccessfulAccess, 1, sid.Everyone),
			ntstatus.InvalidParameter},
		{"bad list", sd.AddACE(bad, 2, sd.AccessAllowed, 0, 1, sid.Everyone), ntstatus.InvalidACL},
		{"audit flags", sd.AddACE(b, 4, sd.SystemAudit, sd.SuccessfulAccess|sd.FailedAccess, 2, sid.Everyone),
			ntstatus.Success},
		{"allowed", sd.AddACE(b, 2, sd.AccessAllowed, sd.ObjectInherit, 1, sid.Everyone), ntstatus.Success},
		{"no room", sd.AddACE(b, 2, sd.AccessAllowed, 0, 1, sid.MustParse("S-1-5-21-1-2-3-4")),
			ntstatus.AllottedSpaceExceeded},
	} {
		check.Equal(t, c.got, c.want, "AddACE, %s", c.id)
	}
	l, _, err := sd.DecodeACL(b)
	check.RequireThat(t, err == nil && l.Len() == 2 && l.Revision() == 4 && l.At(1).Mask() == 1,
		"list after the additions: %v, %x, want 2 entries in revision 4", err, b)
}

// The zero values and nil behave as empty descriptors, lists and entries.
func TestZeroValuesAreEmpty(t *testing.T) {
	var d *sd.Descriptor
	var l *sd.ACL
	empty := new(sd.ACL)
	check.That(t, !d.HasDACL() && d.DACL() == nil && d.SACL() == nil && d.Owner().IsZero() && d.Group().IsZero() &&
		d.OwnerHash() == 0 && d.Control() == sd.SelfRelative && sd.New(sd.Parts{}).Control() == sd.SelfRelative &&
		len(d.Binary()) == 20 && d.HeapSize() == 0 && d.Clone() == nil && sd.Reinherit(d, nil, nil) == nil &&
		!l.OnlyLabels() && !empty.OnlyLabels() && l.Len() == 0 && l.Size() == 0 && l.Revision() == 0 &&
		l.Binary() == "" && empty.Len() == 0 &&
		len(empty.Binary()) == 8 && empty.Revision() == 2, "a zero descriptor or list has contents, want none")
	check.That(t, d.Equal(sd.New(sd.Parts{})) && !l.Equal(empty),
		"Equal of zero values: want nil equal to a descriptor without parts, and a nil and an empty list different")
	zero, explicit := new(sd.Descriptor), sd.New(sd.Parts{DACL: empty})
	check.That(t, zero.HasDACL() && zero.DACL() != nil && zero.Control() == explicit.Control() && zero.Equal(explicit) &&
		zero.Size() == explicit.Size() && bytes.Equal(zero.Binary(), explicit.Binary()) && zero.Clone().Equal(explicit),
		"the zero descriptor is %x, want the empty DACL of %x", zero.Binary(), explicit.Binary())
	check.That(t, sd.Type(0x16).String() == "ACE_TYPE(0x16)" && sd.AccessAllowed.String() == "ACCESS_ALLOWED_ACE_TYPE",
		"names of the types = %v, %v, want ACE_TYPE(0x16), ACCESS_ALLOWED_ACE_TYPE", sd.Type(0x16), sd.AccessAllowed)
}

// S-19, C-60: the limits of the Rtl* routines from both sides, with each error status. A refused call changes nothing.
func TestACLRoutinesCheckTheirBounds(t *testing.T) {
	list := func(room int) []byte {
		b := make([]byte, 8+room)
		sd.CreateACL(b, 2)
		return b
	}
	broken := list(20)
	binary.LittleEndian.PutUint16(broken[4:], 1) // an entry of no bytes
	later := list(20)
	later[0] = 5
	full := func(n int) []byte {
		b := list(20 * n)
		for i := range n {
			check.Success(t, sd.AddACE(b, 2, sd.AccessAllowed, 0, winnt.AccessMask(i+1), sid.Everyone))
		}
		return b
	}
	six := list(28) // an entry of an unknown type with six bytes, and room for one of 20
	copy(six[2:], []byte{34, 0, 1, 0, 0, 0, 0x7F, 0, 6})
	one := sddl.MustParse("D:(A;;CC;;;WD)").DACL().At(0)
	add := func(b []byte) ntstatus.Status { return sd.AddACE(b, 2, sd.AccessAllowed, 0, 1, sid.Everyone) }
	insert := func(at uint32) func([]byte) ntstatus.Status {
		return func(b []byte) ntstatus.Status { return sd.InsertACEs(b, 2, at, []byte(one.Binary())) }
	}
	remove := func(at uint32) func([]byte) ntstatus.Status {
		return func(b []byte) ntstatus.Status { return sd.DeleteACE(b, at) }
	}
	get := func(at uint32) func([]byte) ntstatus.Status {
		return func(b []byte) ntstatus.Status { _, _, st := sd.GetACE(b, at); return st }
	}
	for name, c := range map[string]struct {
		b    []byte
		f    func([]byte) ntstatus.Status
		want ntstatus.Status
	}{
		"add, room for one":         {list(20), add, ntstatus.Success},
		"add, a word too little":    {list(16), add, ntstatus.AllottedSpaceExceeded},
		"add, no room":              {list(0), add, ntstatus.AllottedSpaceExceeded},
		"add to no bytes":           {nil, add, ntstatus.InvalidACL},
		"add to a later revision":   {later, add, ntstatus.RevisionMismatch},
		"add to a broken list":      {broken, add, ntstatus.InvalidACL},
		"insert, room for one":      {list(20), insert(0), ntstatus.Success},
		"insert behind six bytes":   {bytes.Clone(six), insert(1), ntstatus.Success},
		"insert, too little":        {list(16), insert(0), ntstatus.BufferTooSmall},
		"insert into a broken list": {broken, insert(0), ntstatus.InvalidParameter},
		"insert into no bytes":      {nil, insert(0), ntstatus.InvalidParameter},
		"insert half an entry": {list(20), func(b []byte) ntstatus.Status {
			return sd.InsertACEs(b, 2, 0, []byte(one.Binary())[:16])
		}, ntstatus.InvalidParameter},
		"remove the first":          {full(2), remove(0), ntstatus.Success},
		"remove the last":           {full(2), remove(1), ntstatus.Success},
		"remove after the last":     {full(2), remove(2), ntstatus.InvalidParameter},
		"remove of none":            {list(20), remove(0), ntstatus.InvalidParameter},
		"remove of a broken list":   {broken, remove(0), ntstatus.InvalidParameter},
		"remove far after the last": {full(2), remove(^uint32(0)), ntstatus.InvalidParameter},
		"get the last": {full(2), func(b []byte) ntstatus.Status {
			got, at, st := sd.GetACE(b, 1)
			check.That(t, got == one.WithMask(2) && at == 28, "GetACE(1) = %x at %d, want the second, at 28", got.Binary(), at)
			return st
		}, ntstatus.Success},
		"get behind six bytes, then remove these": {six, func(b []byte) ntstatus.Status {
			check.Success(t, add(b))
			got, at, st := sd.GetACE(b, 1)
			check.That(t, got == one && at == 14, "GetACE(1) = %x at %d, want the added entry, at 14", got.Binary(), at)
			check.Success(t, sd.DeleteACE(b, 0))
			got, at, _ = sd.GetACE(b, 0)
			check.That(t, got == one && at == 8, "GetACE(0) = %x at %d, want the added entry, at 8", got.Binary(), at)
			return st
		}, ntstatus.Success},
		"get after the last":   {full(2), get(2), ntstatus.InvalidParameter},
		"get of none":          {list(20), get(0), ntstatus.InvalidParameter},
		"get of a broken list": {broken, get(0), ntstatus.InvalidParameter},
	} {
		before := bytes.Clone(c.b)
		check.Equal(t, c.f(c.b), c.want, "%s", name)
		check.That(t, c.want == ntstatus.Success || bytes.Equal(c.b, before),
			"%s: refused call changed the list:\n% x\n% x, want no change", name, before, c.b)
	}
	for at, want := range map[uint32][]winnt.AccessMask{0: {9, 1, 2}, 1: {1, 9, 2}, 2: {1, 2, 9}, 3: {1, 2, 9},
		^uint32(0): {1, 2, 9}} { // an index behind the last entry is the end
		b := append(full(2), make([]byte, 20)...)
		b[2] += 20
		b[0] = 4 // stays, because it is above the revision of the call
		check.Success(t, sd.InsertACEs(b, 2, at, []byte(one.WithMask(9).Binary())))
		l, _, err := sd.DecodeACL(b)
		check.That(t, err == nil && l.Revision() == 4 && l.Len() == 3 && l.At(0).Mask() == want[0] &&
			l.At(1).Mask() == want[1] && l.At(2).Mask() == want[2],
			"list after inserting at %d: %v, %v, want masks %v", at, l.Slice(), err, want)
	}
	for at, want := range [][]winnt.AccessMask{{2, 3}, {1, 3}, {1, 2}} {
		b := full(3)
		check.Success(t, sd.DeleteACE(b, uint32(at)))
		l, _, err := sd.DecodeACL(b)
		check.That(t, err == nil && l.Len() == 2 && l.At(0).Mask() == want[0] && l.At(1).Mask() == want[1] &&
			bytes.Equal(b[len(b)-20:], make([]byte, 20)), // the bytes of the entry become zero (S-16)
			"S-16: list after deleting entry %d: %x, %v, want masks %v, then zeros", at, b, err, want)
	}
	for _, n := range []int{255, 256, 257} { // the number of entries needs its second byte
		b := append(full(n), make([]byte, 20)...)
		binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
		check.Success(t, sd.AddACE(b, 2, sd.AccessAllowed, 0, winnt.AccessMask(n+1), sid.Everyone))
		check.Success(t, sd.DeleteACE(b, 0))
		check.Success(t, sd.InsertACEs(b, 3, uint32(n-1), []byte(one.WithMask(9).Binary())))
		l, _, err := sd.DecodeACL(b)
		check.That(t, err == nil && l.Revision() == 3 && l.Len() == n+1 && l.At(0).Mask() == 2 && l.At(n-1).Mask() == 9 &&
			l.At(n).Mask() == winnt.AccessMask(n+1), "list of %d entries: %v, %v, want masks from 2, then 9 and %d", n+1,
			l.Slice(), err, n+1)
		got, at, st := sd.GetACE(b, uint32(n))
		check.That(t, st == ntstatus.Success && at == 8+20*n && got.Mask() == winnt.AccessMask(n+1),
			"GetACE(%d) = %x at %d, %v, want the last entry", n, got.Binary(), at, st)
	}
	for size, want := range map[int]ntstatus.Status{0: ntstatus.BufferTooSmall, 7: ntstatus.BufferTooSmall,
		8:     ntstatus.Success,
		10:    ntstatus.Success,
		65535: ntstatus.Success, 65536: ntstatus.InvalidParameter} {
		for revision, ok := range map[uint32]bool{1: false, 2: true, 3: true, 4: true, 5: false} {
			want := want
			if want == ntstatus.Success && !ok {
				want = ntstatus.InvalidParameter
			}
			b := bytes.Repeat([]byte{0xFF}, size)
			check.Equal(t, sd.CreateACL(b, revision), want, "CreateACL with %d bytes, revision %d", size, revision)
			stored := map[int]uint16{8: 8, 10: 12, 65535: 65532}[size]
			header := []byte{byte(revision), 0, byte(stored), byte(stored >> 8), 0, 0, 0, 0}
			check.That(t, want != ntstatus.Success || bytes.HasPrefix(b, header),
				"C-60: CreateACL with %d bytes does not write the header % x", size, header)
		}
	}
}
