package oracle_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
)

// TestDifferNamesPart changes one part of a descriptor at a time.
func TestDifferNamesPart(t *testing.T) {
	object := func(change func(d *oracle.Descriptor, a *oracle.ACE)) *oracle.Meaning {
		t.Helper()
		a := oracle.ACE{Flags: 1, Mask: 3, SID: "S-1-1-0"}
		d := &oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{}}
		change(d, &a)
		if d.DACL != nil && !d.DACL.Null {
			d.DACL.Entries = append(d.DACL.Entries, a)
		}
		m, err := oracle.Canon(d.Bytes(), false)
		check.NoError(t, err)
		return m
	}
	want := object(func(*oracle.Descriptor, *oracle.ACE) {})
	for text, change := range map[string]func(d *oracle.Descriptor, a *oracle.ACE){
		"owner: S-1-5-32-544, want S-1-5-18": func(d *oracle.Descriptor, _ *oracle.ACE) { d.Owner = "S-1-5-32-544" },
		"group: S-1-281474976710655-1, want none": func(d *oracle.Descriptor, _ *oracle.ACE) {
			d.Group = "S-1-281474976710655-1"
		},
		"DACL entry 0: flags 0x11, want 0x1": func(_ *oracle.Descriptor, a *oracle.ACE) { a.Flags = 0x11 },
		"DACL entry 0: mask 0x1, want 0x3":   func(_ *oracle.Descriptor, a *oracle.ACE) { a.Mask = 1 },
		"DACL entry 0: type 0x1, want 0x0":   func(_ *oracle.Descriptor, a *oracle.ACE) { a.Type = 1 },
		"DACL entry 0: SID S-1-5-7, want S-1-1-0": func(_ *oracle.Descriptor, a *oracle.ACE) {
			a.SID = "S-1-5-7"
		},
		"DACL: absent, want 1 entries": func(d *oracle.Descriptor, _ *oracle.ACE) { d.DACL = nil },
		"DACL: NULL, want 1 entries":   func(d *oracle.Descriptor, _ *oracle.ACE) { d.DACL.Null = true },
		"SACL: 0 entries, want absent": func(d *oracle.Descriptor, _ *oracle.ACE) { d.SACL = &oracle.ACL{} },
		"DACL: 2 entries, want 1 entries": func(d *oracle.Descriptor, a *oracle.ACE) {
			d.DACL.Entries = []oracle.ACE{*a}
		},
		"control: DACL PROTECTED set, want clear": func(d *oracle.Descriptor, _ *oracle.ACE) {
			d.Control = oracle.DACLProtected
		},
	} {
		if got := object(change).Differ(want); got == nil || got.Text != text {
			t.Errorf("got %+v, want %s", got, text)
		}
	}
	typed := func(guid string) *oracle.Meaning { // a GUID is between the mask and the SID
		return object(func(_ *oracle.Descriptor, a *oracle.ACE) { a.Type, a.Object = oracle.AllowObject, guid })
	}
	const guid = "00000000-0000-0000-0000-00000000000"
	if got := typed(guid + "1").Differ(typed(guid + "2")); got == nil || !strings.HasPrefix(got.Text,
		"DACL entry 0: bytes 05") {
		t.Errorf("other object types: got %+v, want the bytes", got)
	}
	if got := want.Differ(want); got != nil {
		t.Errorf("the same: got %+v, want no difference", got)
	}
	lists := []*oracle.ACL{nil, {}, {Null: true}}
	for i, l := range lists {
		for j, other := range lists {
			x := check.Must(oracle.Canon((&oracle.Descriptor{DACL: l}).Bytes(), false))
			y := check.Must(oracle.Canon((&oracle.Descriptor{DACL: other}).Bytes(), false))
			check.Equal(t, [2]bool{x.String() == y.String(), x.Differ(y) == nil}, [2]bool{i == j, i == j},
				"no DACL, an empty and a NULL one: %d equals %d", i, j)
		}
	}
}
