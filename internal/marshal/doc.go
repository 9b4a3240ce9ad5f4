// Package marshal carries arguments between C callers and the services: it
// captures the structures that 64-bit Windows lays out into values of package nt
// and encodes answers into the same layouts. It has no C of its own.
//
//	var m marshal.Memory
//	d, st := m.DescriptorAt(p) // a *sd.Descriptor, or STATUS_ACCESS_VIOLATION
//
// A Memory reads and writes memory that may not be there. It finds out by system
// calls that read or write on its behalf and fail, not by faults, since the
// program may handle SIGSEGV itself or block it (pages.go). What a caller passes is
// read once, and in pieces that bound what a false count can take (O-4). An Encoder
// builds a structure for a buffer whose address it knows.
//
// A Memory belongs to one thread. The package builds on Linux alone.
package marshal
