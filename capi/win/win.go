//go:build cgo && linux

// Package win is the upper part of the C library, in C: advapi32-style functions over services and run-time routines.
// It calls only its own functions, those of package rtl, and the stubs of package main, which links it in.
package win

// #cgo CFLAGS: -I${SRCDIR}/.. -I${SRCDIR}/../include -O2 -std=gnu11
// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
import "C"
