//go:build cgo && linux

package main

/*
#cgo CFLAGS: -I${SRCDIR}/include -O2 -std=gnu11
#include "enter.h"
*/
import "C"

import (
	"runtime/debug"
	"unsafe"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// maxArgs is the largest number of parameters a stub passes.
const maxArgs = 17

// call is one call under way: its thread and the parameters as the stub left
// them, eight bytes each, the upper ones undefined for narrower types.
type call struct {
	*thread
	args *[maxArgs]uint64
}

func (c *call) handle(i int) winnt.Handle   { return winnt.Handle(c.args[i]) }
func (c *call) u32(i int) uint32            { return uint32(c.args[i]) }
func (c *call) mask(i int) winnt.AccessMask { return winnt.AccessMask(c.args[i]) }
func (c *call) boolean(i int) bool          { return uint8(c.args[i]) != 0 } // BOOLEAN: one byte
func (c *call) ptr(i int) user              { return user(c.args[i]) }

// status is the result of a stub that returns NTSTATUS.
func status(st ntstatus.Status) uint64 { return uint64(st) }

//export refmonCall
func refmonCall(id C.uint64_t, number C.uint32_t, args *C.uint64_t) C.uint64_t {
	old := debug.SetPanicOnFault(true)
	r := threadByID(uint64(id)).enter((*[maxArgs]uint64)(unsafe.Pointer(args)), uint32(number))
	debug.SetPanicOnFault(old)
	return C.uint64_t(r)
}

// enter makes a call. What it is about lies in the thread, since it would have to
// be allocated otherwise; a routine may call back and be called again.
func (t *thread) enter(args *[maxArgs]uint64, number uint32) (r uint64) {
	c, outer := &t.now, t.now
	*c = call{t, args}
	if number&kernelMode != 0 {
		r = kernelCall(c, calls[number&^kernelMode])
	} else {
		r = calls[number](c)
	}
	*c = outer
	return r
}

//export refmonAttach
func refmonAttach() C.uint64_t { return C.uint64_t(attach()) }

//export refmonDrain
func refmonDrain() {
	var ids [64]C.uint64_t
	n := C.rm_take_ended(&ids[0], C.uint64_t(len(ids)))
	for _, id := range ids[:n] {
		detach(uint64(id))
	}
}

// wantsNull reports whether an output handle becomes NULL on a failure past
// the probe: in the Observed profile (O-5).
func (c *call) wantsNull() bool { return c.profile == nt.Observed }

// opened ends a service that returns one handle: it writes the handle, or NULL
// where the profile says so (O-5). A fault while writing is the result, and the
// handle stays open.
func (c *call) opened(out user, h winnt.Handle, st ntstatus.Status) uint64 {
	if !st.IsSuccess() {
		if c.wantsNull() {
			c.putU64(out, 0) // O-5
		}
		return status(st)
	}
	if fault := c.putU64(out, uint64(h)); fault != ntstatus.Success {
		return status(fault) // the handle stays open
	}
	return status(st)
}
