//go:build linux

package marshal

import (
	"runtime"
	"syscall"
	"unsafe"
)

const page = 4096

// keptPages is how many pages of a call are remembered.
const keptPages = 4

// A pageList holds the pages of a call that are known to be usable. They are
// remembered for that call alone, since the program may take memory away between
// two calls.
type pageList struct {
	pages    [keptPages]uintptr // addresses of pages, 0 for none
	next     int
	expected uintptr // a page that the call will read soon, 0 for none
}

// usable reports whether n bytes from p on can be used, as test finds out for a
// page at a time. Neither test raises a signal: the program may have a handler
// for SIGSEGV of its own, or block it.
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

func (l *pageList) add(at uintptr) {
	l.pages[l.next] = at
	l.next = (l.next + 1) % keptPages
}

// withExpected asks for a page and the expected one at once. It reports false where
// none is expected, and where one of the two cannot be read.
func (l *pageList) withExpected(at uintptr) bool {
	other := l.expected
	l.expected = 0
	if other == 0 || other == at || l.has(other) || !canReadBoth(at, other) {
		return false
	}
	l.add(other)
	return true
}

func (l *pageList) has(at uintptr) bool {
	return l.pages[0] == at || l.pages[1] == at || l.pages[2] == at || l.pages[3] == at
}

// canRead reports whether a page can be read. The system reads a signal mask
// before it refuses to do anything unknown with it: EFAULT tells that it could
// not, and nothing changes in any case.
func canRead(at uintptr) bool {
	const unknown = ^uintptr(0)
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, unknown, at, 0, 8, 0, 0)
	return errno != syscall.EFAULT
}

// canReadBoth reports whether two pages can be read, with one question; false may
// also mean that this system does not answer it.
func canReadBoth(a, b uintptr) bool { return inPairs && readBoth(a, b) == syscall.EINVAL }

// readBoth makes the system read the first bytes of two pages: semtimedop(2) copies
// the operations and the timeout before it refuses a set that cannot be, number -1.
// EINVAL tells that it read both, and nothing changes in any case.
func readBoth(operations, timeout uintptr) syscall.Errno {
	const none = ^uintptr(0)
	number := none // of no call
	switch runtime.GOARCH {
	case "amd64":
		number = 220
	case "arm64":
		number = 192
	}
	_, _, errno := syscall.RawSyscall6(number, none, operations, 1, timeout, 0, 0)
	return errno
}

// inPairs reports whether the system reads both before it refuses the set. Older
// ones look at the number first, and a filter of calls may refuse this one.
var inPairs = func() bool {
	const kernels = ^uintptr(page - 1) // a page of the system
	ours := uintptr(unsafe.Pointer(&ours)) &^ (page - 1)
	return readBoth(ours, ours) == syscall.EINVAL && readBoth(kernels, ours) == syscall.EFAULT &&
		readBoth(ours, kernels) == syscall.EFAULT
}()

// Of futex(2).
const (
	futexWakeOpPrivate = 5 | 128
	futexOrNothing     = 2<<28 | 0xFFF // *word |= 0, and no thread is woken unless it was -1
)

// ours is a word that no thread waits for.
var ours uint32

// canWrite reports whether a page can be written. The system puts the bits of 0
// into its first word, which is atomic and changes nothing: a concurrent write of
// the program is not lost.
func canWrite(at uintptr) bool {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&ours)), futexWakeOpPrivate, 0, 0, at,
		futexOrNothing)
	return errno != syscall.EFAULT
}
