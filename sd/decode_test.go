package sd_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const sample = `O:BAG:SYD:PAI(D;;FW;;;BG)(A;OICI;FA;;;BA)(OA;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;;` +
	`AU)(XA;;FX;;;WD;(@User.Title=="PM"))S:(AU;SAFA;FA;;;WD)(ML;;NW;;;HI)(RA;;;;;WD;("Dept",TS,0,"Fin"))`

// Each malformed part of a descriptor is refused with its status (S-20, S-22, S-23, S-24, C-62).
func TestMalformedDescriptorIsRefused(t *testing.T) {
	good := sddl.MustParse(sample).Binary()
	put32 := func(off int, v uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[off:], v) }
	}
	dacl := int(binary.LittleEndian.Uint32(good[16:]))
	sacl := int(binary.LittleEndian.Uint32(good[12:]))
	owner := int(binary.LittleEndian.Uint32(good[4:]))
	group := int(binary.LittleEndian.Uint32(good[8:]))
	for _, c := range []struct {
		id     string
		change func([]byte)
		status ntstatus.Status
		at     int // offset of the error
	}{
		{"S-23 revision", func(b []byte) { b[0] = 2 }, ntstatus.UnknownRevision, 0},
		{"S-22 not self-relative", func(b []byte) { b[3] &= 0x7F }, ntstatus.InvalidSecurityDescr, 2},
		{"C-62 odd offset", put32(16, 21), ntstatus.InvalidSecurityDescr, 16},
		{"S-22 offset in the header", put32(4, 16), ntstatus.InvalidSecurityDescr, 4},
		{"S-22 SID in the header", func(b []byte) {
			b[2] &^= 0x14 // without lists their offsets are not read
			copy(b[12:], []byte{1, 0, 0, 0, 0, 0, 0, 5})
			put32(4, 12)(b)
		}, ntstatus.InvalidSecurityDescr, 4},
		{"S-22 SID between two multiples of four", func(b []byte) {
			copy(b[group+2:], []byte{1, 0, 0, 0, 0, 0, 0, 5})
			put32(8, uint32(group+2))(b)
		}, ntstatus.InvalidSecurityDescr, 8},
		{"S-22 offset outside", put32(8, 1<<31), ntstatus.InvalidSecurityDescr, 8},
		{"S-22 offset at the end", put32(8, uint32(len(good))), ntstatus.InvalidSecurityDescr, 8},
		{"S-21 owner's revision", func(b []byte) { b[owner] = 2 }, ntstatus.InvalidSecurityDescr, owner},
		{"S-21 owner too long", func(b []byte) { b[owner+1] = 16 }, ntstatus.InvalidSecurityDescr, owner},
		{"S-20 ACL revision 1", func(b []byte) { b[dacl] = 1 }, ntstatus.InvalidSecurityDescr, dacl},
		{"S-20 ACL revision 5", func(b []byte) { b[dacl] = 5 }, ntstatus.InvalidSecurityDescr, dacl},
		{"S-20 count", func(b []byte) { b[dacl+4] = 200 }, ntstatus.InvalidSecurityDescr, owner},
		{"S-20 ACE size", func(b []byte) { b[dacl+10] = 22 }, ntstatus.InvalidSecurityDescr, dacl + 8},
		{"S-20 ACE too small for its SID", func(b []byte) { b[dacl+10] = 12 }, ntstatus.InvalidSecurityDescr, dacl + 8},
		{"S-20 ACE past the end", func(b []byte) { b[dacl+11] = 0xFF }, ntstatus.InvalidSecurityDescr, dacl + 8},
		{"S-21 group's revision", func(b []byte) { b[group] = 2 }, ntstatus.InvalidSecurityDescr, group},
		{"S-21 SACL's revision", func(b []byte) { b[sacl] = 1 }, ntstatus.InvalidSecurityDescr, sacl},
		{"S-21 SACL's count", func(b []byte) { b[sacl+4] = 200 }, ntstatus.InvalidSecurityDescr, dacl},
		{"S-21 ACE size in the SACL", func(b []byte) { b[sacl+10] = 22 }, ntstatus.InvalidSecurityDescr, sacl + 8},
		{"S-21 ACE past the SACL's end", func(b []byte) { b[sacl+11] = 0xFF }, ntstatus.InvalidSecurityDescr, sacl + 8},
	} {
		t.Run(c.id, func(t *testing.T) {
			b := bytes.Clone(good)
			c.change(b)
			_, err := sd.Decode(b)
			var de *sd.DecodeError
			check.RequireThat(t, errors.As(err, &de) && de.Status == c.status && de.Offset == c.at &&
				errors.Is(err, c.status.Err()), "Decode = %v, want %v at byte %d", err, c.status, c.at)
			check.That(t, !sd.ValidRelative(b), "ValidRelative = true, want false")
		})
	}
}

