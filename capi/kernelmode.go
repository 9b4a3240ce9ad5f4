//go:build cgo && linux

package main

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
)

// kernelMode is added to the number of a call that librefmonk.so makes.
const kernelMode = 1 << 31

// msFace is added by callers whose routines have the calling convention of 64-bit Windows.
const msFace = 1 << 30

// face is the kernel-mode interface of a thread, for the Ps, Ob and Se routines. The services behind the Zw names are
// those of user mode, called on a thread whose previous mode is kernel.
type face struct {
	thread
	k       *kernel.KernelThread
	routine func(*call) uint64     // the routine under way
	used    []ob.Object            // references for the time of the routines under way
	locked  map[user]lockedSubject // by SeLockSubjectContext, by address
}

// kernelCall runs a routine of librefmonk.so and returns its result. It releases the references that the routine took
// on its arguments. Routines may nest.
func kernelCall(c *call, routine func(*call) uint64) uint64 {
	if c.face == nil {
		s, _ := embedded()
		c.face = newFace(s.KernelMode(c.nt), c.Memory)
	}
	f := c.face
	c.thread = &f.thread
	mark, outer := len(f.used), f.routine // a routine may call the program back, which may call another routine
	f.routine = routine
	r := routine(c)
	for _, o := range f.used[mark:] {
		o.Head().Deref(ob.TagCall)
	}
	clear(f.used[mark:])
	f.used, f.routine = f.used[:mark], outer
	return r
}

// newFace returns the kernel-mode interface of a thread with its memory.
func newFace(k *kernel.KernelThread, m *marshal.Memory) *face {
	sys := k.Zw().Services()
	f := &face{thread: thread{nt: k.Zw(), sys: sys, profile: sys.Profile(), id: k.Thread().ID(), Memory: m}, k: k,
		locked: map[user]lockedSubject{}}
	f.face = f
	return f
}

// bug ends the program with a message, as a bug check does, for an error that has no status.
func (c *call) bug(format string, args ...any) {
	name := runtime.FuncForPC(reflect.ValueOf(c.face.routine).Pointer()).Name()
	name = name[strings.LastIndexByte(name, '.')+1:]
	die(strings.ToUpper(name[:1])+name[1:]+": "+format, args...)
}

// read copies an input structure of a routine that cannot return a status. A fault is a bug.
func (c *call) read(p user, b []byte) {
	if c.Read(b, p) != ntstatus.Success {
		c.bug("the memory at %#x cannot be read", uintptr(p))
	}
}

// write fills an output structure of a routine that cannot return a status. A fault is a bug.
func (c *call) write(p user, b []byte) {
	if c.Write(p, b) != ntstatus.Success {
		c.bug("the memory at %#x cannot be written", uintptr(p))
	}
}

// truth returns 1 for true and 0 for false.
func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// boolean returns the byte of a BOOLEAN output.
func boolean(b bool) []byte { return []byte{byte(truth(b))} }
