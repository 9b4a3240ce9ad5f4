//go:build linux

package marshal

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"github.com/refmon/refmon/ntstatus"
)

// An Address is a pointer of a C caller. It is never converted to a Go pointer, because it may be invalid, and the
// garbage collector and the stack copier must not see it.
type Address uintptr

// ScratchSize is the size of the largest fixed structure that is read or written at once.
const ScratchSize = 128

// A Memory accesses the process's memory for the calls of one thread, and belongs to it. Its methods return
// STATUS_ACCESS_VIOLATION if they cannot access memory that they need, also for NULL unless they say otherwise. After a
// failure a result has no meaning. The zero value has no stack frames recorded and probes every address.
type Memory struct {
	Scratch [ScratchSize]byte // for a structure under way

	low, high uintptr  // the caller's frames: [low, high)
	readable  pageList // pages that could be read during this call
	writable  pageList // pages that could be written during this call
	descriptors
}

// Frames sets the part of the stack that contains the caller's frames, which stays accessible during the call. It
// forgets all probed pages and returns the previous part.
func (m *Memory) Frames(low, high uintptr) (oldLow, oldHigh uintptr) {
	oldLow, oldHigh = m.low, m.high
	m.low, m.high = low, high
	m.Forget()
	return oldLow, oldHigh
}

// Forget forgets all probed pages. Call it after a wait, during which the program may have unmapped memory.
func (m *Memory) Forget() { m.readable, m.writable = pageList{}, pageList{} }

// take and put copy n bytes from or to user memory with the runtime's memmove. A user address is an integer, so that
// a hostile one never becomes a Go pointer. The address of our memory is a pointer, because the runtime may move the
// stack. A fault panics; see guarded.
//
//go:linkname take runtime.memmove
//go:noescape
func take(to unsafe.Pointer, from, n uintptr)

//go:linkname put runtime.memmove
//go:noescape
func put(to uintptr, from unsafe.Pointer, n uintptr)

// guarded copies n bytes between this program's memory and probed user memory. If into is true, the bytes come from
// user memory. If into is false, they go to user memory. Memory that another thread has unmapped is
// STATUS_ACCESS_VIOLATION, as long as the Go runtime handles SIGSEGV.
func guarded(ours unsafe.Pointer, user, n uintptr, into bool) (st ntstatus.Status) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(runtime.Error); !ok {
				panic(r)
			}
			// The memory cannot be used (O-3).
			st = ntstatus.AccessViolation
		}
	}()
	if into {
		take(ours, user, n)
	} else {
		put(user, ours, n)
	}
	return ntstatus.Success
}

// lowest is the first address that can be mapped.
const lowest = 0x10000

// bad reports whether n bytes at p cannot be in a program's address space, so that no access is attempted.
func (p Address) bad(n uintptr) bool {
	return p < lowest || uintptr(p)+n < uintptr(p) || (uintptr(p)+n)>>47 != 0
}

// framed reports whether n bytes at p are in the caller's stack frames, which need no probe.
func (m *Memory) framed(p Address, n uintptr) bool {
	return uintptr(p) >= m.low && uintptr(p) < m.high && n <= m.high-uintptr(p)
}

// Expect announces a later read at p, so that one system call can probe its page together with the next one.
func (m *Memory) Expect(p Address) {
	if m.readable.expected = 0; !p.bad(1) && !m.framed(p, 1) {
		m.readable.expected = uintptr(p) &^ (page - 1)
	}
}

// Read copies len(b) bytes of user memory into b. Inaccessible memory gives STATUS_ACCESS_VIOLATION. An empty b reads
// nothing and succeeds. A fault during the copy leaves b partly filled.
func (m *Memory) Read(b []byte, p Address) ntstatus.Status {
	n := uintptr(len(b))
	if n == 0 {
		return ntstatus.Success
	}
	// The memory cannot be read (O-3).
	if p.bad(n) || !m.framed(p, n) && !m.readable.usable(p, n, canRead) {
		return ntstatus.AccessViolation
	}
	return guarded(unsafe.Pointer(&b[0]), uintptr(p), n, true)
}