// Each malformed ACL is refused, if it is decoded alone (C-61, S-20, S-23).
func TestMalformedACLIsRefused(t *testing.T) {
	plain := parse("D:(A;;GA;;;WD)").DACL().At(0)
	after := []byte(plain.Binary()) // an entry after the one in question
	compound := check.Must(sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.Everyone, sd.ACEExtra{ClientSID: sid.Everyone}))
	cut := func(a sd.ACE, n int) []byte {
		b := []byte(a.Binary())[:n]
		b[2] = byte(n)
		return b
	}
	object := parse("D:(OA;;GA;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)").DACL().At(0)
	one := parse("D:(A;;GA;;;WD)").DACL().Binary()
	two := []byte(one)
	two[4] = 2
	for _, c := range []struct {
		id   string
		b    []byte
		at   int    // offset of the error, -1 for a valid list
		tail string // what follows the list
	}{
		{"empty", []byte{2, 0, 8, 0, 0, 0, 0, 0}, -1, ""},
		{"S-18 a byte after it", []byte{2, 0, 8, 0, 0, 0, 0, 0}, -1, "\x01"},
		{"S-18 a list of more than 255 bytes and more after it",
			[]byte(parse("D:" + strings.Repeat("(A;;GA;;;WD)", 13)).DACL().Binary()), -1, strings.Repeat("\x00", 300)},
		{"S-18 slack", []byte{2, 0, 12, 0, 0, 0, 0, 0, 9, 9, 9, 9}, -1, ""},
		{"C-61 odd size", []byte{2, 0, 9, 0, 0, 0, 0, 0, 0}, 0, ""},
		{"S-20 size 6", []byte{2, 0, 6, 0, 0, 0, 0, 0}, 0, ""},
		{"S-20 size 10 of 8", []byte{2, 0, 10, 0, 0, 0, 0, 0}, 0, ""},
		{"S-20 no whole header", []byte{2, 0, 8, 0, 0, 0, 0}, 0, ""},
		{"S-20 revision 1", []byte{1, 0, 8, 0, 0, 0, 0, 0}, 0, ""},
		{"S-20 revision 3", []byte{3, 0, 8, 0, 0, 0, 0, 0}, -1, ""},
		{"S-20 revision 4", []byte{4, 0, 8, 0, 0, 0, 0, 0}, -1, ""},
		{"S-20 revision 5", []byte{5, 0, 8, 0, 0, 0, 0, 0}, 0, ""},
		{"S-20 the second entry is behind the list", two, len(one), one[8:]},
		{"S-20 header cut", []byte{2, 0, 10, 0, 1, 0, 0, 0, 0, 0}, 8, ""},
		{"S-20 object GUID cut", []byte{4, 0, 20, 0, 1, 0, 0, 0, 5, 0, 12, 0, 0, 0, 0, 0, 3, 0, 0, 0}, 8, ""},
		{"S-20 compound entry", list([]byte(compound.Binary()), after), -1, ""},
		{"S-20 compound entry that ends within its second SID", list(cut(compound, 32), after), 8, ""},
		{"S-20 plain entry that ends within its SID", list(cut(plain, 16), after), 8, ""},
		{"S-20 object entry that ends within its GUID", list(cut(object, 16), after, after), 8, ""},
		{"S-20 unknown types of 6 bytes", list([]byte{99, 0, 6, 0, 0, 0}, []byte{99, 0, 6, 0, 0, 0}), -1, ""},
		{"S-20 unknown types of 5 and 7 bytes", list([]byte{99, 0, 5, 0, 0}, []byte{99, 0, 7, 0, 0, 0, 0}), 8, ""},
	} {
		t.Run(c.id, func(t *testing.T) {
			ok := c.at < 0
			l, n, err := sd.DecodeACL(append(bytes.Clone(c.b), c.tail...)) // S-18: a list ends at its own size
			check.RequireThat(t, (err == nil) == ok && sd.ValidACL(c.b) == ok,
				"DecodeACL = %v, ValidACL = %t, want accepted = %t", err, sd.ValidACL(c.b), ok)
			_, st := sd.CompileInto(nil, string(c.b)+c.tail)
			check.Equal(t, st, map[bool]ntstatus.Status{true: ntstatus.Success, false: ntstatus.InvalidACL}[ok], "CompileInto")
			if ok && (l.Binary() != string(c.b) || n != len(c.b)) {
				t.Errorf("decoded list = %x, want the input", l.Binary())
			}
			var de *sd.DecodeError
			check.That(t, ok || errors.As(err, &de) && de.Status == ntstatus.InvalidACL && de.Offset == c.at,
				"DecodeACL = %v, want a DecodeError with STATUS_INVALID_ACL at byte %d", err, c.at)
		})
	}
}

