package forge

import (
	"encoding/binary"
	"unicode/utf16"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// writer writes a buffer in NDR, type serialization version 1. [newWriter] returns one.
type writer struct {
	b    []byte
	next uint32
}

// newWriter returns a writer after the header and the top-level pointer of an NDR buffer.
func newWriter() *writer {
	w := &writer{b: []byte{1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0, 0, 0, 0, 0, 0, 0, 0}, next: 0x20000}
	w.pointer(true)
	return w
}

// align appends zeros up to the next multiple of n.
func (w *writer) align(n int) {
	for len(w.b)%n != 0 {
		w.b = append(w.b, 0)
	}
}

func (w *writer) u16(v uint16) { w.align(2); w.b = binary.LittleEndian.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32) { w.align(4); w.b = binary.LittleEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64) { w.align(8); w.b = binary.LittleEndian.AppendUint64(w.b, v) }

// time appends a FILETIME as two words.
func (w *writer) time(v int64) { w.u32(uint32(v)); w.u32(uint32(uint64(v) >> 32)) }

// pointer appends an NDR pointer: 0 for NULL if there is false, otherwise the next referent id.
func (w *writer) pointer(there bool) {
	if !there {
		w.u32(0)
		return
	}
	w.u32(w.next)
	w.next += 4
}

// UTF16 returns a text in UTF-16LE without a terminator, nil for "".
func UTF16(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// counted appends the fixed part of an RPC_UNICODE_STRING. Its characters follow later; see text.
func (w *writer) counted(s string) {
	n := uint16(len(UTF16(s)))
	w.u16(n)
	w.u16(n)
	w.pointer(true)
}

// text appends the characters of an RPC_UNICODE_STRING with their counts.
func (w *writer) text(s string) {
	b := UTF16(s)
	w.u32(uint32(len(b) / 2))
	w.u32(0)
	w.u32(uint32(len(b) / 2))
	w.b = append(w.b, b...)
}

// sid appends a SID after the count of its sub-authorities.
func (w *writer) sid(s sid.SID) {
	w.u32(uint32(s.SubAuthorities()))
	w.b = s.AppendBinary(w.b)
}

// memberships appends an array of RIDs with attributes, nothing for no groups.
func (w *writer) memberships(groups []Group) {
	if len(groups) == 0 {
		return
	}
	w.u32(uint32(len(groups)))
	for _, g := range groups {
		w.u32(g.RID)
		w.u32(g.Attributes)
	}
}

// sids appends an array of SIDs with attributes, nothing for no groups.
func (w *writer) sids(groups []token.Group) {
	if len(groups) == 0 {
		return
	}
	w.u32(uint32(len(groups)))
	for _, g := range groups {
		w.pointer(true)
		w.u32(g.Attributes)
	}
	for _, g := range groups {
		w.sid(g.SID)
	}
}

// counts writes a count and the pointer to as many elements.
func (w *writer) counts(n int) {
	w.u32(uint32(n))
	w.pointer(n > 0)
}

// done sets the length in the header and returns the buffer.
func (w *writer) done() []byte {
	w.align(8)
	binary.LittleEndian.PutUint32(w.b[8:], uint32(len(w.b)-16))
	return w.b
}
