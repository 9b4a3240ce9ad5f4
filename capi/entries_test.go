//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
)

// The name of a trustee in an A function has one byte per character, as in LookupAccountSidA.
func TestNarrowTrusteeHasOneBytePerCharacter(t *testing.T) {
	text := []byte("Jos\xe9\x00") // of the A functions: José
	c := &call{thread: &thread{Memory: new(marshal.Memory)}}
	name, st := c.trusteeName(user(pointer(&text[0])), false)
	check.That(t, st == 0 && name == "José", "name of a trustee: %q, %v, want José", name, st)
}
