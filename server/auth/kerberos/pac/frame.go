package pac

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrInvalid is wrapped by every error about a PAC.
var ErrInvalid = errors.New("invalid PAC")

// MaxSize is the size limit of a PAC in bytes, and maxBuffers limits its buffers.
const (
	MaxSize    = 256 << 10
	maxBuffers = 64
)

// kind is the type of a buffer in a PAC (MS-PAC 2.4).
type kind uint32

const (
	kindLogonInfo    kind = 1
	kindServer       kind = 6
	kindKDC          kind = 7
	kindClientInfo   kind = 10
	kindDelegation   kind = 11
	kindUPN          kind = 12
	kindClientClaims kind = 13
	kindDevice       kind = 14
	kindDeviceClaims kind = 15
	kindTicket       kind = 16
	kindAttributes   kind = 17
	kindRequestor    kind = 18
	kindFull         kind = 19
)

// signature reports whether a buffer of this type is a signature, of the server, the KDC, the ticket or the whole PAC.
func (k kind) signature() bool {
	return k == kindServer || k == kindKDC || k == kindTicket || k == kindFull
}

// buffer is one entry of the table of a PAC: the type and the position of a part.
type buffer struct {
	kind   kind
	at, to int // position of its bytes in the PAC
}

// frame is a PAC divided into its buffers, which are not parsed.
type frame struct {
	data    []byte
	buffers []buffer // in the order of the table
}

// split parses the buffer table of a PAC. Every error wraps ErrInvalid, and the frame must then not be used. Version
// 0, at most maxBuffers buffers and MaxSize bytes are valid. Buffers must be behind the table, aligned, inside the
// PAC and disjoint (K-1). Two signatures of one type are an error (K-2).
func split(data []byte) (frame, error) {
	f := frame{data: data}
	if len(data) < 8 || len(data) > MaxSize {
		return frame{}, fmt.Errorf("%w: it has %d bytes, want 8 to %d", ErrInvalid, len(data), MaxSize)
	}
	n, version := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
	if version != 0 {
		return frame{}, fmt.Errorf("%w: version %d, want 0", ErrInvalid, version)
	}
	if n > maxBuffers || 8+16*int(n) > len(data) {
		return frame{}, fmt.Errorf("%w: a table of %d buffers in %d bytes", ErrInvalid, n, len(data))
	}
	table := 8 + 16*int(n)
	for i := range int(n) {
		e := data[8+16*i:]
		size, offset := binary.LittleEndian.Uint32(e[4:]), binary.LittleEndian.Uint64(e[8:])
		b := buffer{kind: kind(binary.LittleEndian.Uint32(e))}
		// The offset is checked first, so that the sums cannot overflow (K-1).
		if offset > uint64(len(data)) || uint64(size) > uint64(len(data))-offset ||
			offset < uint64(table) || offset%8 != 0 {
			return frame{}, fmt.Errorf("%w: buffer %d of type %d: %d bytes at %d of %d", ErrInvalid, i, b.kind, size,
				offset, len(data))
		}
		b.at, b.to = int(offset), int(offset)+int(size)
		// With two signatures of a type, one could be verified and the other used (K-2).
		if b.kind.signature() && slices.ContainsFunc(f.buffers, func(o buffer) bool { return o.kind == b.kind }) {
			return frame{}, fmt.Errorf("%w: two signatures of type %d", ErrInvalid, b.kind)
		}
		f.buffers = append(f.buffers, b)
	}
	return f, f.checkOverlap()
}

// checkOverlap returns an error that wraps ErrInvalid if two buffers of the PAC overlap, else nil. Adjacent buffers
// do not overlap.
func (f *frame) checkOverlap() error {
	sorted := slices.Clone(f.buffers)
	slices.SortFunc(sorted, func(a, b buffer) int { return a.at - b.at })
	end := 0
	for _, b := range sorted {
		if b.at < end {
			return fmt.Errorf("%w: the buffer of type %d at %d lies in another", ErrInvalid, b.kind, b.at)
		}
		end = b.to
	}
	return nil
}

// find returns the first buffer of a type; further ones are ignored (K-2). ok is false if there is none.
func (f *frame) find(k kind) (b []byte, ok bool) {
	for _, x := range f.buffers {
		if x.kind == k {
			return f.data[x.at:x.to], true
		}
	}
	return nil, false
}
