package sd_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// TestOriginalBytesOfAnyLayout: a descriptor is kept byte for byte, in whatever order its parts stand, with whatever is
// between and behind them and in the slack of its lists, and is written in our order: SACL, DACL, owner, group.
func TestOriginalBytesOfAnyLayout(t *testing.T) {
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
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if got := d.AppendOriginal(nil); !bytes.Equal(got, b) {
			t.Fatalf("kept as\n%x, was\n%x", got, b)
		}
		written := d.Append(nil)
		again, err := sd.Decode(written)
		if err != nil || !again.Equal(d) || !bytes.Equal(again.Append(nil), written) ||
			!bytes.Equal(again.AppendOriginal(nil), written) {
			t.Fatalf("%x is written as\n%x, %v", b, written, err)
		}
		if bytes.Equal(written, b) {
			canonical++
		}
		at := uint32(20)
		for _, field := range []int{12, 16, 4, 8} {
			if off := binary.LittleEndian.Uint32(written[field:]); off != 0 {
				if off < at {
					t.Fatalf("the part at field %d stands at %d, before %d", field, off, at)
				}
				at = off
			}
		}
	}
	if len(fields) != 4 || canonical < 200 {
		t.Errorf("parts %v, %d in our order", fields, canonical)
	}
}
