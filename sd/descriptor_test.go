package sd_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// The decoded bytes are kept wherever the canonical ones differ: the order of the parts, gaps, the resource manager's
// byte without its flag, a list whose size is not a multiple of four (S-25).
func TestOriginalBytesAreKept(t *testing.T) {
	everything := parse("O:SYG:S-1-5-21-1-2-3-4D:(A;;FA;;;BA)S:(AU;SA;FR;;;WD)").Binary()
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(everything)) }
	oversized := func(list int) []byte { // a list of two bytes more than its entries need
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
		"canonical form":   everything,
		"one extra byte":   change(func(b []byte) []byte { return append(b, 0) }),
		"four extra bytes": change(func(b []byte) []byte { return append(b, 0, 0, 0, 0) }),
		"other bytes":      change(func(b []byte) []byte { return append(b, 9, 9, 9, 9) }),
		"the RM's byte":    change(func(b []byte) []byte { b[1] = 7; return b }),
		"owner and group the other way round": change(func(b []byte) []byte {
			at := int(b[4])
			group := b[b[8]:]
			moved := append(bytes.Clone(group), b[at:at+12]...)
			copy(b[at:], moved)
			b[8], b[4] = byte(at), byte(at+len(group))
			return b
		}),
		"one SID for both": change(func(b []byte) []byte { b[8] = b[4]; return b[:b[4]+12] }),
		"a SACL of ten":    oversized(0),
		"a DACL of ten":    oversized(1),
	} {
		d, err := sd.Decode(b)
		if err != nil {
			t.Errorf("decoding %s: %v, want no error", name, err)
			continue
		}
		got := d.AppendOriginal([]byte("before"))
		check.That(t, string(got) == "before"+string(b), "%s: AppendOriginal =\n% x\nwant\n% x", name, got[6:], b)
		clone := d.Clone()
		check.That(t, clone.Equal(d) && bytes.Equal(clone.AppendOriginal(nil), d.Append(nil)),
			"%s: the clone is\n% x\nwant\n% x", name, clone.AppendOriginal(nil), d.Append(nil))
		again, err := sd.Decode(d.Append(nil))
		if err != nil || !again.Equal(d) || len(d.Append(nil)) != d.Size() || len(d.Append([]byte("odd"))) != d.Size()+3 {
			t.Errorf("%s: encoded again: %v, %d bytes, Size() = %d, want an equal descriptor of that size",
				name, err, len(d.Append(nil)), d.Size())
		}
	}
}

// Two descriptors are equal if every part and the control bits are equal, except the self-relative bit.
func TestEqualComparesAllParts(t *testing.T) {
	parts := func(text string) sd.Parts { return sddl.MustParse(text).Parts() }
	const text = "O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)"
	same, rm, form := parts(text), parts(text), parts(text)
	rm.Control, rm.RMControl = rm.Control|sd.RMControlValid, 3
	form.Control |= sd.SelfRelative
	otherRM := rm
	otherRM.RMControl = 4
	a := sd.New(same)
	if !a.Equal(sd.New(parts(text))) || !a.Equal(sd.New(form)) || !sd.New(form).Equal(a) || !sd.New(rm).Equal(sd.New(rm)) {
		t.Error("Equal = false for descriptors with equal parts, want true")
	}
	check.That(t, !sd.New(rm).Equal(sd.New(otherRM)) && !a.Equal(sd.New(rm)) && !sd.New(rm).Equal(a),
		"Equal = true for different resource manager control bytes, want false")
	for _, other := range []string{"O:SYG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:BAD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)",
		"O:BAG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)S:(AU;FA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)",
		"O:BAG:SYS:(AU;SA;FA;;;WD)", "O:BAG:SYD:P(A;;FA;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)S:P(AU;SA;FA;;;WD)",
		"O:BAG:SYD:AI(A;;FA;;;WD)S:(AU;SA;FA;;;WD)", "O:BAG:SYD:(A;;FA;;;WD)S:AI(AU;SA;FA;;;WD)"} {
		b := sddl.MustParse(other)
		check.That(t, !a.Equal(b) && !b.Equal(a), "Equal = true for %s and %s, want false", other, text)
	}
}

