package sd_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// withDACL is a self-relative descriptor of nothing but this list.
func withDACL(acl []byte) []byte {
	b := []byte{1, 0, 0x04, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0}
	return append(b, acl...)
}

// list is an ACL of these entries, as they are.
func list(entries ...[]byte) []byte {
	b := []byte{4, 0, 0, 0, byte(len(entries)), 0, 0, 0}
	for _, e := range entries {
		b = append(b, e...)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// TestEveryCutIsRefused: no descriptor that ends inside one of its parts is read,
// wherever it ends; bytes behind the last part are (S-22).
func TestEveryCutIsRefused(t *testing.T) {
	for _, text := range []string{"O:BA", "G:SY", "D:(A;;FR;;;WD)", "S:(AU;SA;FR;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)(OA;;RP;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)S:(ML;;NW;;;HI)"} {
		b := sddl.MustParse(text).Append(nil)
		for n := range b {
			d, err := sd.Decode(b[:n])
			var at *sd.DecodeError
			if d != nil || !errors.As(err, &at) || at.Offset > n || at.Offset < 0 {
				t.Fatalf("S-22: %s cut to %d of %d bytes: %v", text, n, len(b), err)
			}
		}
		if _, err := sd.Decode(append(b, 0xFF)); err != nil {
			t.Errorf("S-22: %s with a byte behind it: %v", text, err)
		}
	}
}

// TestOffsets: an offset is 0, or from 20 on, a multiple of 4 and inside; else the
// error names its field (S-22).
func TestOffsets(t *testing.T) {
	whole := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FR;;;WD)").Append(nil)
	for _, field := range []int{4, 8, 12, 16} {
		for _, off := range []uint32{4, 16, 19, 21, 22, uint32(len(whole)), uint32(len(whole)) + 4, 1 << 31, 1<<32 - 4} {
			b := append([]byte(nil), whole...)
			binary.LittleEndian.PutUint32(b[field:], off)
			_, err := sd.Decode(b)
			var at *sd.DecodeError
			if !errors.As(err, &at) || at.Offset != field {
				t.Errorf("S-22: offset %d in field %d: %v", off, field, err)
			}
		}
		b := append([]byte(nil), whole...)
		binary.LittleEndian.PutUint32(b[field:], 0)
		if _, err := sd.Decode(b); err != nil {
			t.Errorf("S-22: no part in field %d: %v", field, err)
		}
	}
}

// TestSizes: the longest descriptor there may be is read, one byte more is not
// (S-29).
func TestSizes(t *testing.T) {
	b := append(sddl.MustParse("O:BA").Append(nil), make([]byte, sd.MaxSize)...)
	for _, c := range []struct {
		size int
		ok   bool
	}{{sd.MaxSize - 1, true}, {sd.MaxSize, true}, {sd.MaxSize + 1, false}} {
		if _, err := sd.Decode(b[:c.size]); (err == nil) != c.ok {
			t.Errorf("S-29: %d bytes: %v", c.size, err)
		}
	}
}

// TestEntrySizes: an entry of any size that lies about itself is refused, and the
// smallest of each kind is read (S-20).
func TestEntrySizes(t *testing.T) {
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
		{"object, no flags", entry(5, 8, mask...), false}, {"object, size 20", entry(5, 20, good[4:]...), false},
	} {
		for _, before := range [][][]byte{nil, {good}} {
			d, err := sd.Decode(withDACL(list(append(before, c.e)...)))
			if (err == nil) != c.ok {
				t.Errorf("S-20: %s behind %d others: %v", c.name, len(before), err)
			}
			if c.ok && err == nil && d.DACL().Len() != len(before)+1 {
				t.Errorf("S-20: %s: %d entries", c.name, d.DACL().Len())
			}
		}
	}
}

// TestLabelFlags: three bits of the flags ask for a label and what it forbids, no
// other does (S-70).
func TestLabelFlags(t *testing.T) {
	c := &sd.Caller{Owner: sid.Administrators, Group: sid.LocalSystem, Integrity: sid.HighLevel}
	for flags, want := range map[sd.AutoInherit]uint32{0: 0, 0x100: 1, 0x200: 2, 0x400: 4, 0x700: 7, 0x800: 0,
		0x8100: 1, 0xF800: 0, 0x10400: 4} {
		r := sd.AssignRequest{Subject: c, Flags: flags | sd.AvoidOwnerCheck | sd.AvoidPrivilegeCheck}
		d, st := sd.Assign(&r)
		if st != ntstatus.Success {
			t.Fatalf("S-70: flags %#x: %v", flags, st)
		}
		var got uint32
		for _, a := range d.SACL().All() {
			got = uint32(a.Mask())
			if a.Type() != sd.SystemMandatoryLabel || a.SID() != sid.HighLevel {
				t.Errorf("S-70: flags %#x: %v", flags, a)
			}
		}
		if got != want {
			t.Errorf("S-70: flags %#x: a label that forbids %#x, want %#x", flags, got, want)
		}
	}
}
