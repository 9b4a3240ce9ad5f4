//go:build cgo && linux

// Package rtl is the lowest floor of the C library, in C: run-time routines on
// memory of the caller alone. It calls its own names and the stubs of package
// main, which links it in.
package rtl

// #cgo CFLAGS: -I${SRCDIR}/.. -I${SRCDIR}/../include -O2 -std=gnu11
// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
import "C"
