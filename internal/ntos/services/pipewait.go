package services

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// pipeLimit converts a negative number of 100-ns units to a duration. It returns 0, the default of the pipe, for other
// numbers, and -1, no limit, for the smallest number. A duration that does not fit becomes the longest one.
func pipeLimit(units int64) time.Duration {
	const unit = 100 * time.Nanosecond
	switch {
	case units == math.MinInt64:
		return -1
	case units >= 0:
		return 0
	case units < math.MinInt64/int64(unit):
		return math.MaxInt64
	}
	return time.Duration(-units) * unit
}

// waitBuffer parses a FILE_PIPE_WAIT_FOR_BUFFER: the name of a pipe, and how long to wait. ok is false if it is
// malformed. Without a timeout limit is 0. An empty name, an odd length and one beyond the buffer are malformed.
func waitBuffer(b []byte) (name string, limit time.Duration, ok bool) {
	const header = 14 // bytes before the name
	if len(b) < header {
		return "", 0, false
	}
	length := uint64(binary.LittleEndian.Uint32(b[8:]))
	if length == 0 || length%2 != 0 || length > uint64(len(b)-header) {
		return "", 0, false
	}
	units := make([]uint16, length/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[header+2*i:])
	}
	if b[12] != 0 { // a timeout is specified
		limit = pipeLimit(int64(binary.LittleEndian.Uint64(b)))
	}
	return string(utf16.Decode(units)), limit, true
}

// waitForPipe implements FSCTL_PIPE_WAIT, which waits until an instance of a pipe listens. After the time limit the
// status is STATUS_IO_TIMEOUT. If in.Later is nil and no instance listens, that status is returned at once. With
// in.Later the wait can be pending. A malformed buffer is STATUS_INVALID_PARAMETER.
func (c *Context) waitForPipe(f *File, in *nt.FsControlFileIn) ntstatus.Status {
	if in.InputBuffer.Status != ntstatus.Success {
		return c.Fail("O-3", in.InputBuffer.Status)
	}
	name, limit, ok := waitBuffer(in.InputBuffer.V)
	if !ok {
		// The buffer names no pipe.
		return c.Fail("I-162", ntstatus.InvalidParameter)
	}
	if in.Later == nil {
		_, st := c.Sys.Pipes.Wait(name, limit, nil)
		return c.waited(st)
	}
	in.Later.Waits = true // a wait on the device's handle is always synchronous (I-162)
	i, st := c.beginOn(f, new(ke.Signal), in.Later)
	if st != ntstatus.Success {
		return st
	}
	return c.waited(c.startOn(i, func() (npfs.Result, func() bool) {
		w, st := c.Sys.Pipes.Wait(name, limit, func(st ntstatus.Status) { i.over(npfs.Result{Status: st}, true) })
		if w == nil {
			return npfs.Result{Status: st}, nil
		}
		return npfs.Result{Status: st}, w.Cancel
	}))
}

// waited ends a wait for a pipe: it returns its status st and names for the tracer why the wait failed.
func (c *Context) waited(st ntstatus.Status) ntstatus.Status {
	if st != ntstatus.Success && st != ntstatus.Pending {
		// The pipe does not exist, or none of its instances listened in time.
		return c.Fail("I-162", st)
	}
	return st
}
