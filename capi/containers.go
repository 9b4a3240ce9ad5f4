//go:build cgo && linux

package main

import (
	"crypto/sha256"
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// maxContainerName is the longest name of an AppContainer, in units.
const maxContainerName = 64

// rmAppcontainerSid returns the SID of an AppContainer by name: S-1-15-2 and the first seven words of the hash of the
// lower-case name. An empty or too long name is STATUS_INVALID_PARAMETER.
func rmAppcontainerSid(c *call) uint64 {
	name, st := c.ZeroTerminatedAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	u := utf16.Encode([]rune(strings.ToLower(name)))
	if len(u) == 0 || len(u) > maxContainerName {
		return status(ntstatus.InvalidParameter)
	}
	var text []byte
	for _, x := range u {
		text = le.AppendUint16(text, x)
	}
	h := sha256.Sum256(text)
	s := sid.MustParse("S-1-15-2")
	for i := range 7 {
		s = s.WithRID(le.Uint32(h[4*i:]))
	}
	return status(c.give(c.ptr(1), []byte(s.Binary())))
}
