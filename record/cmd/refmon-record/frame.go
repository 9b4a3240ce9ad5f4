package main

import (
	"encoding/binary"
	"unicode/utf16"
)

// request is one call of an exported function: what its arguments are, and the
// memory they point to. It says nothing about where that memory is, so that it
// can be carried out in another process.
type request struct {
	DLL, Proc string
	Args      []arg
	Buffers   [][]byte
	Fixes     []fix // pointers inside of buffers
}

// arg is a number, or with Buffer > 0 the address of Buffers[Buffer-1].
type arg struct {
	N      uint64
	Buffer int
}

// fix puts the address of the buffer To, plus Offset, at a place in another.
type fix struct{ Buffer, At, To, Offset int }

// reply holds what the call returned, and the buffers as it left them.
type reply struct {
	Return    uint64
	LastError uint32
	Buffers   [][]byte
	Bases     []uint64 // where the buffers were
	Missing   string   // why the function could not be called at all
}

// buffer is a place in a request, 1 for the first buffer; 0 is NULL.
type buffer int

// call starts a request.
func call(dll, proc string) *request { return &request{DLL: dll, Proc: proc} }

// add puts a buffer into the memory of the request.
func (r *request) add(b []byte) buffer {
	r.Buffers = append(r.Buffers, b)
	return buffer(len(r.Buffers))
}

// room adds a buffer of zeros, for a result.
func (r *request) room(n int) buffer { return r.add(make([]byte, n)) }

// wide adds a NUL-terminated UTF-16 string.
func (r *request) wide(s string) buffer { return r.add(wide(s + "\x00")) }

// point makes the 8 bytes at an offset of a buffer point to another; to 0 is NULL.
func (r *request) point(from buffer, at int, to buffer, offset int) {
	if to != 0 {
		r.Fixes = append(r.Fixes, fix{int(from) - 1, at, int(to) - 1, offset})
	}
}

// num adds an argument that is a number.
func (r *request) num(n uint64) *request {
	r.Args = append(r.Args, arg{N: n})
	return r
}

// ptr adds an argument that is a pointer.
func (r *request) ptr(b buffer) *request {
	r.Args = append(r.Args, arg{Buffer: int(b)})
	return r
}

// bytes returns a buffer as the call left it.
func (p *reply) bytes(b buffer) []byte { return p.Buffers[b-1] }

// u32 returns a 32-bit number from the buffer.
func (p *reply) u32(b buffer) uint32 { return binary.LittleEndian.Uint32(p.bytes(b)) }

// u64 returns a 64-bit number from the buffer.
func (p *reply) u64(b buffer) uint64 { return binary.LittleEndian.Uint64(p.bytes(b)) }

// at returns what a pointer that was written into a buffer points to inside of it;
// nil if it points elsewhere.
func (p *reply) at(b buffer, offset int) []byte {
	mem := p.bytes(b)
	if offset+8 > len(mem) {
		return nil
	}
	to := binary.LittleEndian.Uint64(mem[offset:]) - p.Bases[b-1]
	if to >= uint64(len(mem)) {
		return nil
	}
	return mem[to:]
}

// wide returns text in UTF-16.
func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// narrow returns text from UTF-16.
func narrow(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
