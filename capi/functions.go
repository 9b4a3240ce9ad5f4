//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// function calls a Win32 function that win32.Table implements over the services, for the C functions in the folder win.
// in is its input structure, and out the output.
func (c *call) function(name string, in any) (out any, st ntstatus.Status) {
	out, _, _, st = win32.On(c.nt).CallRow(win32.Table.Find(name), in)
	return out, st
}

// rmImpersonateSelf implements ImpersonateSelf: the calling thread impersonates its own process at a level.
func rmImpersonateSelf(c *call) uint64 {
	_, st := c.function("ImpersonateSelf",
		win32.ImpersonateSelfIn{ImpersonationLevel: winnt.SecurityImpersonationLevel(c.u32(0))})
	return status(st)
}

// rmImpersonateUser implements ImpersonateLoggedOnUser: the calling thread impersonates the user of a token.
func rmImpersonateUser(c *call) uint64 {
	_, st := c.function("ImpersonateLoggedOnUser", win32.ImpersonateLoggedOnUserIn{Token: c.handle(0)})
	return status(st)
}

// rmSetHandleInformation implements SetHandleInformation, which sets whether a handle is inherited and protected from
// closing.
func rmSetHandleInformation(c *call) uint64 {
	_, st := c.function("SetHandleInformation",
		win32.SetHandleInformationIn{Object: c.handle(0), Mask: c.u32(1), Flags: c.u32(2)})
	return status(st)
}

// askedSID captures the SID whose membership a program tests. NULL is STATUS_INVALID_SID.
func (c *call) askedSID(p user) nt.Captured[sid.SID] {
	if p == 0 {
		return captured(sid.SID{}, ntstatus.InvalidSID)
	}
	return captured(c.SIDAt(p))
}

// truthAt writes v as a BOOL to p if st is a success, and returns st or the status of the write.
func (c *call) truthAt(p user, v bool, st ntstatus.Status) uint64 {
	return c.written(p, le.AppendUint32(nil, uint32(truth(v))), st)
}

// rmCheckMembership implements CheckTokenMembership: it writes whether a SID is enabled in a token.
func rmCheckMembership(c *call) uint64 {
	v, st := c.function("CheckTokenMembership",
		win32.CheckTokenMembershipIn{TokenHandle: c.handle(0), SIDToCheck: c.askedSID(c.ptr(1))})
	o, _ := v.(win32.CheckTokenMembershipOut)
	return c.truthAt(c.ptr(2), o.IsMember, st)
}

// rmCheckMembershipEx implements CheckTokenMembershipEx, which tests the membership of a SID with flags for
// AppContainers.
func rmCheckMembershipEx(c *call) uint64 {
	v, st := c.function("CheckTokenMembershipEx",
		win32.CheckTokenMembershipExIn{TokenHandle: c.handle(0), SIDToCheck: c.askedSID(c.ptr(1)), Flags: c.u32(2)})
	o, _ := v.(win32.CheckTokenMembershipOut)
	return c.truthAt(c.ptr(3), o.IsMember, st)
}

// rmCheckCapability implements CheckTokenCapability: it writes whether a token has an AppContainer capability.
func rmCheckCapability(c *call) uint64 {
	v, st := c.function("CheckTokenCapability",
		win32.CheckTokenCapabilityIn{TokenHandle: c.handle(0), CapabilitySIDToCheck: c.askedSID(c.ptr(1))})
	o, _ := v.(win32.CheckTokenCapabilityOut)
	return c.truthAt(c.ptr(2), o.HasCapability, st)
}
