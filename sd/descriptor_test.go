package sd_test

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// The decoded bytes are kept wherever the canonical ones differ: the order of the parts, gaps, the resource manager's
// byte without its flag, a list whose size is not a multiple of four (S-25).
func TestOriginalBytesAreKept(t *testing.T) {
	everything := parse("O:SYG:S-1-5-21-1-2-3-4D:(A;;FA;;;BA)S:(AU;SA;FR;;;WD)").Binary()
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(everything)) }
	oversized := func(list int, after byte) []byte { // a list two bytes longer than its entries need
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
				b = append(b, after)
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
		"a gap after the header": change(func(b []byte) []byte {
			for _, field := range []int{4, 8, 12, 16} {
				b[field] += 4
			}
			return append(append(bytes.Clone(b[:20]), 1, 2, 3, 4), b[20:]...)
		}),
		"one SID for both": change(func(b []byte) []byte { b[8] = b[4]; return b[:b[4]+12] }),
		"a SACL of ten":    oversized(0, 0),
		"a DACL of ten":    oversized(1, 0),
		"bytes after it":   oversized(0, 9),
		"after the DACL":   oversized(1, 9),
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
	check.That(t, a.Equal(sd.New(parts(text))) && a.Equal(sd.New(form)) && sd.New(form).Equal(a) &&
		sd.New(rm).Equal(sd.New(rm)), "Equal = false for descriptors with equal parts, want true")
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

// RMControl returns the resource manager control byte only if the control flag RM_CONTROL_VALID is set, and 0
// otherwise. This holds for decoded bytes, for Peek and for New.
func TestResourceManagerControlNeedsItsFlag(t *testing.T) {
	for flag, want := range map[sd.Control]uint8{0: 0, sd.RMControlValid: 0x5A} {
		b := sddl.MustParse("O:BAG:SY").Append(nil)
		b[1], b[3] = 0x5A, byte((sd.SelfRelative|flag)>>8)
		for _, d := range []*sd.Descriptor{check.Must(sd.Decode(b)), sd.New(sd.Parts{Control: flag, RMControl: 0x5A})} {
			check.That(t, d.RMControl() == want && d.Parts().RMControl == want,
				"control %v: RMControl = %#x, want %#x", flag, d.RMControl(), want)
		}
		raw, st := sd.Peek(b)
		check.That(t, st == ntstatus.Success && raw.RMControl == want, "control %v: Peek: %v, %#x, want %#x", flag, st,
			raw.RMControl, want)
	}
}
