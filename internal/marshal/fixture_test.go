//go:build linux

package marshal

import (
	"reflect"
	"runtime"
	"testing"
	"unicode/utf16"
	"unsafe"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// newLayout returns an empty layout of 64 KiB. Its memory does not move before the test ends.
func newLayout(t *testing.T) *layout {
	l := &layout{b: make([]byte, 1<<16)}
	t.Cleanup(func() { runtime.KeepAlive(l.b) })
	return l
}

// A layout is memory of a C program that a test writes field by field.
type layout struct {
	b    []byte
	used int
}

func (l *layout) base() Address { return Address(unsafe.Pointer(&l.b[0])) }

// put copies bytes to the next multiple of 8 and returns their address.
func (l *layout) put(b []byte) Address {
	l.used = (l.used + 7) &^ 7
	at := l.used
	l.used += copy(l.b[at:], b)
	return l.base() + Address(at)
}

func (l *layout) words(list ...uint64) Address { return l.put(words(list...)) }

func (l *layout) sid(s sid.SID) uint64 { return uint64(l.put([]byte(s.Binary()))) }

// text copies UTF-16 with a terminator. It returns the address and the size without the terminator.
func (l *layout) text(s string) (at uint64, size uint64) {
	var b []byte
	u := utf16.Encode([]rune(s))
	for _, c := range append(u, 0) {
		b = le.AppendUint16(b, c)
	}
	return uint64(l.put(b)), uint64(2 * len(u))
}

// counted returns the two words of a UNICODE_STRING.
func (l *layout) counted(s string) (head, at uint64) {
	at, size := l.text(s)
	return size | (size+2)<<16, at
}

// matches returns a function that compares the result of a capture with want; any status but success is an error.
func matches[T any](t *testing.T, name string, want T) func(got T, st ntstatus.Status) {
	return func(got T, st ntstatus.Status) {
		t.Helper()
		check.That(t, st == ntstatus.Success && reflect.DeepEqual(got, want),
			"%s: %+v, %v, want %+v", name, got, st, want)
	}
}

var (
	alice = sid.MustParse("S-1-5-21-1-2-3-1107")
	staff = sid.MustParse("S-1-5-21-1-2-3-2001")
)
