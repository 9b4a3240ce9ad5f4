package main

import (
	"encoding/binary"
	"unicode/utf16"
)

// request is a call of an exported function with its parameters and the memory that they point to. It contains no
// addresses, so another process can execute it.
type request struct {
	DLL, Proc string
	Args      []arg
	Buffers   [][]byte
	Fixes     []fix // pointers inside of buffers
}

// arg is a parameter: the number N, or with Buffer > 0 the address of Buffers[Buffer-1].
type arg struct {
	N      uint64
	Buffer int
}

// fix is a pointer inside of a buffer, for the process that executes the request to fill in. It stores the address of
// buffer To plus Offset at offset At of buffer Buffer. Both numbers count from 0.
type fix struct{ Buffer, At, To, Offset int }

// reply holds the result of a call and the contents of the buffers after it. If Missing is set, the call was not made.
type reply struct {
	Return    uint64
	LastError uint32
	Buffers   [][]byte
	Bases     []uint64 // where the buffers were
	Missing   string   // why the function could not be called at all
}

// buffer identifies a buffer of a request by its number, from 1. The zero value is a NULL pointer.
type buffer int

// call returns a request to call the function proc of a library, so far without parameters.
func call(dll, proc string) *request { return &request{DLL: dll, Proc: proc} }

// add adds a buffer with the contents b, which it keeps, to the request's memory. It returns the buffer, for pointers
// to it.
func (r *request) add(b []byte) buffer {
	r.Buffers = append(r.Buffers, b)
	return buffer(len(r.Buffers))
}

// room adds a buffer of n zeros for an output.
func (r *request) room(n int) buffer { return r.add(make([]byte, n)) }

// wide adds a buffer with a zero-terminated UTF-16 string.
func (r *request) wide(s string) buffer { return r.add(wide(s + "\x00")) }

// point makes the pointer at offset at of a buffer refer to an offset of buffer to. With to 0 it stays NULL.
func (r *request) point(from buffer, at int, to buffer, offset int) {
	if to != 0 {
		r.Fixes = append(r.Fixes, fix{int(from) - 1, at, int(to) - 1, offset})
	}
}

// num adds a parameter that is a number. It returns r, for further parameters.
func (r *request) num(n uint64) *request {
	r.Args = append(r.Args, arg{N: n})
	return r
}

// ptr adds a parameter that is a pointer to a buffer of the request. It returns r, for further parameters.
func (r *request) ptr(b buffer) *request {
	r.Args = append(r.Args, arg{Buffer: int(b)})
	return r
}

// bytes returns the contents of a buffer after the call. It panics for buffer 0.
func (p *reply) bytes(b buffer) []byte { return p.Buffers[b-1] }

// u32 returns the 32-bit number at the start of a buffer after the call.
func (p *reply) u32(b buffer) uint32 { return binary.LittleEndian.Uint32(p.bytes(b)) }

// u64 returns the 64-bit number at the start of a buffer after the call.
func (p *reply) u64(b buffer) uint64 { return binary.LittleEndian.Uint64(p.bytes(b)) }

// at follows the pointer at an offset of a buffer and returns the bytes from there to the buffer's end. It returns nil
// for a pointer to outside of the same buffer, such as NULL.
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

// wide encodes a text in UTF-16, little endian, without a terminator.
func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// narrow decodes UTF-16, little endian. It ignores an odd last byte.
func narrow(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
