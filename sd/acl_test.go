package sd_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

func ExampleNewACL() {
	deny, _ := sd.NewACE(sd.AccessDenied, 0, 0x2, sid.Guests)
	allow, _ := sd.NewACE(sd.AccessAllowed, sd.ObjectInherit|sd.ContainerInherit, 0x1, sid.Everyone)
	l, err := sd.NewACL(deny, allow)
	d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
	fmt.Println(d.DACL().Len(), d.DACL().Revision(), sd.IsCanonical(l), len(d.Binary()), err)
	// Output: 2 2 true 100 <nil>
}

// An entry whose size field does not match its contents is refused. The smallest valid entry of each kind is accepted
// (S-20).
func TestEntryWithWrongSizeIsRefused(t *testing.T) {
	everyone := []byte{1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	entry := func(kind byte, size uint16, rest ...byte) []byte {
		return append([]byte{kind, 0, byte(size), byte(size >> 8)}, rest...)
	}
	mask := []byte{1, 0, 0, 0}
	good := entry(0, 20, append(mask, everyone...)...)
	none := []byte{1, 0, 0, 0, 0, 0, 0, 5} // a SID without sub-authorities
	for _, c := range []struct {
		name string
		e    []byte
		ok   bool
	}{
		{"allow", good, true}, {"deny", entry(1, 20, good[4:]...), true}, {"label", entry(0x11, 20, good[4:]...), true},
		{"no sub-authority", entry(0, 16, append(mask, none...)...), true},
		{"half a SID", entry(0, 12, append(mask, everyone[:4]...)...), false},
		{"no SID", entry(0, 8, mask...), false}, {"size 4", entry(0, 4, good[4:]...), false},
		{"size 0", entry(0, 0, good[4:]...), false}, {"size 12", entry(0, 12, good[4:]...), false},
		{"size 8", entry(0, 8, good[4:]...), false}, {"size 14", entry(0, 14, good[4:]...), false},
		{"size 18", entry(0, 18, good[4:]...), false}, {"size 22", entry(0, 22, append(good[4:], 0, 0)...), false},
		{"longer than its SID", entry(0, 24, append(good[4:len(good):len(good)], 0, 0, 0, 0)...), true},
		{"longer than the list", entry(0, 24, good[4:]...), false}, {"size 65534", entry(0, 65534, good[4:]...), false},
		{"unknown, a header", entry(0x7F, 4), true}, {"unknown, size 6", entry(0x7F, 6, 1, 2), true},
		{"unknown, size 5", entry(0x7F, 5, 1), false}, {"unknown, size 2", entry(0x7F, 2), false},
		{"unknown, size 0", entry(0x7F, 0), false}, {"three bytes", []byte{0x7F, 0, 4}, false},
		{"object", entry(5, 24, append(append(mask, 0, 0, 0, 0), everyone...)...), true},
		{"compound", entry(4, 36, append(append(append(mask, 1, 0, 0, 0), everyone...), everyone...)...), true},
		{"compound, no client", entry(4, 24, append(append(mask, 1, 0, 0, 0), everyone...)...), false},
		{"object, no flags", entry(5, 8, mask...), false}, {"object, size 20", entry(5, 20, good[4:]...), false},
	} {
		for _, before := range [][][]byte{nil, {good}} {
			header := []byte{1, 0, 0x04, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0}
			d, err := sd.Decode(append(header, list(append(before, c.e)...)...))
			check.That(t, (err == nil) == c.ok,
				"S-20: entry %q after %d others: %v, want accepted = %t", c.name, len(before), err, c.ok)
			if c.ok && err == nil && d.DACL().Len() != len(before)+1 {
				t.Errorf("S-20: entry %q: list has %d entries, want %d", c.name, d.DACL().Len(), len(before)+1)
			}
		}
	}
}

// An entry with an index out of range is the zero value, in every method.
func TestMissingEntriesAreZero(t *testing.T) {
	l := sddl.MustParse("D:(OA;;CC;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)(A;;CC;;;WD)").DACL()
	for _, i := range []int{-1, 2, 3, 1 << 20} {
		a := l.At(i)
		check.That(t, a == (sd.ACE{}), "entry %d of a list of two = %v, want the zero entry", i, a)
	}
	for _, x := range []struct {
		l     *sd.ACL
		aux   int32
		there bool
	}{{l, -1, false}, {l, 0, true}, {l, 1, false}, {l, 1 << 30, false}, {nil, 0, false},
		{sddl.MustParse("D:(A;;CC;;;WD)").DACL(), 0, false}} {
		got := x.l.Extra(x.aux)
		check.That(t, (got != nil) == x.there, "Extra(%d) = %v, want one: %v", x.aux, got, x.there)
	}
	var none sd.ACE
	check.That(t, none.Mask() == 0 && none.Flags() == 0 && none.SID().IsZero() && none.AppData() == "" &&
		none.ObjectFlags() == 0 && none.ClientSID().IsZero() && none.ServerSID().IsZero() && none.WithMask(1) == none &&
		none.WithFlags(1) == none && none.WithSID(sid.Everyone) == none && (*sd.ACL)(nil).At(0) == none,
		"an accessor of the zero entry returned a value, want only zero values")
	unknown := check.Must(sd.RawACE(0x7F, 3, []byte("abcd")))
	if unknown.Mask() != 0 || !unknown.SID().IsZero() || unknown.AppData() != "abcd" || unknown.ObjectFlags() != 0 ||
		unknown.WithMask(1) != unknown || unknown.WithFlags(1).Flags() != 1 {
		t.Errorf("entry of an unknown type = %v with mask %#x, want only its data and flags", unknown, unknown.Mask())
	}
	if l, err := sd.NewACL(unknown); err != nil || l.Revision() != 2 {
		t.Errorf("S-16: list of an unknown entry: revision %d, %v, want 2", l.Revision(), err)
	}
	for name, a := range map[string]sd.ACE{"plain": l.At(1), "object": l.At(0)} {
		check.Equal(t, a.WithMask(7).WithMask(a.Mask()), a, "%s: entry after changing its mask twice", name)
		check.Equal(t, a.WithSID(sid.SID{}), a, "%s: entry with the zero SID as trustee", name)
	}
}

// FuzzDecodeACL checks that a decoded list encodes to the same bytes, has the stated number of entries, and takes
// memory in proportion to the input (S-13, S-18, S-20).
func FuzzDecodeACL(f *testing.F) {
	for _, text := range []string{"D:", "D:(A;;FA;;;WD)", `D:(XA;;FX;;;WD;(@User.Title=="PM"))`,
		"D:(OA;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;;AU)"} {
		f.Add([]byte(sddl.MustParse(text).DACL().Binary()))
	}
	f.Add([]byte{2, 0, 8, 0, 0xFF, 0xFF, 0, 0})                                    // entries that are not there
	f.Add([]byte{2, 0, 0xFE, 0xFF, 1, 0, 0, 0})                                    // longer than its bytes
	f.Add(append([]byte{4, 0, 0x10, 0, 2, 0, 0, 0}, 0x99, 0, 4, 0, 0x99, 0, 4, 0)) // unknown types, four bytes each
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			l, n, err := sd.DecodeACL(b)
			ok := sd.ValidACL(b)
			check.That(t, ok == (err == nil), "ValidACL = %t but DecodeACL = %v, want both to agree", ok, err)
			if err != nil {
				return
			}
			check.That(t, bytes.Equal([]byte(l.Binary()), b[:n]) && l.Len() == len(l.Entries()) && l.Len() == len(l.Slice()),
				"list %x was decoded as %x with %d entries, want the same bytes", b[:n], l.Binary(), l.Len())
		})
	})
}
