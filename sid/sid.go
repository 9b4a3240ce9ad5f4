// Package sid holds security identifiers as small comparable values.
//
// A [SID] is the binary form of MS-DTYP 2.4.2.2 in a string: two words,
// comparable with ==, usable as a map key. It is often a substring of the
// descriptor from which it was decoded and keeps that in memory. [SID.Clone]
// copies it.
//
//	s := sid.MustParse("S-1-5-32-544")
//	fmt.Println(s, s.RID())
//
// The package has no state. Everything may be used from any goroutine.
package sid

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"strings"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
)

// Limits of the binary form (S-1).
const (
	minSize           = 8
	MaxSize           = 68
	MaxSubAuthorities = 15
)

// SID is a security identifier. The zero value is not a SID. IsZero reports it, it
// prints as "", and it equals no real SID.
//
//	offset size field
//	0      1    revision, always 1
//	1      1    number n of sub-authorities, 0 to 15
//	2      6    identifier authority, big-endian
//	8      4n   sub-authorities, little-endian
type SID struct{ b string }

// ErrInvalid is the error that every decoder and parser of SIDs wraps. Its
// status is STATUS_INVALID_SID.
var ErrInvalid = errors.New("invalid SID")

// New returns S-1-authority-subs…. ok is false for more than 15
// sub-authorities, and for an authority of more than 48 bits.
func New(authority uint64, subs ...uint32) (s SID, ok bool) {
	if len(subs) > MaxSubAuthorities || authority>>48 != 0 {
		return SID{}, false
	}
	b := make([]byte, 8, MaxSize)
	binary.BigEndian.PutUint64(b, authority)
	b[0], b[1] = 1, byte(len(subs))
	for _, v := range subs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return SID{string(b)}, true
}

// Decode decodes the SID at the start of b and copies it. size is the number of its bytes. The error wraps
// [ErrInvalid].
func Decode(b []byte) (s SID, size int, err error) {
	s, size, st := DecodeString(unsafe.String(unsafe.SliceData(b), len(b)))
	if st != ntstatus.Success {
		return SID{}, 0, ErrInvalid
	}
	return SID{strings.Clone(s.b)}, size, nil
}

// DecodeString decodes the SID at the start of b without copying it: the SID is a substring of b. size is the number
// of its bytes. The status is STATUS_INVALID_SID if b does not start with a SID.
func DecodeString(b string) (s SID, size int, status ntstatus.Status) {
	// A SID has revision 1 and at most fifteen sub-authorities (S-2).
	if len(b) < minSize || b[0] != 1 || b[1] > MaxSubAuthorities {
		return SID{}, 0, ntstatus.InvalidSID
	}
	size = 8 + 4*int(b[1])
	// All sub-authorities must fit in b (S-1).
	if len(b) < size {
		return SID{}, 0, ntstatus.InvalidSID
	}
	return SID{b[:size]}, size, ntstatus.Success
}

// Equal reports whether s == t. It avoids the call that a string comparison
// makes, because the access check compares SIDs often.
func (s SID) Equal(t SID) bool {
	n := len(s.b)
	if n != len(t.b) {
		return false
	}
	p, q := unsafe.Pointer(unsafe.StringData(s.b)), unsafe.Pointer(unsafe.StringData(t.b))
	if n == 28 { // the usual length: an account or group of a domain
		word := func(i int) uint64 { return *(*uint64)(unsafe.Add(p, i)) ^ *(*uint64)(unsafe.Add(q, i)) }
		return word(0)|word(8)|word(16)|word(20) == 0
	}
	i := 0
	for ; i+8 <= n; i += 8 {
		if *(*uint64)(unsafe.Add(p, i)) != *(*uint64)(unsafe.Add(q, i)) {
			return false
		}
	}
	return i == n || *(*uint32)(unsafe.Add(p, i)) == *(*uint32)(unsafe.Add(q, i)) // the size is 8 + 4n
}

// IsZero reports whether s is the zero value, which is not a SID.
func (s SID) IsZero() bool { return s.b == "" }

// Len returns the size of the binary form in bytes, 0 for the zero value.
func (s SID) Len() int { return len(s.b) }

// Binary returns the binary form, without copying it. It is "" for the zero value.
func (s SID) Binary() string { return s.b }