// An absent, a NULL, an empty and a filled DACL are four different states (S-24).
func TestAbsentNULLAndEmptyListsDiffer(t *testing.T) {
	for text, c := range map[string]struct{ present, has bool }{"": {false, false},
		"D:NO_ACCESS_CONTROL": {true, false}, "D:": {true, true}, "D:(A;;GA;;;WD)": {true, true}} {
		d := check.Must(sd.Decode(sddl.MustParse(text).Binary()))
		check.That(t, (d.Control()&sd.DACLPresent != 0) == c.present && d.HasDACL() == c.has,
			"%q: DACL present %v, list %v, want %v, %v", text, d.Control()&sd.DACLPresent != 0, d.HasDACL(), c.present, c.has)
	}
	for bit, lost := range map[sd.Control]string{sd.SACLPresent: "D:(A;;GA;;;WD)", sd.DACLPresent: "S:(AU;SA;FA;;;WD)"} {
		b := sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;FA;;;WD)").Binary()
		b[2] &^= byte(bit)
		d, err := sd.Decode(b) // S-24: each list's own bit says whether it is present
		check.That(t, err == nil && text(t, d) == lost, "without control bit %#x: %v, %v, want %q", bit, d, err, lost)
	}
	b := sddl.MustParse("S:(AU;SA;FA;;;WD)").Binary()
	b[2] &^= byte(sd.SACLPresent)
	d, err := sd.Decode(b) // S-24: the offset is ignored
	check.RequireThat(t, err == nil && d.SACL() == nil, "%v", err)
	check.That(t, bytes.Equal(d.AppendOriginal(nil), b) && !bytes.Equal(d.Append(nil), b),
		"S-25: AppendOriginal must keep the input bytes, and Append must write canonical ones")
}

// A later change of the caller's bytes does not change the descriptor (S-28).
func TestDecodeCopiesItsInput(t *testing.T) {
	b := sddl.MustParse(sample).Binary()
	d, _ := sd.Decode(b)
	want := bytes.Clone(b)
	for i := range b {
		b[i] = 0xFF
	}
	check.That(t, bytes.Equal(d.Append(nil), want) && d.Owner() == sid.Administrators,
		"the descriptor changed with the input bytes, want a copy")
	check.That(t, d.OwnerHash() == sid.Administrators.Hash(), "OwnerHash differs from the hash of the owner, want equal")
}

