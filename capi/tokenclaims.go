//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// attributeList reads a TOKEN_SECURITY_ATTRIBUTES_INFORMATION parameter.
func (c *call) attributeList(i int) nt.Captured[[]claims.Attribute] {
	return captured(c.TokenAttributesAt(c.ptr(i)))
}

func (c *call) groups(i int) nt.Captured[[]token.Group] { return captured(c.GroupsAt(c.ptr(i))) }

func ntCreateTokenEx(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	auth, authStatus := c.ReadU64(c.ptr(4))
	expires, expiresStatus := c.ReadU64(c.ptr(5))
	in := nt.CreateTokenExIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		TokenType:        winnt.TokenType(c.u32(3)),
		AuthenticationID: captured(winnt.LUID(auth), authStatus), ExpirationTime: captured(int64(expires), expiresStatus),
		Groups: c.groups(7), Privileges: captured(c.PrivilegesAt(c.ptr(8))),
		UserAttributes: c.attributeList(9), DeviceAttributes: c.attributeList(10), DeviceGroups: c.groups(11),
		Owner:        pointee(c.thread, c.ptr(13), true, c.SIDAt),
		PrimaryGroup: pointee(c.thread, c.ptr(14), false, c.SIDAt),
		DefaultDACL:  pointee(c.thread, c.ptr(15), true, func(p user) (*sd.ACL, ntstatus.Status) { return c.ACLAt(p) }),
		Source:       captured(c.sourceAt(c.ptr(16)))}
	if p := c.ptr(12); p != 0 {
		v, st := c.ReadU32(p)
		in.MandatoryPolicy = captured(&v, st)
	}
	if users, st := c.GroupsFrom(c.ptr(6), 1); st != ntstatus.Success {
		in.User.Status = st
	} else {
		in.User.V = &users[0]
	}
	out, st := c.sys.NtCreateTokenEx(in)
	return c.opened(c.ptr(0), out.TokenHandle, st)
}

func ntFilterTokenEx(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(13)); st != ntstatus.Success {
		// The pointers are looked at before the flags and the handle (T-60).
		return status(st)
	}
	out, st := c.sys.NtFilterTokenEx(nt.FilterTokenExIn{ExistingTokenHandle: c.handle(0), Flags: c.u32(1),
		SIDsToDisable: c.groups(2), PrivilegesToDelete: captured(c.PrivilegesAt(c.ptr(3))), RestrictedSIDs: c.groups(4),
		UserClaimsToDisable: captured(c.NamesAt(c.ptr(6), c.u32(5))), DeviceClaimsToDisable: captured(c.NamesAt(c.ptr(8),
			c.u32(7))),
		DeviceGroupsToDisable: c.groups(9), RestrictedUserAttributes: c.attributeList(10),
		RestrictedDeviceAttributes: c.attributeList(11),
		RestrictedDeviceGroups:     c.groups(12)})
	return c.opened(c.ptr(13), out.NewTokenHandle, st)
}

// previousList is one of the three previous states that
// NtAdjustTokenClaimsAndDeviceGroups can tell.
type previousList struct {
	length           uint32
	buffer, returned user
}

func ntAdjustTokenClaimsAndDeviceGroups(c *call) uint64 {
	lists := [3]previousList{{c.u32(7), c.ptr(8), c.ptr(13)}, {c.u32(9), c.ptr(10), c.ptr(14)},
		{c.u32(11), c.ptr(12), c.ptr(15)}}
	for _, l := range lists {
		if st := c.probePrevious(l.length, l.buffer, l.returned); st != ntstatus.Success {
			// The pointers are looked at before the handle (T-74).
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
		in.NewUserState = c.attributeList(4)
	}
	if !in.DeviceResetToDefault {
		in.NewDeviceState = c.attributeList(5)
	}
	if !in.DeviceGroupsResetToDefault {
		in.NewDeviceGroupsState = c.groups(6)
	}
	out, st := c.sys.NtAdjustTokenClaimsAndDeviceGroups(in)
	needs := [3]uint32{out.UserReturnLength, out.DeviceReturnLength, out.DeviceGroupsReturnBufferLength}
	for i, l := range lists {
		if l.buffer == 0 {
			continue
		}
		if st.IsSuccess() {
			e := marshal.Encoder{Base: l.buffer}
			switch i {
			case 0:
				e.TokenAttributes(out.PreviousUserState)
			case 1:
				e.TokenAttributes(out.PreviousDeviceState)
			case 2:
				e.GroupList(out.PreviousDeviceGroups)
			}
			if fault := c.Write(l.buffer, e.Bytes); fault != ntstatus.Success {
				return status(fault)
			}
		}
		if fault := c.returned(l.returned, true, needs[i], st); fault != st {
			return status(fault)
		}
	}
	return status(st)
}

func ntQuerySecurityAttributesToken(c *call) uint64 {
	buffer, length, returned := c.ptr(3), c.u32(4), c.ptr(5)
	// The buffer and the place for the length are looked at before the handle (T-80).
	if st := c.Probe(buffer, uintptr(length), 4); st != ntstatus.Success {
		return status(st)
	}
	if st := c.ProbeU32(returned); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtQuerySecurityAttributesToken(nt.QuerySecurityAttributesTokenIn{TokenHandle: c.handle(0),
		Attributes: captured(c.NamesAt(c.ptr(1), c.u32(2))), Length: length})
	if st.IsSuccess() {
		e := marshal.Encoder{Base: buffer}
		e.TokenAttributes(out.Buffer)
		if fault := c.Write(buffer, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(c.returned(returned, true, out.ReturnLength, st))
}

// attributeChangesAt copies TOKEN_SECURITY_ATTRIBUTES_AND_OPERATION_INFORMATION,
// an operation for each attribute.
func (c *call) attributeChangesAt(b []byte) ([]token.AttributeChange, ntstatus.Status) {
	at := user(le.Uint64(b))
	if at == 0 {
		return nil, ntstatus.AccessViolation
	}
	list, st := c.TokenAttributesAt(at)
	if st != ntstatus.Success {
		return nil, st
	}
	operations, st := c.Block(user(le.Uint64(b[8:])), 4*len(list), 4)
	if st != ntstatus.Success {
		return nil, st
	}
	changes := make([]token.AttributeChange, len(list))
	for i := range changes {
		changes[i] = token.AttributeChange{Attribute: list[i],
			Operation: token.AttributeOperation(le.Uint32(operations[4*i:]))}
	}
	return changes, ntstatus.Success
}
