// Command capi is the C interface of refmon. Built with -buildmode=c-shared it is
// librefmon.so, which gives C programs the documented NT prototypes (Nt*, Zw*,
// Rtl* and the advapi32-style functions over them). "make capi" builds it with
// its headers, capi/include/refmon; docs/c-abi.md describes its use.
//
//	NTSTATUS st = NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &token);
//
// How a call runs. The public headers are the source of truth. The Go function
// of the same name implements a prototype marked REFMON_SERVICE (ntClose for
// NtClose). "go generate" writes its C stub, its number and its row in the Go
// table. A prototype without its Go function does not compile. A stub puts its
// arguments into an array and enters Go once (enter.c, export.go). Go accesses
// user memory only through the probes of internal/marshal, which turn a fault into
// STATUS_ACCESS_VIOLATION; input becomes the In value of the service's row in
// package nt, and the Out value is copied back.
//
// Layers. Everything that needs no kernel is C over those stubs, in three folders:
// rtl, run-time routines on memory of the caller; win, advapi32-style functions
// (BOOL, last error) over services and rtl, of which the A forms are written by gen.go;
// kernel, see below. A new
// function is a prototype in the header of its subject, and its C in one of the
// folders or its Go function here. Public headers are as small as their subjects: nt.h
// includes ntobject.h, ntport.h and others, winbase.h securitybaseapi.h and others.
//
// Kernel mode. librefmonk.so (folder kernel) is C alone: its stubs enter
// librefmon.so with the number of a call and the bit RM_KERNEL, which makes it
// run on the thread's kernel-mode face (kernelmode.go). Its Zw names are the
// functions of the Nt names on that face; prototypes of ntifs.h and wdm.h marked
// REFMON_KERNEL have functions of their own. An object's address identifies it,
// but no memory is mapped there (kernelobjects.go).
//
// State. The embedded kernel is booted by the first call (system.go, a
// sync.Once). Each pthread has a record in its thread-local storage with its
// last error and the number of its thread object; a later call
// ends the thread objects of ended pthreads. The list of threads is guarded by a mutex for
// writers and read atomically.
//
// Without cgo, or on another system than Linux, the package is an empty program, so that
// "go build ./..." holds everywhere.
package main

//go:generate go run gen.go gendecode.go genansi.go

// main exists because -buildmode=c-shared requires it; it never runs there.
func main() {}
