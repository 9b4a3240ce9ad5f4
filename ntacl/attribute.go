package ntacl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/sd"
)

// Names of the attribute. Setting the first needs CAP_SYS_ADMIN. Servers in
// containers use the second.
const (
	Name     = "security.NTACL"
	UserName = "user.NTACL"
)

// WholeName is the attribute by which a mount of refmond serves the whole descriptor, self-relative and without the
// form of [Attribute] (M-50).
const WholeName = "user.ntfs_acl"

// HashSHA256 is the only type of hash. 0 means none.
const HashSHA256 = 1

// Versions of the attribute that [Decode] accepts.
const (
	minVersion = 1
	maxVersion = 4
)

// MaxSize is the maximum size of an attribute, in bytes. It is larger than any
// file system stores.
const MaxSize = sd.MaxSize + 4096

// ErrAttribute is the error that every refusal of an attribute's bytes wraps.
var ErrAttribute = errors.New("invalid NTACL attribute")

// Attribute is the value of the extended attribute. The zero value has no
// version and cannot be written.
//
//	offset size field
//	0      2    version, 1 to 4
//	2      2    version again
//	4      4    reference pointer, not 0
//
// In version 1 the descriptor follows. Version 2 has a second pointer and 16
// bytes of hash before it. Versions 3 and 4 have a second pointer, the type of
// the hashes (2 bytes) and 64 bytes of hash. Version 4 then has the description
// with a terminating zero byte, the time (8 bytes) and the second hash of 64
// bytes. Fields are aligned to 4 bytes, and numbers are little-endian. Offsets
// inside the descriptor count from the start of the attribute.
type Attribute struct {
	Version    uint16
	HashType   uint16   // versions 3 and 4: 0 or HashSHA256
	Hash       [64]byte // of the descriptor the POSIX permissions amounted to; 16 bytes in version 2, none in 1
	What       string   // version 4: description of the data of the second hash, "posix_acl"
	Time       int64    // version 4: when it was written, in units of 100 ns since 1601
	SystemHash [64]byte // version 4: of the POSIX permissions themselves
	Descriptor *sd.Descriptor
}

const (
	pointer1 = 0x00020000 // the number that the marshalling library gives its first pointer
	pointer2 = 0x00020004
)

// Decode decodes an attribute. The error wraps [ErrAttribute] and has the
// offset. For a bad descriptor it also wraps a [*sd.DecodeError], whose offset
// counts from the start of the descriptor.
func Decode(b []byte) (*Attribute, error) {
	a := &Attribute{}
	at, err := a.header(b)
	if err != nil {
		return nil, err
	}
	d, err := sd.Decode(rebase(bytes.Clone(b[at:]), -at))
	if err != nil {
		return nil, fmt.Errorf("%w: descriptor at byte %d: %w", ErrAttribute, at, err)
	}
	a.Descriptor = d
	return a, nil
}

// Split decodes an attribute into a, without the descriptor, and returns the
// descriptor's self-relative bytes. It changes b: the offsets in the returned
// part then count from its own start. The result is a part of b. Split does not
// check the descriptor. Use [sd.Decode] for that. The error wraps
// [ErrAttribute], and b is then unchanged.
func (a *Attribute) Split(b []byte) ([]byte, error) {
	*a = Attribute{}
	at, err := a.header(b)
	if err != nil {
		return nil, err
	}
	return rebase(b[at:], -at), nil
}

// header parses the part of attribute value b before the descriptor into a, and returns the descriptor's offset. A
// value above MaxSize, a version outside 1 to 4, two different versions, and a truncated header are errors, which may
// leave the fields partly set.
func (a *Attribute) header(b []byte) (int, error) {
	if len(b) > MaxSize {
		return 0, refuse(MaxSize, "longer than %d bytes", MaxSize)
	}
	r := reader{b: b}
	a.Version = r.u16()
	again := r.u16()
	switch {
	case r.err != nil:
		return 0, r.err
	case a.Version < minVersion:
		return 0, refuse(0, "version %d, want 1 to 4", a.Version)
	case a.Version > maxVersion:
		return 0, refuse(0, "version %d, want 1 to 4: use a release that knows it", a.Version)
	case again != a.Version:
		return 0, refuse(2, "version %d is repeated as %d", a.Version, again)
	}
	r.pointer()
	if a.Version >= 2 {
		r.pointer()
	}
	switch a.Version {
	case 2:
		r.take(a.Hash[:16])
	case 3, 4:
		a.HashType = r.u16()
		r.take(a.Hash[:])
	}
	if a.Version == 4 {
		a.What = r.text()
		r.align()
		a.Time = int64(uint64(r.u32()) | uint64(r.u32())<<32)
		r.take(a.SystemHash[:])
	}
	r.align()
	return r.i, r.err
}

