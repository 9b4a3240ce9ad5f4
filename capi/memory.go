//go:build cgo && linux

package main

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
)

// user is an address a C caller passed. It is never converted to a Go pointer:
// it may be anything, and the collector and the stack copier must not see it.
type user uintptr

// memmove is the runtime's; taking addresses as integers keeps hostile values
// out of Go pointers. A fault inside it panics, see guarded.
//
//go:linkname memmove runtime.memmove
//go:noescape
func memmove(to, from, n uintptr)

// scratchSize holds every fixed structure that is read or written here.
const scratchSize = 128

// guarded runs a copy and turns a fault into STATUS_ACCESS_VIOLATION. Only the
// copy itself runs under it, so that a mistake of our own is not mistaken for
// one of the caller.
func guarded(to, from, n uintptr) (st ntstatus.Status) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(runtime.Error); !ok {
				panic(r)
			}
			st = ntstatus.AccessViolation // O-3
		}
	}()
	memmove(to, from, n)
	return ntstatus.Success
}

// lowest is the end of the pages that are never mapped.
const lowest = 0x10000

func (p user) bad(n uintptr) bool {
	return p < lowest || uintptr(p)+n < uintptr(p) || (uintptr(p)+n)>>47 != 0
}

// get copies n bytes of user memory into b.
func get(b []byte, p user) ntstatus.Status {
	if len(b) == 0 {
		return ntstatus.Success
	}
	if p.bad(uintptr(len(b))) {
		return ntstatus.AccessViolation // O-3
	}
	st := guarded(uintptr(unsafe.Pointer(&b[0])), uintptr(p), uintptr(len(b)))
	runtime.KeepAlive(b)
	return st
}

// put copies b to user memory.
func put(p user, b []byte) ntstatus.Status {
	if len(b) == 0 {
		return ntstatus.Success
	}
	if p.bad(uintptr(len(b))) {
		return ntstatus.AccessViolation // O-3
	}
	st := guarded(uintptr(p), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	runtime.KeepAlive(b)
	return st
}

const page = 4096

// probe tests that n bytes can be written, by writing a byte of each page back,
// and that p is a multiple of align (O-3). A length of 0 needs no memory.
func (t *thread) probe(p user, n, align uintptr) ntstatus.Status {
	if n == 0 {
		return ntstatus.Success
	}
	if uintptr(p)%align != 0 {
		return ntstatus.DatatypeMisalignment // O-3
	}
	if p.bad(n) {
		return ntstatus.AccessViolation
	}
	end := uintptr(p) + n - 1
	for at := uintptr(p); ; at = min(at&^(page-1)+page, end) {
		if st := guarded(at, at, 1); st != ntstatus.Success { // a byte, written back
			return st
		}
		if at&^(page-1) == end&^(page-1) {
			return ntstatus.Success
		}
	}
}

func (t *thread) probeHandle(p user) ntstatus.Status { return t.probe(p, 8, 4) }
func (t *thread) probeU32(p user) ntstatus.Status    { return t.probe(p, 4, 4) }

func (t *thread) putU64(p user, v uint64) ntstatus.Status {
	binary.LittleEndian.PutUint64(t.scratch[:], v)
	return put(p, t.scratch[:8])
}

func (t *thread) putU32(p user, v uint32) ntstatus.Status {
	binary.LittleEndian.PutUint32(t.scratch[:], v)
	return put(p, t.scratch[:4])
}

func (t *thread) putByte(p user, v bool) ntstatus.Status {
	t.scratch[0] = 0
	if v {
		t.scratch[0] = 1
	}
	return put(p, t.scratch[:1])
}

func (t *thread) getU32(p user) (uint32, ntstatus.Status) {
	st := get(t.scratch[:4], p)
	return binary.LittleEndian.Uint32(t.scratch[:]), st
}

func (t *thread) getU64(p user) (uint64, ntstatus.Status) {
	st := get(t.scratch[:8], p)
	return binary.LittleEndian.Uint64(t.scratch[:]), st
}

// block copies n bytes of user memory; the copy is the caller's input from then
// on (O-4).
func block(p user, n int, align uintptr) ([]byte, ntstatus.Status) {
	if n == 0 {
		return nil, ntstatus.Success
	}
	if uintptr(p)%align != 0 {
		return nil, ntstatus.DatatypeMisalignment // O-3
	}
	if p.bad(uintptr(n)) {
		return nil, ntstatus.AccessViolation
	}
	if n <= chunk {
		b := make([]byte, n)
		st := get(b, p)
		return b, st
	}
	var b []byte // a count may be a lie: memory is taken as far as there is input
	for len(b) < n {
		part := make([]byte, min(chunk, n-len(b)))
		if st := get(part, p+user(len(b))); st != ntstatus.Success {
			return nil, st
		}
		b = append(b, part...)
	}
	return b, ntstatus.Success
}

const chunk = 1 << 16
