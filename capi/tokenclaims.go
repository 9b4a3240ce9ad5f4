//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// previousList is where to write one of the three previous states that NtAdjustTokenClaimsAndDeviceGroups returns: the
// buffer, its length in bytes, and the pointer for the required length.
type previousList struct {
	length           uint32
	buffer, returned user
}

// ntAdjustTokenClaimsAndDeviceGroups implements the NT service of this name. The service changes a token's user
// claims, device claims and device groups. Bad output pointers fail before a bad handle (T-74). The new state of a
// list that is reset is not read. Each requested previous state is written. The first failed write ends the call
// with its status.
func ntAdjustTokenClaimsAndDeviceGroups(c *call) uint64 {
	lists := [3]previousList{{c.u32(7), c.ptr(8), c.ptr(13)}, {c.u32(9), c.ptr(10), c.ptr(14)},
		{c.u32(11), c.ptr(12), c.ptr(15)}}
	for _, l := range lists {
		if st := c.probePrevious(l.length, l.buffer, l.returned); st != ntstatus.Success {
			// The pointers are checked before the handle (T-74).
			return status(st)
		}
	}
	in := nt.AdjustTokenClaimsIn{TokenHandle: c.handle(0), UserResetToDefault: c.boolean(1),
		DeviceResetToDefault: c.boolean(2), DeviceGroupsResetToDefault: c.boolean(3),
		UserBufferLength: lists[0].length, WantPreviousUser: lists[0].buffer != 0,
		DeviceBufferLength: lists[1].length, WantPreviousDevice: lists[1].buffer != 0,
		DeviceGroupsBufferLength: lists[2].length, WantPreviousDeviceGroups: lists[2].buffer != 0}
	// A state is not read with its reset.
	if !in.UserResetToDefault {
		in.NewUserState = captured(c.TokenAttributesAt(c.ptr(4)))
	}
	if !in.DeviceResetToDefault {
		in.NewDeviceState = captured(c.TokenAttributesAt(c.ptr(5)))
	}
	if !in.DeviceGroupsResetToDefault {
		in.NewDeviceGroupsState = captured(c.GroupsAt(c.ptr(6)))
	}
	out, st := c.sys.NtAdjustTokenClaimsAndDeviceGroups(in)
	needs := [3]uint32{out.UserReturnLength, out.DeviceReturnLength, out.DeviceGroupsReturnBufferLength}
	for i, l := range lists {
		if l.buffer == 0 {
			continue
		}
		e := marshal.Encoder{Base: l.buffer}
		switch i {
		case 0:
			e.TokenAttributes(out.PreviousUserState)
		case 1:
			e.TokenAttributes(out.PreviousDeviceState)
		case 2:
			e.GroupList(out.PreviousDeviceGroups)
		}
		if r := c.filled(l.buffer, e.Bytes, l.returned, needs[i], st); r != status(st) {
			return r
		}
	}
	return status(st)
}

// ntQuerySecurityAttributesToken implements NtQuerySecurityAttributesToken: it writes a token's own security
// attributes. It probes the buffer and the length before it uses the handle (T-80). If a probe fails, it does not call
// the service.
func ntQuerySecurityAttributesToken(c *call) uint64 {
	buffer, length, returned := c.ptr(3), c.u32(4), c.ptr(5)
	// The buffer and the pointer for the length are checked before the handle (T-80).
	if st := c.Probe(buffer, uintptr(length), 4); st != ntstatus.Success {
		return status(st)
	}
	if st := c.ProbeU32(returned); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtQuerySecurityAttributesToken(querySecurityAttributesTokenIn(c))
	e := marshal.Encoder{Base: buffer}
	e.TokenAttributes(out.Buffer)
	return c.filled(buffer, e.Bytes, returned, out.ReturnLength, st)
}
