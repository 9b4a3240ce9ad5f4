//go:build linux

package marshal

import (
	"unicode/utf16"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// An Encoder builds a structure in the layout of 64-bit Windows for a buffer at Base. Referenced data follows the
// fixed part (T-81). Bytes holds the output so far; its final length is the size that the service reports. The zero
// value is empty.
type Encoder struct {
	Base  Address
	Bytes []byte
}

// U8 appends a BOOLEAN: one byte, 1 for true and 0 for false.
func (e *Encoder) U8(v bool) {
	if v {
		e.Bytes = append(e.Bytes, 1)
	} else {
		e.Bytes = append(e.Bytes, 0)
	}
}

// U16 appends 16 bits in little endian, without padding before them.
func (e *Encoder) U16(v uint16) { e.Bytes = le.AppendUint16(e.Bytes, v) }

// U32 appends 32 bits in little endian, without padding before them.
func (e *Encoder) U32(v uint32) { e.Bytes = le.AppendUint32(e.Bytes, v) }

// U64 appends 64 bits in little endian, without padding before them.
func (e *Encoder) U64(v uint64) { e.Bytes = le.AppendUint64(e.Bytes, v) }

// Align appends zeros until the length is a multiple of n, which must be above 0.
func (e *Encoder) Align(n int) {
	for len(e.Bytes)%n != 0 {
		e.Bytes = append(e.Bytes, 0)
	}
}

// Reserve appends n zero bytes and returns their offset.
func (e *Encoder) Reserve(n int) int {
	at := len(e.Bytes)
	e.Bytes = append(e.Bytes, make([]byte, n)...)
	return at
}

// Here returns the address that the next byte will have in the program.
func (e *Encoder) Here() uint64 { return uint64(e.Base) + uint64(len(e.Bytes)) }

// Point stores the address of the next byte in the 8 bytes at offset at, which must be reserved.
func (e *Encoder) Point(at int) { le.PutUint64(e.Bytes[at:], e.Here()) }

// SID appends a SID in binary form, without padding before it.
func (e *Encoder) SID(s sid.SID) { e.Bytes = s.AppendBinary(e.Bytes) }

// Text appends s as UTF-16 without a terminator and returns its size in bytes, 0 for "".
func (e *Encoder) Text(s string) int {
	u := utf16.Encode([]rune(s))
	for _, c := range u {
		e.U16(c)
	}
	return 2 * len(u)
}

// Privileges appends a TOKEN_PRIVILEGES: the count, then the array. An empty list is the count alone.
func (e *Encoder) Privileges(list []nt.LUIDAndAttributes) {
	e.U32(uint32(len(list)))
	e.PrivilegeArray(list)
}

// PrivilegeArray appends an array of LUID_AND_ATTRIBUTES without its count. An empty list appends nothing.
func (e *Encoder) PrivilegeArray(list []nt.LUIDAndAttributes) {
	for _, p := range list {
		e.U64(uint64(p.LUID))
		e.U32(p.Attributes)
	}
}

// PrivilegeSet appends a PRIVILEGE_SET: the count, the control word and the array. s must not be nil.
func (e *Encoder) PrivilegeSet(s *nt.PrivilegeSet) {
	e.U32(uint32(len(s.Privilege)))
	e.U32(s.Control)
	e.PrivilegeArray(s.Privilege)
}

// GroupArray reserves zeroed SID_AND_ATTRIBUTES entries and returns their offset. Call Fill to write them.
func (e *Encoder) GroupArray(list []token.Group) (at int) { return e.Reserve(16 * len(list)) }

// Fill writes the entries of an array that GroupArray reserved at offset at, and appends their SIDs.
func (e *Encoder) Fill(at int, list []token.Group) {
	for i, g := range list {
		e.Point(at + 16*i)
		le.PutUint32(e.Bytes[at+16*i+8:], g.Attributes)
		e.SID(g.SID)
	}
}

// GroupList appends a TOKEN_GROUPS: the count, the array, then the SIDs. An empty list is the count alone.
func (e *Encoder) GroupList(list []token.Group) {
	e.U64(uint64(len(list)))
	e.Fill(e.GroupArray(list), list)
}

// SIDPointer appends a structure that consists of a pointer to a SID, NULL for the zero SID.
func (e *Encoder) SIDPointer(s sid.SID) {
	at := e.Reserve(8)
	if !s.IsZero() {
		e.Point(at)
		e.SID(s)
	}
}
