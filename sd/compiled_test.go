package sd_test

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// everyType returns a list with an entry of each known type, each with a mask, flags and a SID of its
// own, and between them entries of types that are not known.
func everyType(t *testing.T) (l *sd.ACL, aces []sd.ACE) {
	t.Helper()
	n := uint32(0)
	for typ := range sd.Type(0x16) {
		n++
		s, ok := sid.New(5, 21, n, 7)
		if !ok {
			t.Fatal("no SID")
		}
		var x sd.ACEExtra
		if typ == sd.AccessAllowedCompound {
			x.ClientSID = sid.MustParse("S-1-5-21-9-9-9-9")
		}
		if typ.IsObject() {
			x.ObjectType = &winnt.GUID{byte(n)}
		}
		if a, err := sd.NewACE(typ, uint8(n&0x1F), winnt.AccessMask(n<<8), s, x); err == nil {
			aces = append(aces, a)
		}
		unknown, err := sd.RawACE(0x80+typ, uint8(n&3), []byte{1, 2, 3, 4, byte(n), 0, 0, 0})
		if err != nil {
			t.Fatal(err)
		}
		aces = append(aces, unknown)
	}
	l, err := sd.NewACL(aces...)
	if err != nil {
		t.Fatal(err)
	}
	return l, aces
}

// TestCompiledEntries: an entry is compiled with its own place, type, flags, mask, SID and hash, by
// either way, and what an entry does not hold is found at its Aux, for that entry alone.
func TestCompiledEntries(t *testing.T) {
	l, aces := everyType(t)
	if l.Len() < 22+18 || l.Len() != len(aces) {
		t.Fatalf("%d entries of %d", l.Len(), len(aces))
	}
	once, st := sd.CompileInto(make([]sd.Entry, 0, 3), l.Binary())
	if st != ntstatus.Success || len(once) != len(aces) {
		t.Fatal(st, len(once))
	}
	for i, a := range aces {
		known := a.Type().Layout() != sd.LayoutUnknown
		want := sd.Entry{Index: uint16(i), Kind: a.Type(), Flags: a.Flags(), Aux: -1}
		if known {
			want.Mask, want.SID, want.Hash = a.Mask(), a.SID(), a.SID().Hash()
		}
		e := l.Entries()[i]
		aux := e.Aux
		if e.Aux = -1; e != want {
			t.Errorf("entry %d: %+v, want %+v", i, e, want)
		}
		extra := a.Type().IsObject() || a.Type().IsCallback() || a.Type() == sd.AccessAllowedCompound ||
			a.Type() == sd.SystemResourceAttribute || a.Type() == sd.SystemAccessFilter
		if (aux >= 0) != extra || !extra && aux != -1 || (l.Extra(aux) != nil) != extra {
			t.Errorf("entry %d, type %v: Aux %d, %v", i, a.Type(), aux, l.Extra(aux))
		}
		if x := l.Extra(aux); x != nil {
			if object, ok := a.ObjectType(); x.HasObjectType != ok || x.ObjectType != object {
				t.Errorf("entry %d, type %v: object type %v %t, want %v", i, a.Type(), x.ObjectType, x.HasObjectType, object)
			}
			if x.Client != a.ClientSID() {
				t.Errorf("entry %d, type %v: client %v, want %v", i, a.Type(), x.Client, a.ClientSID())
			}
		}
		if extra {
			want.Aux = sd.NeedsExtra
		}
		if once[i] != want {
			t.Errorf("entry %d, once: %+v, want %+v", i, once[i], want)
		}
	}
}