// Object, callback, compound and attribute entries have the extra data of their type.
func TestExtraReturnsDataOfEntryType(t *testing.T) {
	d := sddl.MustParse(sample)
	object := d.DACL().Extra(d.DACL().Entries()[2].Aux)
	check.That(t, object != nil && object.HasObjectType && !object.HasInherited &&
		object.ObjectType.String() == "4c164200-20c0-11d0-a768-00aa006e0529",
		"extra data of the object entry = %+v, want only the object type", object)
	if x := d.DACL().Extra(d.DACL().Entries()[3].Aux); x == nil || x.Condition == nil || x.BadCondition || x.Opaque {
		t.Errorf("extra data of the callback entry = %+v, want a condition", x)
	}
	if x := d.SACL().Extra(d.SACL().Entries()[2].Aux); x == nil || x.Attribute == nil || x.Attribute.Name != "Dept" {
		t.Errorf("extra data of the attribute entry = %+v, want the attribute Dept", x)
	}
	check.That(t, d.DACL().Extra(-1) == nil && d.DACL().Extra(99) == nil && d.DACL().Entries()[0].Aux == -1,
		"a plain entry has extra data, want none")
	unknown, _ := sd.NewACL(check.Must(sd.RawACE(0x40, 0, []byte("12345678"))))
	check.Equal(t, unknown.Entries()[0], sd.Entry{Kind: 0x40, Aux: -1}, "the entry of an unknown type")
	// Data that is not a condition is bad or opaque, depending on its first bytes (S-34).
	for data, want := range map[string]sd.Extra{"artx\xff\x00\x00\x00": {BadCondition: true}, "none": {Opaque: true},
		"": {Opaque: true}, "art": {Opaque: true}} {
		a, _ := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte(data)})
		l, _ := sd.NewACL(a)
		if x := l.Extra(0); x == nil || *x != want {
			t.Errorf("extra data of the callback data %q = %+v, want %+v", data, x, want)
		}
	}
	a, _ := sd.NewACE(sd.SystemResourceAttribute, 0, 0, sid.Everyone, sd.ACEExtra{AppData: []byte("nonsense")})
	l, _ := sd.NewACL(a)
	if x := l.Extra(0); x == nil || x.Attribute != nil { // S-33
		t.Errorf("extra data of a malformed attribute = %+v, want no attribute", x)
	}
	c, _ := sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.LocalSystem, sd.ACEExtra{ClientSID: sid.Everyone})
	l, _ = sd.NewACL(c)
	// A list with a compound entry has revision 3 (S-16).
	if x := l.Extra(0); x == nil || x.Client != sid.Everyone || l.Entries()[0].SID != sid.LocalSystem ||
		l.Revision() != 3 {
		t.Errorf("extra data of the compound entry = %+v, want client Everyone, server SYSTEM and revision 3", x)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sddl.MustParse(sample).Binary())                                            // every part
	f.Add(sddl.MustParse("D:NO_ACCESS_CONTROL").Binary())                             // NULL list
	f.Add(append(sddl.MustParse("O:BAD:").Binary(), 1, 2, 3))                         // a tail
	f.Add([]byte("\x01\x00\x04\x80" + string(make([]byte, 12)) + "\x15\x00\x00\x00")) // odd offset
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := sd.Decode(b)
		check.RequireThat(t, (err == nil) == (sd.ValidRelative(b) && len(b) <= sd.MaxSize),
			"Decode = %v, but ValidRelative disagrees, want both to agree", err)
		if err != nil {
			return
		}
		check.RequireThat(t, bytes.Equal(d.AppendOriginal(nil), b),
			"AppendOriginal differs from the input, want the same bytes")
		again, err := sd.Decode(d.Append(nil))
		check.RequireThat(t, err == nil && again.Equal(d),
			"decoding the encoded descriptor: %v, want an equal descriptor", err)
		for _, l := range [...]*sd.ACL{d.DACL(), d.SACL()} {
			twin(t, l)
		}
	})
}

// twin decodes a list with simple code and compares the compiled entries.
func twin(t *testing.T, l *sd.ACL) {
	t.Helper()
	for i, e := range l.Entries() {
		a := l.At(i)
		if e.Mask != a.Mask() || e.SID != a.SID() || e.Kind != a.Type() || e.Flags != a.Flags() || int(e.Index) != i ||
			e.Hash != a.SID().Hash() {
			t.Fatalf("entry %d is compiled as %+v, want the values of %x", i, e, a.Binary())
		}
		if n := len(a.Binary()); n != int(a.Binary()[2])|int(a.Binary()[3])<<8 {
			t.Fatalf("entry %d has %d bytes, want the size of its header", i, n)
		}
	}
}

func isStatus(err error, st ntstatus.Status) bool { return errors.Is(err, st.Err()) }

