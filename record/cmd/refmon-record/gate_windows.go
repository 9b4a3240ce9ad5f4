package main

import (
	"encoding/binary"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const onWindows = true

// pending is STATUS_PENDING: the call goes on after it has returned.
const pending = 0x103

var (
	procs   sync.Map // *windows.LazyProc by DLL and name
	memmove = windows.NewLazySystemDLL("ntdll.dll").NewProc("RtlMoveMemory")
)

// find returns an exported function of a system library. It is resolved at the first call.
func find(dll, name string) *windows.LazyProc {
	if p, ok := procs.Load(dll + name); ok {
		return p.(*windows.LazyProc)
	}
	p := windows.NewLazySystemDLL(dll).NewProc(name)
	procs.Store(dll+name, p)
	return p
}

// do executes a request on the calling OS thread. It sets the pointers in r's buffers. The call works on copies, and
// p has the results. If the call is pending, the copies stay allocated. A missing function and a lack of memory set
// p.Missing.
func do(r *request) (p reply) {
	f := find(r.DLL, r.Proc)
	if err := f.Find(); err != nil {
		return reply{Missing: err.Error()}
	}
	size := 1
	for _, b := range r.Buffers {
		size += (len(b) + 15) &^ 15
	}
	base, err := windows.VirtualAlloc(0, uintptr(size), windows.MEM_COMMIT|windows.MEM_RESERVE, windows.PAGE_READWRITE)
	if err != nil {
		return reply{Missing: "no memory: " + err.Error()}
	}
	defer func() {
		if uint32(p.Return) != pending { // a pending call still uses the memory
			_ = windows.VirtualFree(base, 0, windows.MEM_RELEASE)
		}
	}()
	at := base
	for _, b := range r.Buffers {
		p.Bases = append(p.Bases, uint64(at))
		at += uintptr((len(b) + 15) &^ 15)
	}
	for _, x := range r.Fixes {
		binary.LittleEndian.PutUint64(r.Buffers[x.Buffer][x.At:], p.Bases[x.To]+uint64(x.Offset))
	}
	for i, b := range r.Buffers {
		move(uintptr(p.Bases[i]), b, true)
	}
	args := make([]uintptr, len(r.Args))
	for i, a := range r.Args {
		args[i] = uintptr(a.N)
		if a.Buffer > 0 {
			args[i] = uintptr(p.Bases[a.Buffer-1])
		}
	}
	ret, _, last := f.Call(args...)
	p.Return = uint64(ret)
	if e, ok := last.(syscall.Errno); ok { //nolint:errorlint // LazyProc.Call documents the type
		p.LastError = uint32(e)
	}
	for i, b := range r.Buffers {
		b = make([]byte, len(b))
		move(uintptr(p.Bases[i]), b, false)
		p.Buffers = append(p.Buffers, b)
	}
	return p
}

// move copies b to an address of this process if in is set, else from the address into b. It does nothing for an
// empty b. The address must be valid.
func move(addr uintptr, b []byte, in bool) {
	switch {
	case len(b) == 0:
	case in:
		_, _, _ = memmove.Call(addr, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	default:
		_, _, _ = memmove.Call(uintptr(unsafe.Pointer(&b[0])), addr, uintptr(len(b)))
	}
}
