//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// addWithData appends an ACE with application data to an ACL. The call writes the new size of the ACL to returned.
// An ACL without room gets STATUS_BUFFER_TOO_SMALL, and returned gets the required size. After any other failure
// returned is unchanged. If returned is inaccessible, the ACL is unchanged.
func (c *call) addWithData(acl user, revision uint32, t sd.Type, flags uint8, mask winnt.AccessMask, s sid.SID,
	data []byte, returned user) uint64 {
	if st := c.ProbeU32(returned); st != ntstatus.Success {
		return status(st)
	}
	var need uint32
	st := c.changeList(acl, func(list []byte) ntstatus.Status {
		st := sd.AddACE(list, revision, t, flags, mask, s, sd.ACEExtra{AppData: data})
		need = uint32(le.Uint16(list[2:]))
		if l, _, err := sd.DecodeACL(list); st == ntstatus.AllottedSpaceExceeded && err == nil {
			need = uint32(listHeader)
			for _, a := range l.All() {
				need += uint32(len(a.Binary()))
			}
			if a, err := sd.NewACE(t, flags, mask, s, sd.ACEExtra{AppData: data}); err == nil {
				need += uint32(len(a.Binary()))
			}
			return ntstatus.BufferTooSmall
		}
		return st
	})
	if r := ntstatus.Status(st); r == ntstatus.Success || r == ntstatus.BufferTooSmall {
		if fault := c.WriteU32(returned, need); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return st
}

// listHeader is the size of an ACL without entries.
const listHeader = 8

// rmAddConditionalAce implements AddConditionalAce. It returns STATUS_INVALID_PARAMETER for a type without conditions
// and for a malformed condition, whose outer parentheses are optional. Only the types that allow, deny and audit with a
// condition have one. The error of the list is that of addWithData.
func rmAddConditionalAce(c *call) uint64 {
	t := sd.Type(c.u32(2))
	if t != sd.AccessAllowedCallback && t != sd.AccessDeniedCallback && t != sd.SystemAuditCallback {
		return status(ntstatus.InvalidParameter)
	}
	s, st := c.SIDAt(c.ptr(5))
	if st != ntstatus.Success {
		return status(st)
	}
	text, st := c.ZeroTerminatedAt(c.ptr(6))
	if st != ntstatus.Success {
		return status(st)
	}
	text = "(" + text + ")"
	condition, n, err := claims.ParseExpr(text, claims.ParseOptions{SID: func(text string) (sid.SID, int, error) {
		return sid.Scan(text, domain())
	}})
	if err != nil || n != len(text) {
		return status(ntstatus.InvalidParameter)
	}
	return c.addWithData(c.ptr(0), c.u32(1), t, uint8(c.u32(3)), c.mask(4), s, condition.Encode(), c.ptr(7))
}

// rmAddAttributeAce implements AddResourceAttributeAce, for exactly one attribute and no rights. Any other input
// returns STATUS_INVALID_PARAMETER. Memory that cannot be read returns its status.
func rmAddAttributeAce(c *call) uint64 {
	s, st := c.SIDAt(c.ptr(4))
	if st != ntstatus.Success {
		return status(st)
	}
	list, st := c.ClaimsAt(c.ptr(5))
	if st != ntstatus.Success {
		return status(st)
	}
	if len(list) != 1 || c.mask(3) != 0 || list[0].Validate() != nil {
		return status(ntstatus.InvalidParameter)
	}
	return c.addWithData(c.ptr(0), c.u32(1), sd.SystemResourceAttribute, uint8(c.u32(2)), 0, s, list[0].Append(nil),
		c.ptr(6))
}
