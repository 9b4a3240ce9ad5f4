//go:build cgo && linux

package main

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The thread object of PsCreateSystemThread ends if its handle or its pthread could not be made.
func TestUnstartedSystemThreadEnds(t *testing.T) {
	c := newCaller(t)
	defer c.leave()
	s, _ := embedded()
	c.kernel("PsGetCurrentThread") // the first call in kernel mode makes the thread's face
	before := counts(s)
	h, number, attributes := make([]byte, 8), make([]byte, 8), make([]byte, 48)
	at := c.bytes(number)
	attributes[0] = 48
	le.PutUint32(attributes[24:], winnt.OBJ_FORCE_ACCESS_CHECK)
	check.Equal(t, c.kernel("RmCreateSystemThread", c.bytes(h), 0, c.bytes(attributes), 0, 0, at),
		ntstatus.AccessDenied, "status without any right")
	check.Success(t, c.kernel("RmCreateSystemThread", c.bytes(h), uint64(winnt.THREAD_ALL_ACCESS), 0, 0, 0, at))
	check.Success(t, c.call("NtClose", le.Uint64(h)))
	check.Success(t, c.kernel("RmEndSystemThread", at))
	check.Equal(t, counts(s), before, "objects, handles and references")
}
