package sd_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// S-19: the bounds of the Rtl* routines from both sides, and the status of each that
// refuses; what is refused changes nothing.
func TestRoutinesAtTheirBounds(t *testing.T) {
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
			if st := sd.AddACE(b, 2, sd.AccessAllowed, 0, winnt.AccessMask(i+1),
				sid.Everyone); st != ntstatus.Success {
				t.Fatal(st)
			}
		}
		return b
	}
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
		"insert, too little":        {list(16), insert(0), ntstatus.BufferTooSmall},
		"insert into a broken list": {broken, insert(0), ntstatus.InvalidParameter},
		"insert into no bytes":      {nil, insert(0), ntstatus.InvalidParameter},
		"insert half an entry": {list(20), func(b []byte) ntstatus.Status {
			return sd.InsertACEs(b, 2, 0, []byte(one.Binary())[:16])
		}, ntstatus.InvalidParameter},
		"remove the first":        {full(2), remove(0), ntstatus.Success},
		"remove the last":         {full(2), remove(1), ntstatus.Success},
		"remove behind the last":  {full(2), remove(2), ntstatus.InvalidParameter},
		"remove of none":          {list(20), remove(0), ntstatus.InvalidParameter},
		"remove of a broken list": {broken, remove(0), ntstatus.InvalidParameter},
		"remove far behind":       {full(2), remove(^uint32(0)), ntstatus.InvalidParameter},
		"get the first":           {full(2), get(0), ntstatus.Success},
		"get the last":            {full(2), get(1), ntstatus.Success},
		"get behind the last":     {full(2), get(2), ntstatus.InvalidParameter},
		"get of none":             {list(20), get(0), ntstatus.InvalidParameter},
		"get of a broken list":    {broken, get(0), ntstatus.InvalidParameter},
	} {
		before := bytes.Clone(c.b)
		if st := c.f(c.b); st != c.want {
			t.Errorf("%s: %v, want %v", name, st, c.want)
		}
		if c.want != ntstatus.Success && !bytes.Equal(c.b, before) {
			t.Errorf("%s: the list changed:\n% x\n% x", name, before, c.b)
		}
	}
	for at, want := range map[uint32][]winnt.AccessMask{0: {9, 1, 2}, 1: {1, 9, 2}, 2: {1, 2, 9}, 3: {1, 2, 9},
		^uint32(0): {1, 2, 9}} { // an index behind the last entry is the end
		b := append(full(2), make([]byte, 20)...)
		b[2] += 20
		if st := sd.InsertACEs(b, 2, at, []byte(one.WithMask(9).Binary())); st != ntstatus.Success {
			t.Fatal(st)
		}
		l, _, err := sd.DecodeACL(b)
		if err != nil || l.Len() != 3 || l.At(0).Mask() != want[0] || l.At(1).Mask() != want[1] ||
			l.At(2).Mask() != want[2] {
			t.Errorf("inserted at %d: %v, %v, want %v", at, l.Slice(), err, want)
		}
	}
	for size, want := range map[int]ntstatus.Status{0: ntstatus.BufferTooSmall, 8: ntstatus.Success,
		65535: ntstatus.Success, 65536: ntstatus.InvalidParameter} {
		for revision, ok := range map[uint32]bool{1: false, 2: true, 3: true, 4: true, 5: false} {
			want := want
			if want == ntstatus.Success && !ok {
				want = ntstatus.InvalidParameter
			}
			if st := sd.CreateACL(make([]byte, size), revision); st != want {
				t.Errorf("a list of %d bytes, revision %d: %v, want %v", size, revision, st, want)
			}
		}
	}
}

// Entries that are not there are zero values, wherever they are asked for.
func TestEntriesThatAreNotThere(t *testing.T) {
	l := sddl.MustParse("D:(OA;;CC;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)(A;;CC;;;WD)").DACL()
	for _, i := range []int{-1, 2, 3, 1 << 20} {
		if a := l.At(i); a != (sd.ACE{}) {
			t.Errorf("entry %d of two: %v", i, a)
		}
	}
	for _, x := range []struct {
		l     *sd.ACL
		aux   int32
		there bool
	}{{l, -1, false}, {l, 0, true}, {l, 1, false}, {l, 1 << 30, false}, {nil, 0, false},
		{sddl.MustParse("D:(A;;CC;;;WD)").DACL(), 0, false}} {
		if got := x.l.Extra(x.aux); (got != nil) != x.there {
			t.Errorf("extra %d: %v, want one: %v", x.aux, got, x.there)
		}
	}
	var none sd.ACE
	if none.Mask() != 0 || none.Flags() != 0 || !none.SID().IsZero() || none.AppData() != "" ||
		none.ObjectFlags() != 0 ||
		!none.ClientSID().IsZero() || !none.ServerSID().IsZero() || none.WithMask(1) != none ||
		none.WithFlags(1) != none {
		t.Error("the zero entry says something")
	}
	unknown, err := sd.RawACE(0x7F, 3, []byte("abcd"))
	if err != nil {
		t.Fatal(err)
	}
	if unknown.Mask() != 0 || !unknown.SID().IsZero() || unknown.AppData() != "abcd" || unknown.ObjectFlags() != 0 ||
		unknown.WithMask(1) != unknown || unknown.WithFlags(1).Flags() != 1 {
		t.Errorf("an entry of an unknown type: %v, %#x", unknown, unknown.Mask())
	}
	for name, a := range map[string]sd.ACE{"plain": l.At(1), "object": l.At(0)} {
		if got := a.WithMask(7).WithMask(a.Mask()); got != a {
			t.Errorf("%s: a mask there and back: %v", name, got)
		}
	}
}

