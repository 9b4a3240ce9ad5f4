//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// AddAce fails for a list that is longer than any ACL, whatever the low bits of its length (S-19).
func TestAddAceRefusesListLongerThanACL(t *testing.T) {
	acl := make([]byte, 64)
	check.Equal(t, sd.CreateACL(acl, 2), ntstatus.Success, "an empty ACL")
	list := make([]byte, 1<<17)
	for _, length := range []uint64{1 << 16, 1 << 17, 1 << 20, 1<<20 + 1<<16, 1<<32 - 1<<20} {
		args := [maxArgs]uint64{pointer(&acl[0]), 2, 1<<32 - 1, pointer(&list[0]), length}
		c := &call{thread: &thread{Memory: new(marshal.Memory)}, args: &args}
		check.That(t, !ntstatus.Status(rtlAddAce(c)).IsSuccess(), "a list of %#x bytes was added", length)
	}
}