// TestCompoundData: what follows the two SIDs of a compound entry is its data, however long each of
// them is.
func TestCompoundData(t *testing.T) {
	short, long := sid.LocalSystem, sid.MustParse("S-1-5-21-1-2-3-4-5-6")
	for _, s := range [][2]sid.SID{{short, long}, {long, short}, {short, short}} {
		for _, data := range []string{"", "\x00\x00\x00\x00", "data", "datadata"} {
			a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, s[0], sd.ACEExtra{ClientSID: s[1], AppData: []byte(data)})
			if err != nil {
				t.Fatal(err)
			}
			if a.SID() != s[0] || a.ServerSID() != s[0] || a.ClientSID() != s[1] || a.AppData() != data {
				t.Errorf("%v: server %v %v, client %v, data %q", s, a.SID(), a.ServerSID(), a.ClientSID(), a.AppData())
			}
		}
	}
}

// TestOriginalBytes: the bytes that were decoded are kept wherever the canonical ones differ in a byte:
// the order of the parts, gaps, the byte that the flag does not name, a list whose size is no multiple
// of four (S-25).
func TestOriginalBytes(t *testing.T) {
	everything := parse("O:SYG:S-1-5-21-1-2-3-4D:(A;;FA;;;BA)S:(AU;SA;FR;;;WD)").Binary()
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(everything)) }
	odd := func(list int) []byte { // a list of two bytes more than its entries need
		p := parse("O:SYG:BAD:S:").Binary()
		b := bytes.Clone(p[:20])
		for i, field := range []int{12, 16} {
			b[field] = byte(len(b))
			extra := byte(0)
			if i == list {
				extra = 2
			}
			b = append(b, 2, 0, 8+extra, 0, 0, 0, 0, 0)
			b = append(b, make([]byte, extra)...)
			for len(b)&3 != 0 {
				b = append(b, 0)
			}
		}
		for _, part := range []struct {
			field int
			s     sid.SID
		}{{4, sid.LocalSystem}, {8, sid.Administrators}} {
			b[part.field] = byte(len(b))
			b = append(b, part.s.Binary()...)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"canonical":     everything,
		"a byte more":   change(func(b []byte) []byte { return append(b, 0) }),
		"four bytes":    change(func(b []byte) []byte { return append(b, 0, 0, 0, 0) }),
		"other bytes":   change(func(b []byte) []byte { return append(b, 9, 9, 9, 9) }),
		"the RM's byte": change(func(b []byte) []byte { b[1] = 7; return b }),
		"owner and group the other way round": change(func(b []byte) []byte {
			at := int(b[4])
			group := b[b[8]:]
			moved := append(bytes.Clone(group), b[at:at+12]...)
			copy(b[at:], moved)
			b[8], b[4] = byte(at), byte(at+len(group))
			return b
		}),
		"one SID for both": change(func(b []byte) []byte { b[8] = b[4]; return b[:b[4]+12] }),
		"a SACL of ten":    odd(0),
		"a DACL of ten":    odd(1),
	} {
		d, err := sd.Decode(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.AppendOriginal([]byte("before")); string(got) != "before"+string(b) {
			t.Errorf("%s: the original is\n% x\nwant\n% x", name, got[6:], b)
		}
		again, err := sd.Decode(d.Append(nil))
		if err != nil || !again.Equal(d) || len(d.Append(nil)) != d.Size() || len(d.Append([]byte("odd"))) != d.Size()+3 {
			t.Errorf("%s: %v, %d bytes, size %d", name, err, len(d.Append(nil)), d.Size())
		}
	}
}

// TestBytesOfACompoundEntry: header, mask, COMPOUND_ACE_IMPERSONATION and two reserved bytes, then the server's SID and
// the client's (ntifs.h, COMPOUND_ACCESS_ALLOWED_ACE).
func TestBytesOfACompoundEntry(t *testing.T) {
	a, err := sd.NewACE(sd.AccessAllowedCompound, sd.ContainerInherit, 0x01020304, sid.Everyone,
		sd.ACEExtra{ClientSID: sid.LocalSystem})
	want := "\x04\x02\x24\x00" + "\x04\x03\x02\x01" + "\x01\x00\x00\x00" + sid.Everyone.Binary() + sid.LocalSystem.Binary()
	if err != nil || a.Binary() != want {
		t.Errorf("%x, %v, want %x", a.Binary(), err, want)
	}
}