// Requests of [sd.Merge] change the trustee's entries that are like the one asked for, and
// no entry that differs in one respect: data behind the SID, type, flags, either GUID.
func TestMergeOfLikeEntries(t *testing.T) {
	one, two := winnt.GUID{1}, winnt.GUID{2}
	entry := func(kind sd.Type, flags uint8, extra sd.ACEExtra) sd.ACE {
		a, err := sd.NewACE(kind, flags, 1, sid.Everyone, extra)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	both := sd.ACEExtra{ObjectType: &one, InheritedObjectType: &two}
	plain, object := entry(sd.AccessAllowed, 0, sd.ACEExtra{}), entry(sd.AccessAllowedObject, 0,
		sd.ACEExtra{ObjectType: &one})
	pair := entry(sd.AccessAllowedObject, 0, both)
	for name, c := range map[string]struct {
		old  sd.ACE
		r    sd.Explicit
		like bool
	}{
		"the same": {plain, sd.Explicit{}, true},
		"data behind the SID": {entry(sd.AccessAllowed, 0, sd.ACEExtra{AppData: []byte("data")}), sd.Explicit{},
			false},
		"a conditional one":      {entry(sd.AccessAllowedCallback, 0, sd.ACEExtra{}), sd.Explicit{}, false},
		"other flags":            {plain.WithFlags(sd.ObjectInherit), sd.Explicit{}, false},
		"inherited":              {plain.WithFlags(sd.Inherited), sd.Explicit{}, false},
		"of an object":           {object, sd.Explicit{}, false},
		"the same object":        {object, sd.Explicit{ObjectType: &one}, true},
		"another object":         {object, sd.Explicit{ObjectType: &two}, false},
		"an heir and the object": {pair, sd.Explicit{ObjectType: &one}, false},
		"the object, no heir":    {object, sd.Explicit{ObjectType: &one, InheritedObjectType: &two}, false},
		"both":                   {pair, sd.Explicit{ObjectType: &one, InheritedObjectType: &two}, true},
		"another heir":           {pair, sd.Explicit{ObjectType: &one, InheritedObjectType: &one}, false},
	} {
		old, err := sd.NewACL(c.old)
		if err != nil {
			t.Fatal(err)
		}
		c.r.Trustee, c.r.Mask = sid.Everyone, 2
		c.r.Mode = sd.GrantAccess
		got, err := sd.Merge(old, c.r)
		if want := map[bool]int{true: 1, false: 2}[c.like]; err != nil || got.Len() != want {
			t.Errorf("grant, %s: %v, %v, want %d entries", name, got.Slice(), err, want)
		} else if c.like && got.At(0).Mask() != 3 {
			t.Errorf("grant, %s: mask %v", name, got.At(0).Mask())
		}
		c.r.Mode, c.r.Mask = sd.DenyAccess, 1
		got, err = sd.Merge(old, c.r)
		gone := true
		for _, a := range got.Slice() {
			gone = gone && a != c.old
		}
		// A grant with data behind the SID is a grant of the same rights: it is refused, too.
		if err != nil || gone != (c.like || name == "data behind the SID") {
			t.Errorf("deny, %s: %v, %v", name, got.Slice(), err)
		}
	}
}

// S-74: where entries of one kind are replaced, the list keeps a revision that is higher
// than its entries need, as those that stay came in it.
func TestSetKeepsTheRevision(t *testing.T) {
	for _, revision := range []uint8{2, 3, 4} {
		b := []byte(sddl.MustParse("S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)").SACL().Binary())
		b[0] = revision
		l, _, err := sd.DecodeACL(b)
		if err != nil {
			t.Fatal(err)
		}
		old := sd.New(sd.Parts{SACL: l, Control: sd.SACLPresent})
		d, st := sd.Set(&sd.SetRequest{Information: label, Old: old, New: parse("S:(ML;;NR;;;LW)")})
		if st != ntstatus.Success || d.SACL().Revision() != revision {
			t.Errorf("revision %d: %d, %v", revision, d.SACL().Revision(), st)
		}
	}
}

// S-26: each bit of the control word by itself, named or set.
func TestSetControlBits(t *testing.T) {
	const mutable = sd.Control(0x3FC0) // those that [MS-DTYP] 2.4.6 and ntifs.h let a caller change
	for i := range 16 {
		bit := sd.Control(1) << i
		want := ntstatus.InvalidParameter
		if bit&mutable != 0 {
			want = ntstatus.Success
		}
		if got, st := sd.SetControl(0, bit, bit); st != want || st == ntstatus.Success && got != bit {
			t.Errorf("set %#x: %#x, %v, want %v", bit, got, st, want)
		}
		if got, st := sd.SetControl(0xFFFF, bit, 0); st != want || st == ntstatus.Success && got != 0xFFFF&^bit {
			t.Errorf("clear %#x: %#x, %v, want %v", bit, got, st, want)
		}
		if got, st := sd.SetControl(0x4000, 0, bit); st != ntstatus.InvalidParameter || got != 0x4000 {
			t.Errorf("set %#x, which is not named: %#x, %v", bit, got, st)
		}
	}
}

// A trust label is taken away, or given, by a caller whose own is at least it in both
// respects; one that is no trust label dominates nothing.
func TestTrustDominates(t *testing.T) {
	const trust = winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION
	for caller, ok := range map[string]bool{"S-1-19-512-4096": true, "S-1-19-1024-8192": true,
		"S-1-19-512-8192": true,
		"S-1-19-511-4096": false, "S-1-19-512-4095": false, "S-1-19-1024-4095": false, "S-1-19-512": false,
		"S-1-19-512-4096-1": false, "": false} {
		c := &sd.Caller{}
		if caller != "" {
			c.Trust = sid.MustParse(caller)
		}
		const has = "S:(TL;;0x1;;;S-1-19-512-4096)"
		for name, r := range map[string]*sd.SetRequest{"given": {Old: parse("S:"), New: parse(has)},
			"taken": {Old: parse(has), New: parse("S:")}} {
			r.Information, r.Subject = trust, c
			want := ntstatus.AccessDenied
			if ok {
				want = ntstatus.Success
			}
			if _, st := sd.Set(r); st != want {
				t.Errorf("%s by %q: %v, want %v", name, caller, st, want)
			}
		}
	}
}

// S-74: a SACL without entries is part of each kind of its entries, and of no other part.
func TestSelectOfAnEmptySACL(t *testing.T) {
	d := parse("O:BAG:SYD:S:")
	for info, there := range map[uint32]bool{0: false, owner: false, group: false, dacl: false,
		owner | group | dacl: false, sacl: true, label: true, winnt.ATTRIBUTE_SECURITY_INFORMATION: true,
		winnt.SCOPE_SECURITY_INFORMATION:               true,
		winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION: true, winnt.ACCESS_FILTER_SECURITY_INFORMATION: true} {
		got := sd.Select(d, info)
		if (got.SACL() != nil) != there || (got.Control()&sd.SACLPresent != 0) != there {
			t.Errorf("S-74 %#x: SACL %v, control %v, want one: %v", info, got.SACL(), got.Control(), there)
		}
	}
	for kind, want := range map[sd.Type]uint32{sd.SystemMandatoryLabel: label,
		sd.SystemAccessFilter:      winnt.ACCESS_FILTER_SECURITY_INFORMATION,
		sd.SystemScopedPolicyID:    winnt.SCOPE_SECURITY_INFORMATION,
		sd.SystemResourceAttribute: winnt.ATTRIBUTE_SECURITY_INFORMATION, sd.SystemAudit: sacl, 0x7F: sacl,
		sd.SystemProcessTrustLabel: winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION} {
		if got := sd.PartOf(kind); got != want {
			t.Errorf("the part of %v is %#x, want %#x", kind, got, want)
		}
	}
}

// TestEqual: descriptors are equal if every part and the control are, but for the mark of the form.
func TestEqual(t *testing.T) {
	parts := func(text string) sd.Parts { return sddl.MustParse(text).Parts() }
	const text = "O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)"
	same, rm, form := parts(text), parts(text), parts(text)
	rm.Control, rm.RMControl = rm.Control|sd.RMControlValid, 3
	form.Control |= sd.SelfRelative
	otherRM := rm
	otherRM.RMControl = 4
	a := sd.New(same)
	if !a.Equal(sd.New(parts(text))) || !a.Equal(sd.New(form)) || !sd.New(form).Equal(a) || !sd.New(rm).Equal(sd.New(rm)) {
		t.Error("a descriptor is not equal to one of the same parts")
	}
	if sd.New(rm).Equal(sd.New(otherRM)) || a.Equal(sd.New(rm)) || sd.New(rm).Equal(a) {
		t.Error("the resource manager's control is not compared")
	}
	for _, other := range []string{"O:SYG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:BAD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)S:(AU;FA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)",
		"O:BAG:SYS:(AU;SA;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)S:P(AU;SA;FA;;;WD)",
		"O:BAG:SYD:AI(A;;FA;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)S:AI(AU;SA;FA;;;WD)"} {
		if b := sddl.MustParse(other); a.Equal(b) || b.Equal(a) {
			t.Errorf("%s is equal to %s", other, text)
		}
	}
}
