package kit

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// readsAs adds a question to the suite: decode a binary descriptor. d is the expected result.
func (b *builder) readsAs(bytes []byte, d *oracle.Descriptor, rules ...string) {
	b.add("read_descriptor", HexIn{Hex: hex.EncodeToString(bytes)}, &Out{SDDL: d.SDDL(), Hex: d.Hex()}, rules...)
}

// malformed adds a question to the suite whose bytes are not a valid descriptor. The right answer is an error. rule
// is the rule that the bytes violate.
func (b *builder) malformed(bytes []byte, rule string) {
	b.add("read_descriptor", HexIn{Hex: hex.EncodeToString(bytes)}, nil, rule)
}

// makeBytes builds the suite "bytes": descriptors to read from bytes in several layouts, without some parts,
// and damaged.
func makeBytes(b *builder) {
	r := source(6)
	var samples []*oracle.Descriptor
	for range 400 {
		d := randomObject(r)
		if r.IntN(4) == 0 {
			d.Owner = ""
		}
		if r.IntN(4) == 0 {
			d.Group = ""
		}
		switch r.IntN(8) {
		case 0:
			d.DACL = nil
		case 1:
			d.DACL = &oracle.ACL{Null: true}
		}
		if d.Control = oracle.Word(r.IntN(64)) << 8; d.SACL == nil {
			d.Control &^= oracle.SACLAutoRequest | oracle.SACLAutoInherited | oracle.SACLProtected
		}
		samples = append(samples, d)
		b.readsAs(d.Bytes(), d, "S-22", "S-24")
		b.readsAs(reordered(d), d, "S-25")
		slack := append(d.Bytes(), make([]byte, 4*r.IntN(4))...)
		b.readsAs(slack, d, "S-22")
	}
	for _, d := range []*oracle.Descriptor{{}, {Owner: user}, {Group: user}, {DACL: &oracle.ACL{}},
		{DACL: &oracle.ACL{Null: true}}, {SACL: &oracle.ACL{}}, {SACL: &oracle.ACL{Null: true}}} {
		b.readsAs(d.Bytes(), d, "S-24")
	}
	for i, d := range samples[:24] {
		b.damaged(d, i)
	}
}

// reordered returns the bytes of d with owner and group before the lists, as other writers do.
func reordered(d *oracle.Descriptor) []byte {
	std := d.Bytes()
	head := slices.Clone(std[:20])
	var parts []byte
	for _, at := range []int{4, 8, 12, 16} {
		from := binary.LittleEndian.Uint32(std[at:])
		if from == 0 {
			continue
		}
		n := 8 + 4*int(std[from+1])
		if at >= 12 {
			n = int(binary.LittleEndian.Uint16(std[from+2:]))
		}
		binary.LittleEndian.PutUint32(head[at:], uint32(20+len(parts)))
		parts = append(parts, std[from:int(from)+n]...)
	}
	return append(head, parts...)
}

// damaged adds questions with damaged bytes of d to the suite: cut off, with wrong revisions, and with lengths and
// offsets that leave the descriptor. i selects the lengths to which the bytes are cut.
func (b *builder) damaged(d *oracle.Descriptor, i int) {
	good := d.Bytes()
	for n := i % 3; n < len(good); n += 3 {
		b.malformed(good[:n], "S-22")
	}
	change := func(at int, rule string, v ...byte) {
		bad := slices.Clone(good)
		copy(bad[at:], v)
		b.malformed(bad, rule)
	}
	change(0, "S-23", 0)
	change(0, "S-23", 2)
	change(2, "S-22", good[2], good[3]&^0x80)
	for _, at := range []int{4, 8, 12, 16} {
		from := int(binary.LittleEndian.Uint32(good[at:]))
		if from == 0 {
			continue
		}
		for _, to := range []uint32{1, 19, 4, uint32(len(good)), uint32(len(good)) + 4, 1 << 31, 1<<32 - 4} {
			change(at, "S-22", binary.LittleEndian.AppendUint32(nil, to)...)
		}
		if at < 12 {
			change(from, "S-2", 0)
			change(from, "S-2", 2)
			change(from+1, "S-2", 16)
			change(from+1, "S-2", 255)
			continue
		}
		b.damagedList(good, from, change)
	}
}

// damagedList calls change to damage the list at offset from of good: its header, and its first entry if it has one.
func (b *builder) damagedList(good []byte, from int, change func(int, string, ...byte)) {
	change(from, "S-20", 0)
	change(from, "S-20", 5)
	change(from+2, "S-20", 4, 0)
	change(from+2, "S-20", 0xFF, 0xFF)
	change(from+4, "S-20", 0xFF, 0xFF)
	if binary.LittleEndian.Uint16(good[from+4:]) == 0 {
		return
	}
	first := from + 8
	change(first+2, "S-20", 0, 0)
	change(first+2, "S-20", 4, 0)
	change(first+2, "S-20", 0xFC, 0xFF)
	change(first+2, "S-20", good[first+2]+1)
	if good[first] < oracle.AllowObject || good[first] == oracle.MandatoryLabel {
		change(first+8, "S-2", 9)
		change(first+9, "S-2", 16)
	}
}
