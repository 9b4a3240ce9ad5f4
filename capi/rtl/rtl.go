//go:build cgo && linux

// Package rtl is the lower part of the C library, in C: run-time routines that work only on the caller's memory. It
// calls only its own functions and the stubs of package main, which links it in.
package rtl

// #cgo CFLAGS: -I${SRCDIR}/.. -I${SRCDIR}/../include -O2 -std=gnu11
// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
import "C"
