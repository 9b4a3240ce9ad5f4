//go:build linux

package marshal

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// maxClaims limits the memory for the attributes of one list, in bytes.
const maxClaims = 1 << 20

// attributeReader copies a list of claims from the program's memory. left is how many bytes it may still copy, which
// limits a list whose values all point to the same text.
type attributeReader struct {
	*Memory
	left int
}

// attributeSize is the size of TOKEN_SECURITY_ATTRIBUTE_V1.
const attributeSize = 40

// TokenAttributesAt copies a TOKEN_SECURITY_ATTRIBUTES_INFORMATION; NULL is nil. A version other than 1 gives
// STATUS_INVALID_PARAMETER. A misaligned address is STATUS_DATATYPE_MISALIGNMENT. The result is a copy. A list without
// elements is empty, not nil. More than maxClaims bytes in all are STATUS_INSUFFICIENT_RESOURCES.
func (m *Memory) TokenAttributesAt(p Address) ([]claims.Attribute, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [16]byte
	// A structure begins at a multiple of 4 (O-3).
	if p%4 != 0 {
		return nil, ntstatus.DatatypeMisalignment
	}
	if st := m.Read(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	if le.Uint16(h[:]) != 1 {
		return nil, ntstatus.InvalidParameter // 1 is the only version
	}
	r := attributeReader{m, maxClaims}
	b, st := r.array(Address(le.Uint64(h[8:])), le.Uint32(h[4:]), attributeSize)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]claims.Attribute, len(b)/attributeSize)
	for i := range list {
		if list[i], st = r.attribute(b[attributeSize*i:]); st != ntstatus.Success {
			return nil, st
		}
	}
	return list, ntstatus.Success
}

// array copies n elements of size bytes and counts them against the limit. It returns STATUS_INSUFFICIENT_RESOURCES if
// they exceed the remaining memory.
func (r *attributeReader) array(p Address, n uint32, size int) ([]byte, ntstatus.Status) {
	if uint64(n)*uint64(size) > uint64(r.left) {
		return nil, ntstatus.InsufficientResources
	}
	r.left -= int(n) * size
	return r.Block(p, int(n)*size, 1)
}

// text copies the text of a UNICODE_STRING. A length beyond the remaining memory gives STATUS_INSUFFICIENT_RESOURCES,
// another odd one STATUS_INVALID_PARAMETER. An odd length and that of an unreadable text still reduce left.
func (r *attributeReader) text(b []byte) (string, ntstatus.Status) {
	n := int(le.Uint16(b))
	if n > r.left {
		return "", ntstatus.InsufficientResources
	}
	r.left -= n
	if n%2 != 0 {
		return "", ntstatus.InvalidParameter
	}
	return r.TextAt(Address(le.Uint64(b[8:])), n)
}

// terminated copies zero-terminated text. It returns STATUS_INSUFFICIENT_RESOURCES if text and terminator exceed the
// remaining memory. Only the text reduces left.
func (r *attributeReader) terminated(p Address) (string, ntstatus.Status) {
	s, n, st := r.zeroTerminated(p, r.left/2)
	if st == ntstatus.InvalidParameter {
		return "", ntstatus.InsufficientResources
	}
	r.left -= 2 * n
	return s, st
}

// attribute reads the attribute whose fixed part is b, with its name and values. It returns the status of the first
// unreadable or malformed part, and the parts before it in a.
func (r *attributeReader) attribute(b []byte) (a claims.Attribute, st ntstatus.Status) {
	if a.Name, st = r.text(b); st != ntstatus.Success {
		return a, st
	}
	a.Type, a.Flags = claims.Type(le.Uint16(b[16:])), le.Uint32(b[20:])
	size := 8
	switch a.Type {
	case claims.String, claims.SID, claims.Octets:
		size = 16
	}
	n := le.Uint32(b[24:])
	values, st := r.array(Address(le.Uint64(b[32:])), n, size)
	for i := 0; i < int(n) && st == ntstatus.Success; i++ {
		st = r.value(&a, values[size*i:])
	}
	return a, st
}

// value decodes one value of a claim, whose array element is b, and appends it to a. An unknown type of attribute is
// STATUS_INVALID_PARAMETER. A text or SID that cannot be read gives its status, with the value appended.
func (r *attributeReader) value(a *claims.Attribute, b []byte) (st ntstatus.Status) {
	switch a.Type {
	case claims.Int64:
		a.Ints = append(a.Ints, int64(le.Uint64(b)))
	case claims.Uint64, claims.Boolean:
		a.Uints = append(a.Uints, le.Uint64(b))
	case claims.String:
		var s string
		s, st = r.text(b)
		a.Strings = append(a.Strings, s)
	case claims.SID:
		var s sid.SID
		s, st = r.SIDAt(Address(le.Uint64(b)))
		a.SIDs = append(a.SIDs, s)
	case claims.Octets:
		var o []byte
		o, st = r.array(Address(le.Uint64(b)), le.Uint32(b[8:]), 1)
		a.Octets = append(a.Octets, o)
	default:
		return ntstatus.InvalidParameter
	}
	return st
}

// NamesAt copies an array of n UNICODE_STRINGs, nil for 0. It returns the status of the first unreadable one, and
// STATUS_INSUFFICIENT_RESOURCES for more than maxClaims bytes in all.
func (m *Memory) NamesAt(p Address, n uint32) ([]string, ntstatus.Status) {
	r := attributeReader{m, maxClaims}
	b, st := r.array(p, n, 16)
	if st != ntstatus.Success {
		return nil, st
	}
	var list []string
	for ; len(b) > 0; b = b[16:] {
		s, st := r.text(b)
		if st != ntstatus.Success {
			return nil, st
		}
		list = append(list, s)
	}
	return list, ntstatus.Success
}
