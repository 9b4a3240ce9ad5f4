package sd_test

import (
	"testing"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

func TestCompiledEntryHas32Bytes(t *testing.T) {
	if n := unsafe.Sizeof(sd.Entry{}); unsafe.Sizeof(uintptr(0)) == 8 && n != 32 {
		t.Errorf("an Entry has %d bytes, want 32", n)
	}
}

// everyType returns a list with an entry of each known type, each with a mask, flags and a SID of its
// own, and between them entries of types that are not known.
func everyType(t *testing.T) (l *sd.ACL, aces []sd.ACE) {
	t.Helper()
	n := uint32(0)
	for typ := range sd.Type(0x16) {
		n++
		s, ok := sid.New(5, 21, n, 7)
		if !ok {
			t.Fatal("sid.New failed, want a SID")
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

// Decode and CompileInto give each entry its own index, type, flags, mask, SID and hash. Everything else about an
// entry is found through its Aux, for that entry only.
func TestCompiledEntriesMatchTheirACEs(t *testing.T) {
	l, aces := everyType(t)
	if l.Len() < 22+18 || l.Len() != len(aces) {
		t.Fatalf("list has %d entries, %d were built, want equal numbers, at least 40", l.Len(), len(aces))
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
			t.Errorf("entry %d = %+v, want %+v", i, e, want)
		}
		extra := a.Type().IsObject() || a.Type().IsCallback() || a.Type() == sd.AccessAllowedCompound ||
			a.Type() == sd.SystemResourceAttribute || a.Type() == sd.SystemAccessFilter
		if (aux >= 0) != extra || !extra && aux != -1 || (l.Extra(aux) != nil) != extra {
			t.Errorf("entry %d, type %v: Aux %d with extra %v, want extra data only for types that need it",
				i, a.Type(), aux, l.Extra(aux))
		}
		if x := l.Extra(aux); x != nil {
			if object, ok := a.ObjectType(); x.HasObjectType != ok || x.ObjectType != object {
				t.Errorf("entry %d, type %v: object type %v, present %t, want %v",
					i, a.Type(), x.ObjectType, x.HasObjectType,
					object)
			}
			if x.Client != a.ClientSID() {
				t.Errorf("entry %d, type %v: client %v, want %v", i, a.Type(), x.Client, a.ClientSID())
			}
		}
		if extra {
			want.Aux = sd.NeedsExtra
		}
		if once[i] != want {
			t.Errorf("entry %d from CompileInto = %+v, want %+v", i, once[i], want)
		}
	}
}

// The data of a compound entry follows its two SIDs, whatever their lengths are.
func TestCompoundDataFollowsBothSIDs(t *testing.T) {
	short, long := sid.LocalSystem, sid.MustParse("S-1-5-21-1-2-3-4-5-6")
	for _, s := range [][2]sid.SID{{short, long}, {long, short}, {short, short}} {
		for _, data := range []string{"", "\x00\x00\x00\x00", "data", "datadata"} {
			a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, s[0], sd.ACEExtra{ClientSID: s[1], AppData: []byte(data)})
			if err != nil {
				t.Fatal(err)
			}
			if a.SID() != s[0] || a.ServerSID() != s[0] || a.ClientSID() != s[1] || a.AppData() != data {
				t.Errorf("compound entry of %v: server %v %v, client %v, data %q, want %v, %v, %v, %q",
					s, a.SID(), a.ServerSID(),
					a.ClientSID(), a.AppData(), s[0], s[0], s[1], data)
			}
		}
	}
}
