//go:build linux

package marshal

import (
	"bytes"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// TestUnusableAddressesAreRefused checks that addresses in the first pages, beyond the end of memory and, on 64 bits,
// in the system's half are rejected.
func TestUnusableAddressesAreRefused(t *testing.T) {
	const last = ^uintptr(0)
	for _, c := range []struct {
		p    Address
		n    uintptr
		want bool
	}{
		{0, 0, true}, {0, 8, true}, {1, 1, true}, {lowest - 1, 1, true}, {lowest - 1, 2, true}, {lowest, 0, false},
		{lowest, 1, false}, {arena, arenaSize, false}, {Address(last), 2, true}, {Address(last - 7), 16, true},
		{arena, last - arena + 1, true},
	} {
		check.Equal(t, c.p.bad(c.n), c.want, "%d bytes at %#x: bad", c.n, c.p)
	}
	if unsafe.Sizeof(last) == 8 {
		end := Address(1)<<(31+16*(last>>63)) - 16 // the end of a program's address space
		for n, want := range map[uintptr]bool{0: false, 1: false, 15: false, 16: true, 17: true} {
			check.Equal(t, end.bad(n), want, "%d bytes at %#x: bad", n, end)
		}
	}
}

// TestOutputIsProbedFromFirstToLastByte checks that an output is aligned, and can be written from its first to its last
// byte; nothing needs no memory (O-3).
func TestOutputIsProbedFromFirstToLastByte(t *testing.T) {
	mapArena(t)
	for _, c := range []struct {
		p        Address
		n, align uintptr
		want     ntstatus.Status
	}{
		{arena, 8, 4, ntstatus.Success}, {arena + 4, 8, 4, ntstatus.Success},
		{arena + 4, 8, 8, ntstatus.DatatypeMisalignment},
		{arena + 2, 4, 4, ntstatus.DatatypeMisalignment}, {arena + 1, 1, 1, ntstatus.Success},
		{arena + 1, 2, 2, ntstatus.DatatypeMisalignment}, {1, 4, 4, ntstatus.DatatypeMisalignment},
		{0, 4, 4, ntstatus.AccessViolation}, {4, 4, 4, ntstatus.AccessViolation}, {1, 0, 4, ntstatus.Success},
		{0, 0, 1, ntstatus.Success}, {arena + arenaSize - 4, 4, 4, ntstatus.Success},
		{arena + arenaSize - 4, 8, 4, ntstatus.AccessViolation}, {arena + arenaSize, 4, 4, ntstatus.AccessViolation},
		{arena, arenaSize, 1, ntstatus.Success}, {arena, arenaSize + 1, 1, ntstatus.AccessViolation},
	} {
		var m Memory
		check.Equal(t, m.Probe(c.p, c.n, c.align), c.want, "%d bytes at %#x, at multiples of %d", c.n, c.p, c.align)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, into := range []bool{true, false} { // another thread has unmapped it since the probe
		var b byte
		check.Equal(t, guarded(unsafe.Pointer(&b), arena+arenaSize, 1, into), ntstatus.AccessViolation, "a fault")
	}
	var m Memory
	check.Success(t, m.WriteU32(arena, 0x101))
	check.Success(t, m.WriteBool(arena, false))
	check.Equal(t, check.Result(m.ReadU32(arena)), 0x100, "the bytes 1 and 1 after FALSE is written to the first")
	for p := Address(arena); p < arena+8; p++ {
		want := ntstatus.DatatypeMisalignment
		if p%4 == 0 {
			want = ntstatus.Success
		}
		var m Memory
		if a, b := m.ProbeHandle(p), m.ProbeU32(p); a != want || b != want {
			t.Errorf("a handle at %#x: %v, 32 bits: %v, want %v", p, a, b, want)
		}
	}
}

// TestLargeArrayIsCopiedInChunks checks that an array is copied whole, however many parts that takes.
func TestLargeArrayIsCopiedInChunks(t *testing.T) {
	from := make([]byte, 3*chunk+100)
	for i := range from {
		from[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	at := Address(unsafe.Pointer(&from[0]))
	var m Memory
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk + 7, 3*chunk + 100} {
		if got, st := m.Block(at, n, 1); st != ntstatus.Success || !bytes.Equal(got, from[:n]) {
			t.Errorf("Block of %d bytes: %d bytes, %v, want the bytes of the source", n, len(got), st)
		}
	}
	check.Equal(t, check.Status(m.Block(0, chunk+1, 1)), ntstatus.AccessViolation, "from NULL")
	check.Equal(t, check.Status(m.Block(at+1, chunk+1, 2)), ntstatus.DatatypeMisalignment, "from an odd address")
}

// TestCurrentFrameIsTheLastOne checks that the caller's frames are the last ones named, from the first byte to the
// last. Pages that were probed before are forgotten.
func TestCurrentFrameIsTheLastOne(t *testing.T) {
	mapArena(t)
	var m Memory
	check.Success(t, check.Status(m.ReadU32(arena)))
	check.Success(t, m.WriteU32(arena, 0))
	if low, high := m.Frames(0x20000, 0x30000); low != 0 || high != 0 {
		t.Errorf("before: %#x to %#x, want %#x, %#x", low, high, 0, 0)
	}
	check.That(t, !m.readable.has(arena) && !m.writable.has(arena), "a page is known after new frames")
	if low, high := m.Frames(0x40000, 0x50000); low != 0x20000 || high != 0x30000 {
		t.Errorf("the first: %#x to %#x, want 0x20000, 0x30000", low, high)
	}
	for _, c := range []struct {
		p    Address
		n    uintptr
		want bool
	}{{0x3ffff, 1, false}, {0x40000, 1, true}, {0x40000, 0x10000, true}, {0x40000, 0x10001, false}, {0x4ffff, 1, true},
		{0x4ffff, 2, false}, {0x50000, 0, false}, {0x20000, 1, false}} {
		check.Equal(t, m.framed(c.p, c.n), c.want, "%d bytes at %#x: framed", c.n, c.p)
	}
}