// Both lists have their own entries, however many there are, also in a copy of the descriptor. The number of entries
// decides where they are stored.
func TestBothListsKeepTheirOwnEntries(t *testing.T) {
	list := func(kind sd.Type, n int) *sd.ACL {
		var aces []sd.ACE
		for i := range n {
			who, _ := sid.New(5, 21, uint32(kind), uint32(i))
			a := check.Must(sd.NewACE(kind, 0, winnt.AccessMask(i+1), who))
			aces = append(aces, a)
		}
		return check.Must(sd.NewACL(aces...))
	}
	same := func(what string, got, want *sd.ACL) {
		check.RequireThat(t, (got == nil) == (want == nil) && got.Equal(want) && len(got.Entries()) == want.Len(),
			"%s: the list differs from the one that was built, want it equal", what)
		for i, e := range got.Entries() {
			if a := want.At(i); e.Mask != a.Mask() || e.SID != a.SID() || e.Kind != a.Type() || e.Hash != a.SID().Hash() {
				t.Fatalf("%s: entry %d = %+v, want mask %v, SID %v, type %v, hash %v", what, i, e, a.Mask(), a.SID(),
					a.Type(), a.SID().Hash())
			}
		}
	}
	for n := range 20 {
		for m := range 20 {
			want := sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem}
			if n > 0 {
				want.DACL = list(sd.AccessAllowed, n-1)
			}
			if m > 0 {
				want.SACL = list(sd.SystemAudit, m-1)
			}
			d := check.Must(sd.Decode(sd.New(want).Binary()))
			other := *d
			for _, d := range []*sd.Descriptor{d, &other} {
				same(fmt.Sprintf("DACL of %d next to a SACL of %d", n-1, m-1), d.DACL(), want.DACL)
				same(fmt.Sprintf("SACL of %d next to a DACL of %d", m-1, n-1), d.SACL(), want.SACL)
			}
		}
	}
}

func ExampleDecode() {
	b := tenEntries(1)
	d, err := sd.Decode(b)
	fmt.Println(d.Owner(), d.DACL().Len(), err)
	_, err = sd.Decode(b[:40])
	fmt.Println(strings.Replace(err.Error(), ": an", ":\nan", 1))
	// Output:
	// S-1-5-21-1-2-3-1107 10 <nil>
	// security descriptor: at byte 4:
	// an offset must be 0, or at least 20, a multiple of 4 and inside: STATUS_INVALID_SECURITY_DESCR
}

// A descriptor that is cut inside one of its parts is refused. Bytes after the last part are accepted (S-22).
func TestEveryCutIsRefused(t *testing.T) {
	for _, text := range []string{"O:BA", "G:SY", "D:(A;;FR;;;WD)", "S:(AU;SA;FR;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)(OA;;RP;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)S:(ML;;NW;;;HI)"} {
		b := sddl.MustParse(text).Append(nil)
		for n := range b {
			d, err := sd.Decode(b[:n])
			var at *sd.DecodeError
			check.RequireThat(t, d == nil && errors.As(err, &at) && at.Offset <= n && at.Offset >= 0,
				"S-22: %s cut to %d of %d bytes: %v, want an error inside these bytes", text, n, len(b), err)
		}
		check.Equal(t, check.Err(sd.Decode(append(b, 0xFF))), nil, "S-22: %s with an extra byte at the end", text)
	}
}

// A descriptor of the maximum size is decoded, copied or not. One byte more is refused (S-29).
func TestDescriptorSizeIsBounded(t *testing.T) {
	b := append(sddl.MustParse("O:BA").Append(nil), make([]byte, sd.MaxSize)...)
	for _, c := range []struct {
		size int
		ok   bool
	}{{sd.MaxSize - 1, true}, {sd.MaxSize, true}, {sd.MaxSize + 1, false}} {
		_, err := sd.Decode(b[:c.size])
		check.That(t, (err == nil) == c.ok, "S-29: decoding %d bytes: %v, want accepted = %t", c.size, err, c.ok)
		if _, st := sd.Peek(b[:c.size]); (st == ntstatus.Success) != c.ok || !c.ok && st != ntstatus.InvalidSecurityDescr {
			t.Errorf("S-29: Peek of %d bytes: %v, want success: %t", c.size, st, c.ok)
		}
	}
	// Both lists are the same bytes, of the largest even size. Written, the descriptor has each of them.
	list, s := append([]byte{2, 0, 0xFE, 0xFF}, make([]byte, 0xFFFA)...), sid.MustParse("S-1-1"+strings.Repeat("-1", 15))
	shared := append(binary.LittleEndian.AppendUint64([]byte{1, 0, 0x14, 0x80}, 0), 20, 0, 0, 0, 20, 0, 0, 0)
	d := check.Must(sd.Decode(append(shared, list...)))
	p := d.Parts()
	p.Owner, p.Group = s, s
	longest := sd.New(p).Binary()
	check.Equal(t, len(longest), 20+2*(0xFFFE+2)+2*68, "S-29: length of the longest descriptor")
	check.Equal(t, check.Must(sd.Decode(longest)).Size(), len(longest), "S-29: size after decoding")
}
