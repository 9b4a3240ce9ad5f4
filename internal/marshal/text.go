//go:build linux

package marshal

import (
	"unicode/utf16"

	"github.com/refmon/refmon/ntstatus"
)

// maxText limits zero-terminated text, in UTF-16 units.
const maxText = 1 << 20

// ZeroTerminatedAt copies UTF-16 up to its terminator. Without one in the first million units it returns
// STATUS_INVALID_PARAMETER.
func (m *Memory) ZeroTerminatedAt(p Address) (string, ntstatus.Status) {
	s, _, st := m.zeroTerminated(p, maxText)
	return s, st
}

// zeroTerminated copies UTF-16 text up to its NUL and returns it with its number of units. Text without a NUL among
// the first room units is STATUS_INVALID_PARAMETER.
func (m *Memory) zeroTerminated(p Address, room int) (s string, n int, st ntstatus.Status) {
	var u []uint16
	var b [2]byte
	for len(u) < room {
		if st := m.Read(b[:], p); st != ntstatus.Success {
			return "", len(u), st
		}
		c := le.Uint16(b[:])
		if c == 0 {
			return string(utf16.Decode(u)), len(u), ntstatus.Success
		}
		u, p = append(u, c), p+2
	}
	return "", len(u), ntstatus.InvalidParameter
}