// Append appends the attribute to dst in the form of the server, with owner,
// group, SACL and DACL in this order. It fails if the version is outside 1 to
// 4, the description contains a zero byte, or there is no descriptor. It then
// returns dst unchanged and an error that wraps [ErrAttribute].
func (a *Attribute) Append(dst []byte) ([]byte, error) {
	switch {
	case a.Version < minVersion || a.Version > maxVersion:
		return dst, fmt.Errorf("%w: version %d, want 1 to 4", ErrAttribute, a.Version)
	case strings.IndexByte(a.What, 0) >= 0:
		return dst, fmt.Errorf("%w: the description holds a zero byte", ErrAttribute)
	case a.Descriptor == nil:
		return dst, fmt.Errorf("%w: there is no descriptor to write", ErrAttribute)
	}
	le := binary.LittleEndian
	start := len(dst)
	dst = le.AppendUint16(le.AppendUint16(dst, a.Version), a.Version)
	dst = le.AppendUint32(dst, pointer1)
	if a.Version >= 2 {
		dst = le.AppendUint32(dst, pointer2)
	}
	switch a.Version {
	case 2:
		dst = append(dst, a.Hash[:16]...)
	case 3, 4:
		dst = append(le.AppendUint16(dst, a.HashType), a.Hash[:]...)
	}
	if a.Version == 4 {
		dst = append(append(dst, a.What...), 0)
		dst = pad(dst, start)
		dst = append(le.AppendUint64(dst, uint64(a.Time)), a.SystemHash[:]...)
	}
	return appendDescriptor(pad(dst, start), start, a.Descriptor), nil
}

// appendDescriptor appends a self-relative descriptor to dst, with its parts in the server's order: owner, group,
// SACL, DACL. Offsets count from start. A missing part has the offset 0.
func appendDescriptor(dst []byte, start int, d *sd.Descriptor) []byte {
	le := binary.LittleEndian
	at := len(dst)
	dst = le.AppendUint16(append(dst, 1, d.RMControl()), uint16(d.Control()))
	dst = append(dst, make([]byte, 16)...)
	for i, part := range [...]string{d.Owner().Binary(), d.Group().Binary(), d.SACL().Binary(), d.DACL().Binary()} {
		if part == "" {
			continue
		}
		le.PutUint32(dst[at+4+4*i:], uint32(len(dst)-start))
		dst = pad(append(dst, part...), start)
	}
	return dst
}

// pad appends zeros to dst until the bytes from start on are a multiple of 4.
func pad(dst []byte, start int) []byte {
	for (len(dst)-start)&3 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// rebase adds n to the four offsets in a descriptor's header, in place. They then count from another start. An offset
// that would become 0 or negative becomes 1, which sd.Decode refuses.
func rebase(out []byte, n int) []byte {
	if len(out) < 20 {
		return out
	}
	for at := 4; at < 20; at += 4 {
		if off := int64(binary.LittleEndian.Uint32(out[at:])); off != 0 {
			if moved := off + int64(n); moved > 0 {
				binary.LittleEndian.PutUint32(out[at:], uint32(moved))
			} else {
				binary.LittleEndian.PutUint32(out[at:], 1) // refused: not aligned
			}
		}
	}
	return out
}

// reader reads the fields of an attribute value b from its start. After the first error, err, it returns zeros.
type reader struct {
	b   []byte
	i   int
	err error
}

// refuse returns an error that wraps ErrAttribute and names the offset at.
func refuse(at int, format string, args ...any) error {
	return fmt.Errorf("%w: at byte %d: %s", ErrAttribute, at, fmt.Sprintf(format, args...))
}

// next returns the next n bytes. If they are missing it stores the error, and from then on returns zeros.
func (r *reader) next(n int) []byte {
	if r.err == nil && len(r.b)-r.i < n {
		r.err = refuse(r.i, "%d bytes are missing", n-(len(r.b)-r.i))
	}
	if r.err != nil {
		return make([]byte, n)
	}
	r.i += n
	return r.b[r.i-n : r.i]
}

// u16 reads a 16-bit number, 0 after an error.
func (r *reader) u16() uint16 { return binary.LittleEndian.Uint16(r.next(2)) }

// u32 reads a 32-bit number, 0 after an error.
func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.next(4)) }

// take reads the next len(dst) bytes into dst, zeros after an error.
func (r *reader) take(dst []byte) { copy(dst, r.next(len(dst))) }

// align skips to the next offset that is a multiple of 4.
func (r *reader) align() { r.next(-r.i & 3) }

// pointer skips a reference pointer. A null pointer is an error.
func (r *reader) pointer() {
	if at := r.i; r.u32() == 0 && r.err == nil {
		r.err = refuse(at, "a pointer is null: there is no descriptor")
	}
}

// text reads a string ended by a zero byte, and moves past it. Without that byte it returns "" and sets r.err. After an
// earlier error it returns "".
func (r *reader) text() string {
	for i := r.i; r.err == nil && i < len(r.b); i++ {
		if r.b[i] == 0 {
			text := r.b[r.i:i]
			r.i = i + 1
			if string(text) == systemACL { // no allocation for the text of almost every attribute
				return systemACL
			}
			return string(text)
		}
	}
	if r.err == nil {
		r.err = refuse(r.i, "the description has no end")
	}
	return ""
}
