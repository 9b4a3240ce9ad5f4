// Package marshal converts arguments between C callers and the services. It captures structures in the layout of
// 64-bit Windows as values of package nt, and encodes results in the same layouts. It contains no C.
//
//	var m marshal.Memory
//	d, st := m.DescriptorAt(p) // a *sd.Descriptor, or STATUS_ACCESS_VIOLATION
//
// A Memory accesses memory that may be unmapped. It uses system calls that fail instead of raising SIGSEGV, because
// the program may handle or block that signal (pages.go). It reads each argument once, in pieces whose size bounds
// the effect of a wrong count (O-4). An Encoder builds a structure for a buffer at a known address. A Memory belongs
// to one thread. The package builds on Linux only.
package marshal
