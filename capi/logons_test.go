//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// The SID behind a name is at a multiple of four, where its pointer points, whatever the length of the name. Without a
// SID the pointer is NULL.
func TestTrustPointsAtAlignedSID(t *testing.T) {
	for _, name := range []string{"", "A", "AB", "ABC", "ABCD", "ABCDE"} {
		for _, s := range []sid.SID{sid.LocalSystem, {}} {
			e := marshal.Encoder{Base: 0x10000}
			at := e.Reserve(24)
			trust(&e, at, name, s)
			p := le.Uint64(e.Bytes[at+16:])
			if s.IsZero() {
				check.Equal(t, p, 0, "pointer without a SID behind %q", name)
				continue
			}
			check.That(t, p%4 == 0 && p >= 0x10000+24+uint64(2*len(name)), "%q: the SID is at %#x", name, p)
			check.Equal(t, string(e.Bytes[p-0x10000:]), string(s.Binary()), "the bytes at the pointer behind %q", name)
		}
	}
}