// Write copies b to user memory. Inaccessible memory gives STATUS_ACCESS_VIOLATION. An empty b writes nothing and
// succeeds.
func (m *Memory) Write(p Address, b []byte) ntstatus.Status {
	n := uintptr(len(b))
	if n == 0 {
		return ntstatus.Success
	}
	// The memory cannot be written (O-3).
	if p.bad(n) || !m.framed(p, n) && !m.writable.usable(p, n, canWrite) {
		return ntstatus.AccessViolation
	}
	return guarded(unsafe.Pointer(&b[0]), uintptr(p), n, false)
}

// Probe checks that p is a multiple of align, else STATUS_DATATYPE_MISALIGNMENT, and then that n bytes at p are
// writable, else STATUS_ACCESS_VIOLATION. With n 0 it checks nothing. It writes nothing.
func (m *Memory) Probe(p Address, n, align uintptr) ntstatus.Status {
	if n == 0 {
		return ntstatus.Success
	}
	// A number or handle is written to a multiple of its alignment (O-3).
	if uintptr(p)%align != 0 {
		return ntstatus.DatatypeMisalignment
	}
	// An output must be writable from its first to its last byte (O-3).
	if p.bad(n) || !m.framed(p, n) && !m.writable.usable(p, n, canWrite) {
		return ntstatus.AccessViolation
	}
	return ntstatus.Success
}

// ProbeHandle returns a status if an output handle, 8 bytes at a multiple of 4, cannot be written. It writes nothing.
func (m *Memory) ProbeHandle(p Address) ntstatus.Status { return m.Probe(p, 8, 4) }

// ProbeU32 returns a status if an output of 32 bits cannot be written, or is not aligned. It writes nothing.
func (m *Memory) ProbeU32(p Address) ntstatus.Status { return m.Probe(p, 4, 4) }

// WriteU64 writes 64 bits. It returns a status if the memory cannot be written.
func (m *Memory) WriteU64(p Address, v uint64) ntstatus.Status {
	binary.LittleEndian.PutUint64(m.Scratch[:], v)
	return m.Write(p, m.Scratch[:8])
}

// WriteU32 writes 32 bits. It returns a status if the memory cannot be written.
func (m *Memory) WriteU32(p Address, v uint32) ntstatus.Status {
	binary.LittleEndian.PutUint32(m.Scratch[:], v)
	return m.Write(p, m.Scratch[:4])
}

// WriteBool writes a BOOLEAN, one byte of 1 or 0. It returns a status if the memory cannot be written.
func (m *Memory) WriteBool(p Address, v bool) ntstatus.Status {
	m.Scratch[0] = 0
	if v {
		m.Scratch[0] = 1
	}
	return m.Write(p, m.Scratch[:1])
}

// ReadU32 reads 32 bits. It returns 0 and a status if the memory cannot be read.
func (m *Memory) ReadU32(p Address) (uint32, ntstatus.Status) {
	st := m.Read(m.Scratch[:4], p)
	return binary.LittleEndian.Uint32(m.Scratch[:]), st
}

// ReadU64 reads 64 bits. It returns 0 and a status if the memory cannot be read.
func (m *Memory) ReadU64(p Address) (uint64, ntstatus.Status) {
	st := m.Read(m.Scratch[:8], p)
	return binary.LittleEndian.Uint64(m.Scratch[:]), st
}

// Block copies n bytes of user memory. With n 0 it returns nil and checks nothing. Later code must use only the copy
// (O-4). A misaligned p gives STATUS_DATATYPE_MISALIGNMENT. Memory that cannot be read gives STATUS_ACCESS_VIOLATION.
func (m *Memory) Block(p Address, n int, align uintptr) ([]byte, ntstatus.Status) {
	if n == 0 {
		return nil, ntstatus.Success
	}
	// An array begins at a multiple of its alignment (O-3).
	if uintptr(p)%align != 0 {
		return nil, ntstatus.DatatypeMisalignment
	}
	if p.bad(uintptr(n)) {
		return nil, ntstatus.AccessViolation
	}
	if n <= chunk {
		b := make([]byte, n)
		st := m.Read(b, p)
		return b, st
	}
	var b []byte // grows as data is read, so that a wrong count does not allocate too much
	for len(b) < n {
		part := make([]byte, min(chunk, n-len(b)))
		if st := m.Read(part, p+Address(len(b))); st != ntstatus.Success {
			return nil, st
		}
		b = append(b, part...)
	}
	return b, ntstatus.Success
}

const chunk = 1 << 16
