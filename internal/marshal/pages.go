//go:build linux

package marshal

import (
	"runtime"
	"syscall"
	"unsafe"
)

const page = 4096

// keptPages is the number of pages that a pageList remembers.
const keptPages = 4

// A pageList remembers accessible pages during one call. It must not outlive the call, because the program may unmap
// them.
type pageList struct {
	pages    [keptPages]uintptr // addresses of pages, 0 for none
	next     int
	expected uintptr // a page that the call will read soon, 0 for none
}

// usable reports whether n bytes at p are accessible, by calling test for each page that is not remembered. test must
// not raise a signal, because the program may handle or block SIGSEGV.
func (l *pageList) usable(p Address, n uintptr, test func(at uintptr) bool) bool {
	last := (uintptr(p) + n - 1) &^ (page - 1)
	for at := uintptr(p) &^ (page - 1); ; at += page {
		if !l.has(at) {
			if !l.withExpected(at) && !test(at) {
				return false
			}
			l.add(at)
		}
		if at == last {
			return true
		}
	}
}

// add remembers an accessible page in place of the oldest one.
func (l *pageList) add(at uintptr) {
	l.pages[l.next] = at
	l.next = (l.next + 1) % keptPages
}

// withExpected probes a page and the expected one with one system call. It returns false if no page is expected or
// one of the two is unreadable.
func (l *pageList) withExpected(at uintptr) bool {
	other := l.expected
	l.expected = 0
	if other == 0 || other == at || l.has(other) || !canReadBoth(at, other) {
		return false
	}
	l.add(other)
	return true
}

// has reports whether a page is known to be accessible.
func (l *pageList) has(at uintptr) bool {
	return l.pages[0] == at || l.pages[1] == at || l.pages[2] == at || l.pages[3] == at
}

// canRead reports whether a page is readable. It passes the page as a signal mask with an invalid operation: the
// kernel reads the mask first, so EFAULT means unreadable. The call changes nothing.
func canRead(at uintptr) bool {
	const unknown = ^uintptr(0)
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, unknown, at, 0, 8, 0, 0)
	return errno != syscall.EFAULT
}

// canReadBoth reports whether two pages are readable, with one system call. False may also mean that the kernel does
// not support this test.
func canReadBoth(a, b uintptr) bool { return inPairs && readBoth(a, b) == syscall.EINVAL }

// readBoth makes the kernel read the first bytes of two pages. semtimedop(2) copies the operations and the timeout
// before it rejects the invalid set number -1, so EINVAL means that both are readable. The call changes nothing.
func readBoth(operations, timeout uintptr) syscall.Errno {
	const none = ^uintptr(0)
	number := none // an unknown architecture: no system call has this number
	switch runtime.GOARCH {
	case "amd64":
		number = 220
	case "arm64":
		number = 192
	}
	_, _, errno := syscall.RawSyscall6(number, none, operations, 1, timeout, 0, 0)
	return errno
}

// inPairs reports whether the kernel reads both arguments before it rejects the set. Older kernels check the number
// first, and a seccomp filter may reject the call.
var inPairs = func() bool {
	const kernels = ^uintptr(page - 1) // a page of the system
	ours := uintptr(unsafe.Pointer(&ours)) &^ (page - 1)
	return readBoth(ours, ours) == syscall.EINVAL && readBoth(kernels, ours) == syscall.EFAULT &&
		readBoth(ours, kernels) == syscall.EFAULT
}()

// Constants of futex(2).
const (
	futexWakeOpPrivate = 5 | 128
	futexOrNothing     = 2<<28 | 0xFFF // *word |= 0, and no thread is woken unless it was -1
)

// ours is a word on which no thread waits.
var ours uint32

// canWrite reports whether a page is writable. The kernel atomically ORs 0 into its first word, which changes nothing
// and loses no concurrent write.
func canWrite(at uintptr) bool {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&ours)), futexWakeOpPrivate, 0, 0, at,
		futexOrNothing)
	return errno != syscall.EFAULT
}
