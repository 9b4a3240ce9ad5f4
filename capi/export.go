//go:build cgo && linux

package main

/*
#cgo CFLAGS: -I${SRCDIR}/include -O2 -std=gnu11
#include "enter.h"
*/
import "C"

import (
	"encoding/binary"
	"runtime/debug"
	"unsafe"

	_ "github.com/refmon/refmon/capi/rtl"
	_ "github.com/refmon/refmon/capi/win"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// maxArgs is the largest number of parameters a stub passes.
const maxArgs = 17

// call is one running call of the C API. It holds the calling thread and the parameters as the stub stored them, in
// eight bytes each. The upper bytes of a narrower parameter are undefined.
type call struct {
	*thread
	args *[maxArgs]uint64
	out  user // where its handle goes, if it returns one
	ms   bool // the caller's routines have the calling convention of 64-bit Windows
}

// A row is the Go function that implements a C function of the API. If it returns a handle, out is the number of the
// parameter that points to the handle, counted from 1. That pointer is probed before the function runs. Otherwise out
// is 0.
type row struct {
	answer func(*call) uint64
	out    uint8
}

// handle returns parameter i, counted from 0, as a handle.
func (c *call) handle(i int) winnt.Handle { return winnt.Handle(c.args[i]) }

// u32 returns the low 32 bits of parameter i.
func (c *call) u32(i int) uint32 { return uint32(c.args[i]) }

// mask returns parameter i as an ACCESS_MASK.
func (c *call) mask(i int) winnt.AccessMask { return winnt.AccessMask(c.args[i]) }

// boolean returns parameter i as a BOOLEAN: whether its low byte is not 0.
func (c *call) boolean(i int) bool { return uint8(c.args[i]) != 0 } // BOOLEAN: one byte
// ptr returns parameter i as an address of the program, which may be 0 or invalid.
func (c *call) ptr(i int) user { return user(c.args[i]) }

// status converts an NTSTATUS to the result of a C function that returns one.
func status(st ntstatus.Status) uint64 { return uint64(st) }

// user is an address in the C program's memory, which may be invalid.
type user = marshal.Address

// captured pairs a value read from the program's memory with the status of reading it, as the services expect it.
func captured[T any](v T, st ntstatus.Status) nt.Captured[T] {
	return nt.Captured[T]{V: v, Status: st}
}

// attributes captures the OBJECT_ATTRIBUTES that parameter i points to.
func (c *call) attributes(i int) nt.Captured[*nt.ObjectAttributes] {
	return captured(c.AttributesAt(c.ptr(i)))
}

var le = binary.LittleEndian

// refmonCall runs the system service with a number for the calling thread and returns its status. args are the
// arguments in the program's stack, which ends at top. A thread that has ended gets STATUS_NOT_SUPPORTED.
//
//export refmonCall
func refmonCall(id C.uint64_t, number C.uint32_t, args *C.uint64_t, top C.uint64_t) C.uint64_t {
	t := threadByID(uint64(id))
	if t == nil { // cannot happen: a pthread discards its number when it ends
		return C.RM_NOT_SUPPORTED
	}
	old := debug.SetPanicOnFault(true)
	r := t.enterFrom((*[maxArgs]uint64)(unsafe.Pointer(args)), uint32(number), uintptr(top))
	debug.SetPanicOnFault(old)
	return C.uint64_t(r)
}

// enterFrom calls enter for a caller whose frames lie between args and top. After it, the frames of an outer call count
// again.
func (t *thread) enterFrom(args *[maxArgs]uint64, number uint32, top uintptr) uint64 {
	low, high := t.Frames(uintptr(unsafe.Pointer(args)), top)
	r := t.enter(args, number)
	t.Frames(low, high)
	return r
}

// enter runs the C API function with this number for a pthread and returns its result. Calls can nest, because a
// callback routine may call the API again. An output pointer for a handle is probed first (O-3). A kernel-mode call
// while REFMON_SOCKET names a daemon ends the program.
func (t *thread) enter(args *[maxArgs]uint64, number uint32) (r uint64) {
	c, outer := &t.now, t.now
	*c = call{thread: t, args: args, ms: number&msFace != 0}
	to, st := &calls[number&^(kernelMode|msFace)], ntstatus.Success
	if to.out != 0 {
		c.out = c.ptr(int(to.out) - 1)
		st = c.ProbeHandle(c.out)
	}
	switch {
	case st != ntstatus.Success:
		// The pointers are checked before the handles (O-3).
		r = status(st)
	case number&kernelMode != 0 && t.remote() != nil:
		die("kernel mode is not available while REFMON_SOCKET names a daemon: unset it to have a kernel of the program's own")
	case number&kernelMode != 0:
		r = kernelCall(c, to.answer)
	default:
		r = to.answer(c)
	}
	*c = outer
	return r
}

// refmonAttach calls attach for a new pthread and returns its number.
//
//export refmonAttach
func refmonAttach() C.uint64_t { return C.uint64_t(attach()) }

// refmonDetach calls detach for a pthread that ends.
//
//export refmonDetach
func refmonDetach(id C.uint64_t) { detach(uint64(id)) }

// refmonDrain calls detach for up to 64 pthreads that have ended.
//
//export refmonDrain
func refmonDrain() {
	var ids [64]C.uint64_t
	n := C.rm_take_ended(&ids[0], C.uint64_t(len(ids)))
	for _, id := range ids[:n] {
		detach(uint64(id))
	}
}

// wantsNull reports whether an output handle becomes NULL if the call fails after the probe. This is so in the
// Observed profile (O-5).
func (c *call) wantsNull() bool { return c.profile == nt.Observed }

// opened writes the handle of a service that returns one, and returns the service's result. The table names the
// output parameter.
func (c *call) opened(h winnt.Handle, st ntstatus.Status) uint64 { return c.openedAt(c.out, h, st) }

// openedAt writes a handle to out, or NULL after a failure if the profile requires it (O-5). A fault while writing
// becomes the result, and the handle stays open.
func (c *call) openedAt(out user, h winnt.Handle, st ntstatus.Status) uint64 {
	if !st.IsSuccess() {
		// In the Observed profile a failure past the probe leaves NULL (O-5).
		if c.wantsNull() {
			c.WriteU64(out, 0)
		}
		return status(st)
	}
	if fault := c.WriteU64(out, uint64(h)); fault != ntstatus.Success {
		return status(fault) // the handle stays open
	}
	return status(st)
}

// filled writes the outputs of a service that fills a buffer, and returns the call's status. After success, buffer
// gets b and returned gets the length n. After STATUS_BUFFER_TOO_SMALL, only returned gets n. A NULL pointer is
// ignored. A failed write returns the status of that write.
func (c *call) filled(buffer user, b []byte, returned user, n uint32, st ntstatus.Status) uint64 {
	if st.IsSuccess() && buffer != 0 {
		if fault := c.Write(buffer, b); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if returned != 0 && (st.IsSuccess() || st == ntstatus.BufferTooSmall) {
		if fault := c.WriteU32(returned, n); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// written writes b, the output of a service, to out if st is a success, and returns st or the status of the write.
func (c *call) written(out user, b []byte, st ntstatus.Status) uint64 {
	return c.filled(out, b, 0, 0, st)
}
