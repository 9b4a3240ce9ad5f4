//go:build cgo && linux

package main

import (
	"unicode/utf16"

	"github.com/refmon/refmon/ntstatus"
)

// maxText is the longest text that is read up to a terminator, in units.
const maxText = 1 << 20

// zeroTerminated copies UTF-16 up to its terminator.
func zeroTerminated(p user) (string, ntstatus.Status) {
	var u []uint16
	var b [2]byte
	for len(u) < maxText {
		if st := get(b[:], p); st != ntstatus.Success {
			return "", st
		}
		c := le.Uint16(b[:])
		if c == 0 {
			return string(utf16.Decode(u)), ntstatus.Success
		}
		u, p = append(u, c), p+2
	}
	return "", ntstatus.InvalidParameter
}