// AppendBinary appends the binary form to dst, nothing for the zero value.
func (s SID) AppendBinary(dst []byte) []byte { return append(dst, s.b...) }

// Clone returns an equal SID with a copy of its bytes, so that a large buffer that s points into can be freed.
func (s SID) Clone() SID { return SID{strings.Clone(s.b)} }

// Authority returns the 48-bit identifier authority, 0 for the zero value.
func (s SID) Authority() uint64 {
	if s.b == "" {
		return 0
	}
	var a uint64
	for i := 2; i < 8; i++ {
		a = a<<8 | uint64(s.b[i])
	}
	return a
}

// SubAuthorities returns the number of sub-authorities, 0 for the zero value.
func (s SID) SubAuthorities() int {
	if s.b == "" {
		return 0
	}
	return int(s.b[1])
}

// Sub returns sub-authority i, counted from 0. It panics if i is negative or
// there are not more than i.
func (s SID) Sub(i int) uint32 {
	b := s.b[8:] // so that a negative index does not read the authority
	o := 4 * i
	return uint32(b[o]) | uint32(b[o+1])<<8 | uint32(b[o+2])<<16 | uint32(b[o+3])<<24
}

// RID returns the last sub-authority, 0 for a SID without sub-authorities.
func (s SID) RID() uint32 {
	if n := s.SubAuthorities(); n > 0 {
		return s.Sub(n - 1)
	}
	return 0
}

// Prefix returns the SID without its last sub-authority: the domain of an
// account. It returns the zero value if s has no sub-authority.
func (s SID) Prefix() SID {
	n := s.SubAuthorities()
	if n == 0 {
		return SID{}
	}
	b := []byte(s.b[:len(s.b)-4])
	b[1]--
	return SID{string(b)}
}

// WithRID returns s with one more sub-authority. It returns the zero value if s
// has 15 or is zero.
func (s SID) WithRID(rid uint32) SID {
	n := s.SubAuthorities()
	if s.IsZero() || n == MaxSubAuthorities {
		return SID{}
	}
	b := binary.LittleEndian.AppendUint32([]byte(s.b), rid)
	b[1]++
	return SID{string(b)}
}

// EqualPrefix reports whether both have the same authority, the same number
// of sub-authorities and all but the last of these equal (S-4). SIDs without
// sub-authorities never do (S-5).
func (s SID) EqualPrefix(o SID) bool {
	return s.SubAuthorities() > 0 && len(s.b) == len(o.b) && s.b[:len(s.b)-4] == o.b[:len(o.b)-4]
}

// Compare orders SIDs by authority, then lexicographically by sub-authorities,
// the shorter one first (S-3). The result is negative, 0 or positive. The order
// is only for sorting: the zero value sorts like S-1-0.
func (s SID) Compare(other SID) int {
	if s.b == other.b {
		return 0
	}
	if a, b := s.Authority(), other.Authority(); a != b {
		if a < b {
			return -1
		}
		return 1
	}
	n, m := s.SubAuthorities(), other.SubAuthorities()
	for i := range min(n, m) {
		if a, b := s.Sub(i), other.Sub(i); a != b {
			if a < b {
				return -1
			}
			return 1
		}
	}
	return n - m
}

// hashMul is 2^64 divided by the golden ratio, the usual multiplier.
const hashMul = 0x9E3779B97F4A7C15

// Hash returns a 32-bit hash of the binary form, which is equal in every process. Compiled descriptors store it with
// each entry, and tokens index their SIDs by it. Different SIDs can have the same hash, so every match also compares
// the bytes. The zero value has hash 0.
func (s SID) Hash() uint32 {
	n := len(s.b)
	if n < 8 {
		return 0
	}
	p := unsafe.Pointer(unsafe.StringData(s.b))
	h := *(*uint64)(p) * hashMul
	for i := 8; i+8 <= n; i += 8 {
		h = bits.RotateLeft64(h^*(*uint64)(unsafe.Add(p, i)), 29) * hashMul
	}
	if n&4 != 0 { // the size is 8 + 4n, so at most one word is left
		h = bits.RotateLeft64(h^uint64(*(*uint32)(unsafe.Add(p, n-4))), 29) * hashMul
	}
	return uint32(h>>32) ^ uint32(h>>47) // folded: consecutive RIDs must not share their low bits
}
