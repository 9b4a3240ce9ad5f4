package pac

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"github.com/refmon/refmon/sid"
)

// reader parses an NDR buffer: type serialisation version 1, little endian (MS-RPCE 2.2.6). After
// the first error every read returns zero, and err has its position. Alignment counts from the
// start of the buffer.
type reader struct {
	b   []byte
	at  int
	err error
}

// header is the size of the fields before the structure: version, byte order, header size and
// filler, then the structure's size and filler.
const header = 16

// newReader returns a reader for the contents of NDR data. what names the structure in errors. A null top-level
// pointer and another version or byte order set r.err (K-3). After an error the reader reads nothing. Bytes after the
// stated length are ignored.
func newReader(b []byte, what string) *reader {
	r := &reader{b: b}
	if len(b) < header || binary.LittleEndian.Uint32(b) != 0x00081001 {
		r.err = fmt.Errorf("%w: %s: not in NDR, version 1, little endian", ErrInvalid, what)
		return r
	}
	if n := binary.LittleEndian.Uint32(b[8:]); uint64(n) > uint64(len(b)-header) || n%8 != 0 {
		r.err = fmt.Errorf("%w: %s: says it has %d bytes, and has %d", ErrInvalid, what, n, len(b)-header)
		return r
	} else {
		r.b = b[:header+int(n)]
	}
	r.at = header
	if !r.pointer() {
		r.fail("%s: the top-level pointer is null", what)
	}
	return r
}

// fail makes the reader stop with an error that names the position, unless there is one already.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: at %d: %s", ErrInvalid, r.at, fmt.Sprintf(format, args...))
	}
}

// take returns the next n bytes as a part of the input and moves past them. If fewer are left it sets r.err. After an
// error it returns nil. A negative n is too many.
func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b)-r.at {
		r.fail("%d bytes of %d that are left", n, len(r.b)-r.at)
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

// align skips padding, up to the next multiple of n.
func (r *reader) align(n int) { r.take(-r.at & (n - 1)) }

// u16 reads an aligned 16-bit number, 0 after an error.
func (r *reader) u16() uint16 {
	r.align(2)
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// u32 reads an aligned 32-bit number, 0 after an error.
func (r *reader) u32() uint32 {
	r.align(4)
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// u64 reads a 64-bit number aligned to 8 bytes, 0 after an error.
func (r *reader) u64() uint64 {
	r.align(8)
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// fileTime reads a FILETIME, two aligned words.
func (r *reader) fileTime() int64 {
	low, high := r.u32(), r.u32()
	return int64(uint64(high)<<32 | uint64(low))
}

// pointer reads an NDR pointer (a referent ID) and reports whether it is not null. Its value has no other meaning.
func (r *reader) pointer() bool { return r.u32() != 0 }

// array reads the header of a counted array and returns the number of elements. The array's maximum must equal count,
// and the remaining bytes must suffice. If not, r.err is set and the result is 0. A null pointer (there is false)
// returns 0, and count must be 0 (K-4).
func (r *reader) array(there bool, count uint32, size int, what string) int {
	if !there {
		if count != 0 {
			r.fail("%d %s at a null pointer", count, what)
		}
		return 0
	}
	if maximum := r.u32(); maximum != count {
		r.fail("%d %s in an array of %d", count, what, maximum)
	}
	if r.err != nil || uint64(count)*uint64(size) > uint64(len(r.b)-r.at) {
		r.fail("%d %s in %d bytes", count, what, len(r.b)-r.at)
		return 0
	}
	return int(count)
}

// sid reads a SID: a count, then the binary form with as many sub-authorities (K-4). It sets r.err if they differ.
// After an error it returns the zero SID.
func (r *reader) sid() sid.SID {
	n := r.u32()
	if r.err != nil {
		return sid.SID{}
	}
	if n > sid.MaxSubAuthorities {
		r.fail("a SID with %d sub-authorities", n)
		return sid.SID{}
	}
	s, _, err := sid.Decode(r.take(8 + 4*int(n)))
	switch {
	case r.err != nil:
	case err != nil:
		r.fail("%v", err)
	case s.SubAuthorities() != int(n):
		r.fail("a SID with %d sub-authorities in an array of %d", s.SubAuthorities(), n)
	default:
		return s
	}
	return sid.SID{}
}

// counted is the fixed part of an RPC_UNICODE_STRING: its length, and whether characters follow.
type counted struct {
	bytes uint16
	there bool
}

// counted reads the head of an RPC_UNICODE_STRING: length, capacity and whether it has a pointer. Impossible lengths
// set r.err (K-4).
func (r *reader) counted() counted {
	n, most := r.u16(), r.u16()
	c := counted{bytes: n, there: r.pointer()}
	if n%2 != 0 || most < n || !c.there && n != 0 {
		// A text has whole characters, and a pointer if it is not empty (K-4).
		r.fail("a text of %d bytes in %d, there %t", n, most, c.there)
	}
	return c
}

// text reads the characters of a counted string, and returns "" without reading if there is none. A length that differs
// from that in c sets r.err and gives "".
func (r *reader) text(c counted) string {
	if !c.there {
		return ""
	}
	maximum, offset, actual := r.u32(), r.u32(), r.u32()
	if offset != 0 || actual > maximum || actual != uint32(c.bytes)/2 {
		r.fail("a text of %d bytes as %d characters from %d of %d", c.bytes, actual, offset, maximum)
	}
	return utf16Text(r.take(int(c.bytes)))
}

// terminated reads a string that ends with NUL, as in claims, and returns it without the NUL; other NULs stay. A wrong
// length sets r.err and gives "". A string without NUL sets r.err, too.
func (r *reader) terminated() string {
	maximum, offset, actual := r.u32(), r.u32(), r.u32()
	if r.err != nil || offset != 0 || actual == 0 || actual > maximum || uint64(actual)*2 > uint64(len(r.b)-r.at) {
		r.fail("a text of %d characters from %d of %d", actual, offset, maximum)
		return ""
	}
	b := r.take(2 * int(actual))
	if b[len(b)-2] != 0 || b[len(b)-1] != 0 {
		r.fail("a text without its end")
	}
	return utf16Text(b[:len(b)-2])
}

// utf16Text decodes UTF-16; an unpaired surrogate becomes U+FFFD.
func utf16Text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