// A descriptor preserves its original bytes, whatever the order of its parts and the data between and after them and
// in the slack of its lists. Append writes the parts in a fixed order: SACL, DACL, owner, group.
func TestDescriptorKeepsOriginalBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	junk := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.IntN(3)) // zero now and then, as padding mostly is
		}
		return b
	}
	sample := sddl.MustParse("O:BAG:SYD:(A;;GA;;;WD)(D;;CC;;;BG)S:(AU;SA;GA;;;WD)").Parts()
	owner, group := []byte(sample.Owner.Binary()), []byte(sample.Group.Binary())
	fields := map[int]int{} // how often each part was there
	canonical := 0
	for range 4000 {
		list := func(l *sd.ACL) []byte {
			b := append([]byte(l.Binary()), junk(2*r.IntN(2)*r.IntN(5))...)
			binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
			return b
		}
		parts := map[int][]byte{4: owner, 8: group, 12: list(sample.SACL), 16: list(sample.DACL)}
		order := [][]int{{12, 16, 4, 8}, {4, 8, 12, 16}, {8, 16, 12, 4}, {16, 4, 12, 8}}[r.IntN(2)*r.IntN(4)]
		tidy := r.IntN(2) == 0 // without gaps
		b := make([]byte, 20)
		control := uint16(0x8000)
		b[0], b[1] = 1, byte(r.IntN(2)*r.IntN(2))
		for _, field := range order {
			if r.IntN(5) == 0 {
				continue
			}
			fields[field]++
			if !tidy {
				b = append(b, junk(4*r.IntN(3))...)
			}
			control |= map[int]uint16{12: 0x10, 16: 4}[field]
			binary.LittleEndian.PutUint32(b[field:], uint32(len(b)))
			b = append(b, parts[field]...)
			b = append(b, junk((4-len(b)&3)&3)...)
		}
		binary.LittleEndian.PutUint16(b[2:], control)
		if !tidy {
			b = append(b, junk(r.IntN(5))...)
		}
		d, err := sd.Decode(b)
		check.RequireThat(t, err == nil, "decoding %x: %v, want no error", b, err)
		got := d.AppendOriginal(nil)
		check.RequireThat(t, bytes.Equal(got, b), "AppendOriginal =\n%x, want\n%x", got, b)
		written := d.Append(nil)
		again, err := sd.Decode(written)
		check.RequireThat(t, err == nil && again.Equal(d) && bytes.Equal(again.Append(nil), written) &&
			bytes.Equal(again.AppendOriginal(nil), written),
			"%x was encoded again as\n%x, %v, want an equal descriptor", b, written, err)
		if bytes.Equal(written, b) {
			canonical++
		}
		at := uint32(20)
		for _, field := range []int{12, 16, 4, 8} {
			if off := binary.LittleEndian.Uint32(written[field:]); off != 0 {
				check.RequireThat(t, off >= at, "part of field %d is at offset %d, want at least %d", field, off, at)
				at = off
			}
		}
	}
	check.That(t, len(fields) == 4 && canonical >= 200,
		"offset fields %v, %d descriptors in canonical order, want 4 and at least 200", fields, canonical)
}

// TestResourceManagerControlNeedsItsFlag checks that the byte counts only with its flag.
func TestResourceManagerControlNeedsItsFlag(t *testing.T) {
	b := sddl.MustParse("O:BAG:SY").Append(nil)
	for _, flag := range []sd.Control{0, sd.RMControlValid} {
		in := append([]byte(nil), b...)
		in[1], in[3] = 0x5A, byte((sd.SelfRelative|flag)>>8)
		d, err := sd.Decode(in)
		want := uint8(0)
		if flag != 0 {
			want = 0x5A
		}
		check.That(t, err == nil && d.RMControl() == want && d.Parts().RMControl == want,
			"control %v: RMControl = %#x, %v, want %#x", flag, d.RMControl(), err, want)
	}
}
