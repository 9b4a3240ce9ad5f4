//go:build linux

package marshal

import (
	"github.com/refmon/refmon/claims"
)

// attributeHeader starts a list of claims: it appends the list's header and count zeroed entries of size bytes. It
// returns the offset of the first entry. Without entries the pointer is NULL.
func (e *Encoder) attributeHeader(count, size int) (at int) {
	e.U16(1)
	e.U16(0)
	e.U32(uint32(count))
	p := e.Reserve(8)
	if count > 0 {
		e.Point(p)
	}
	return e.Reserve(size * count)
}

// Claims appends CLAIM_SECURITY_ATTRIBUTES_INFORMATION: strings are pointers to text with a terminator. An empty list
// is the header alone.
func (e *Encoder) Claims(list []claims.Attribute) {
	at := e.attributeHeader(len(list), 32)
	for i := range list {
		a, h := &list[i], at+32*i
		le.PutUint16(e.Bytes[h+8:], uint16(a.Type))
		le.PutUint32(e.Bytes[h+12:], a.Flags)
		le.PutUint32(e.Bytes[h+16:], uint32(a.Len()))
		e.Point(h + 24)
		if a.Type == claims.String {
			p := e.Reserve(8 * len(a.Strings))
			for j, s := range a.Strings {
				e.Point(p + 8*j)
				e.Text(s)
				e.U16(0)
			}
		} else {
			e.values(a)
		}
		e.Point(h)
		e.Text(a.Name)
		e.U16(0)
		e.Align(8)
	}
}

// TokenAttributes appends a TOKEN_SECURITY_ATTRIBUTES_INFORMATION with counted strings. An empty list is the header
// alone.
func (e *Encoder) TokenAttributes(list []claims.Attribute) {
	at := e.attributeHeader(len(list), 40)
	for i := range list {
		a, h := &list[i], at+40*i
		le.PutUint16(e.Bytes[h+16:], uint16(a.Type))
		le.PutUint32(e.Bytes[h+20:], a.Flags)
		le.PutUint32(e.Bytes[h+24:], uint32(a.Len()))
		e.Point(h + 32)
		if a.Type == claims.String {
			p := e.Reserve(16 * len(a.Strings))
			for j, s := range a.Strings {
				e.Counted(p+16*j, s)
			}
		} else {
			e.values(a)
		}
		e.Counted(h, a.Name)
		e.Align(8)
	}
}

// maxCounted is the length of the longest UNICODE_STRING in bytes.
const maxCounted = 1<<16 - 2

// Counted appends text without a NUL and stores its UNICODE_STRING at offset at, which must be reserved. The string has
// at most the first maxCounted bytes, as with RtlInitUnicodeString.
func (e *Encoder) Counted(at int, s string) {
	e.Point(at + 8)
	n := uint16(min(e.Text(s), maxCounted))
	le.PutUint16(e.Bytes[at:], n)
	le.PutUint16(e.Bytes[at+2:], n)
}

// values appends the values of an attribute that are not strings. SIDs and octets have an array of lengths and
// pointers first. A claim without values appends nothing.
func (e *Encoder) values(a *claims.Attribute) {
	for _, v := range a.Ints {
		e.U64(uint64(v))
	}
	for _, v := range a.Uints {
		e.U64(v)
	}
	p := e.Reserve(16 * (len(a.SIDs) + len(a.Octets)))
	blob := func(b []byte) {
		e.Point(p)
		le.PutUint32(e.Bytes[p+8:], uint32(len(b)))
		e.Bytes = append(e.Bytes, b...)
		p += 16
	}
	for _, s := range a.SIDs {
		blob([]byte(s.Binary()))
	}
	for _, b := range a.Octets {
		blob(b)
	}
}
