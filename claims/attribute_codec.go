package claims

import (
	"encoding/binary"
	"fmt"

	"github.com/refmon/refmon/sid"
)

// Layout of CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1 (MS-DTYP 2.4.10.1). Offsets
// count from the start of the structure.
//
//	offset size field
//	0      4    offset of the name, UTF-16 with a NUL
//	4      2    value type
//	6      2    reserved, 0
//	8      4    flags
//	12     4    number n of values
//	16     4n   offset of each value
//
// A value is 8 bytes (integers, booleans), UTF-16 with a NUL, or a u32 length
// and that many bytes (SIDs, octet strings).
const attributeHeader = 16

// maxDecoded bounds the sum of all value sizes: values may overlap, and
// without it a small structure could name a large string thousands of times.
const maxDecoded = 1 << 16

// DecodeAttribute decodes the application data of a resource-attribute entry. Name and values may be anywhere within
// b, aligned or not. It accepts duplicate values. The error wraps [ErrAttribute]. It refuses the whole attribute for
// one bad value, or if the values take more than 64 KiB.
func DecodeAttribute(b []byte) (Attribute, error) {
	if len(b) < attributeHeader {
		return Attribute{}, fmt.Errorf("%w: %d bytes, at least %d", ErrAttribute, len(b), attributeHeader)
	}
	u32 := binary.LittleEndian.Uint32
	a := Attribute{Type: Type(binary.LittleEndian.Uint16(b[4:])), Flags: u32(b[8:])}
	n := u32(b[12:])
	if n > MaxValues || int(n) > (len(b)-attributeHeader)/4 {
		return Attribute{}, fmt.Errorf("%w: %d values do not fit", ErrAttribute, n)
	}
	name, _, err := decodeTerminated(b, u32(b))
	if err != nil {
		return Attribute{}, fmt.Errorf("%w: the name: %w", ErrAttribute, err)
	}
	a.Name = name
	if err := a.validateHead(); err != nil {
		return Attribute{}, err
	}
	a.grow(int(n))
	left := maxDecoded
	for i := range int(n) {
		used, err := a.decodeValue(b, u32(b[attributeHeader+4*i:]))
		if err == nil && used > left {
			err = fmt.Errorf("the values overlap and take more than %d bytes", maxDecoded)
		}
		// A value that cannot be read fails the whole attribute (S-33).
		if err != nil {
			return Attribute{}, fmt.Errorf("%w %q: value %d: %w", ErrAttribute, a.Name, i, err)
		}
		left -= used
	}
	a.setOrder()
	return a, nil
}

// grow allocates memory for n values of the attribute's type. It allocates none for n = 0.
func (a *Attribute) grow(n int) {
	if n == 0 {
		return
	}
	switch a.Type {
	case Int64:
		a.Ints = make([]int64, 0, n)
	case Uint64, Boolean:
		a.Uints = make([]uint64, 0, n)
	case String:
		a.Strings = make([]string, 0, n)
	case SID:
		a.SIDs = make([]sid.SID, 0, n)
	case Octets:
		a.Octets = make([][]byte, 0, n)
	}
}

// decodeValue decodes one value of the attribute, at an offset of b, and appends it to the attribute's values. size is
// its number of bytes. It fails if the value is not within b, or is not one of the attribute's type.
func (a *Attribute) decodeValue(b []byte, offset uint32) (size int, err error) {
	switch a.Type {
	case String:
		s, used, err := decodeTerminated(b, offset)
		a.Strings = append(a.Strings, s)
		return used, err
	case SID, Octets:
		p, err := decodeCounted(b, offset)
		if err != nil {
			return 0, err
		}
		if a.Type == Octets {
			a.Octets = append(a.Octets, append([]byte{}, p...))
			return 4 + len(p), nil
		}
		s, n, err := sid.Decode(p)
		if err != nil || n != len(p) {
			return 0, fmt.Errorf("%d bytes that are not a SID", len(p))
		}
		a.SIDs = append(a.SIDs, s)
		return 4 + len(p), nil
	}
	if uint64(offset)+8 > uint64(len(b)) {
		return 0, fmt.Errorf("offset %d is out of range", offset)
	}
	v := binary.LittleEndian.Uint64(b[offset:])
	switch {
	case a.Type == Int64:
		a.Ints = append(a.Ints, int64(v))
	case a.Type == Boolean && v > 1:
		return 0, fmt.Errorf("boolean %d, want 0 or 1", v)
	default:
		a.Uints = append(a.Uints, v)
	}
	return 8, nil
}

// decodeTerminated decodes the UTF-16 string at an offset of b, which a NUL ends. size is its number of bytes with the
// NUL. It fails for an offset out of range, and if no NUL follows.
func decodeTerminated(b []byte, offset uint32) (s string, size int, err error) {
	if uint64(offset) > uint64(len(b)) {
		return "", 0, fmt.Errorf("offset %d is out of range", offset)
	}
	p := b[offset:]
	for i := 0; i+1 < len(p); i += 2 {
		if p[i] == 0 && p[i+1] == 0 {
			return decodeUTF16(string(p[:i])), i + 2, nil
		}
	}
	return "", 0, fmt.Errorf("no terminating NUL after offset %d", offset)
}

// decodeCounted returns the bytes of a SID or octet string at an offset of b, where a 32-bit length precedes them. It
// does not copy them. It fails if they are not all within b.
func decodeCounted(b []byte, offset uint32) ([]byte, error) {
	if uint64(offset)+4 > uint64(len(b)) {
		return nil, fmt.Errorf("offset %d is out of range", offset)
	}
	n := binary.LittleEndian.Uint32(b[offset:])
	p := b[offset+4:]
	if uint64(n) > uint64(len(p)) {
		return nil, fmt.Errorf("length %d at offset %d passes the end", n, offset)
	}
	return p[:n], nil
}

// Append appends the binary form that Windows writes to dst: header, offsets,
// name, then each value without alignment, and zero bytes up to a multiple of 4
// (S-30). For an attribute that Validate refuses, the appended bytes need not
// decode.
func (a *Attribute) Append(dst []byte) []byte {
	n := a.Len()
	start := len(dst)
	dst = append(dst, make([]byte, attributeHeader+4*n)...)
	le := binary.LittleEndian
	put := func(field int) { le.PutUint32(dst[start+field:], uint32(len(dst)-start)) }
	put(0)
	le.PutUint16(dst[start+4:], uint16(a.Type))
	le.PutUint32(dst[start+8:], a.Flags)
	le.PutUint32(dst[start+12:], uint32(n))
	dst = append(appendUTF16(dst, a.Name), 0, 0)
	for i := range n {
		put(attributeHeader + 4*i)
		switch a.Type {
		case String:
			dst = append(appendUTF16(dst, a.Strings[i]), 0, 0)
		case SID:
			dst = le.AppendUint32(dst, uint32(a.SIDs[i].Len()))
			dst = a.SIDs[i].AppendBinary(dst)
		case Octets:
			dst = le.AppendUint32(dst, uint32(len(a.Octets[i])))
			dst = append(dst, a.Octets[i]...)
		case Int64:
			dst = le.AppendUint64(dst, uint64(a.Ints[i]))
		default:
			dst = le.AppendUint64(dst, a.Uints[i])
		}
	}
	for (len(dst)-start)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}
