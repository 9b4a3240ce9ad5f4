//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// text reads parameter i, a UNICODE_STRING, which may be NULL.
func (c *call) text(i int) nt.Captured[string] { return captured(c.StringAt(c.ptr(i))) }

// required reads a UNICODE_STRING parameter that must not be NULL.
func (c *call) required(i int) nt.Captured[string] {
	if c.ptr(i) == 0 {
		// A required name must not be NULL (U-36).
		return captured("", ntstatus.AccessViolation)
	}
	return c.text(i)
}

// ntOpenObjectAuditAlarm implements NtOpenObjectAuditAlarm, which records an open of a server's object. It probes
// GenerateOnClose before it reads any other parameter. A NULL HandleId means no handle. If the probe fails, it does not
// call the service.
func ntOpenObjectAuditAlarm(c *call) uint64 {
	generate := c.ptr(11)
	if st := c.Probe(generate, 1, 1); st != ntstatus.Success {
		return status(st)
	}
	in := openObjectAuditAlarmIn(c)
	if p := c.ptr(1); p != 0 {
		in.HandleID = c.handleAt(p)
	}
	out, st := c.sys.NtOpenObjectAuditAlarm(in)
	return c.written(generate, boolean(out.GenerateOnClose), st)
}
