//go:build cgo && linux

package main

/*
#include <stdlib.h>
*/
import "C"

import (
	"unsafe"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// seTokenType returns the TOKEN_TYPE of a token.
func seTokenType(c *call) uint64 { return uint64(c.face.k.SeTokenType(c.token(0))) }

// seTokenImpersonationLevel returns the impersonation level of a token.
func seTokenImpersonationLevel(c *call) uint64 {
	return uint64(c.face.k.SeTokenImpersonationLevel(c.token(0)))
}

// seTokenIsAdmin implements SeTokenIsAdmin: it returns whether a token is an administrator's.
func seTokenIsAdmin(c *call) uint64 { return truth(c.face.k.SeTokenIsAdmin(c.token(0))) }

// seTokenIsRestricted implements SeTokenIsRestricted: it returns whether a token has restricting SIDs.
func seTokenIsRestricted(c *call) uint64 { return truth(c.face.k.SeTokenIsRestricted(c.token(0))) }

// seTokenIsWriteRestricted implements SeTokenIsWriteRestricted: it returns whether a token's restricting SIDs count for
// writing only.
func seTokenIsWriteRestricted(c *call) uint64 {
	return truth(c.face.k.SeTokenIsWriteRestricted(c.token(0)))
}

// seQueryAuthenticationIdToken implements the routine of this name: it writes the identifier of the token's logon
// session.
func seQueryAuthenticationIdToken(c *call) uint64 {
	return status(c.WriteU64(c.ptr(1), uint64(c.face.k.SeQueryAuthenticationIdToken(c.token(0)))))
}

// seQuerySessionIdToken implements SeQuerySessionIdToken: it writes the number of the token's terminal-services
// session.
func seQuerySessionIdToken(c *call) uint64 {
	return status(c.WriteU32(c.ptr(1), c.face.k.SeQuerySessionIdToken(c.token(0))))
}

// seQueryInformationToken implements SeQueryInformationToken, which returns a token's information in allocated
// memory. The caller frees the memory. A failed allocation is STATUS_INSUFFICIENT_RESOURCES. A failed query is
// reported before a bad output pointer.
func seQueryInformationToken(c *call) uint64 {
	class, out := winnt.TokenInfoClass(c.u32(1)), c.ptr(2)
	v, st := c.face.k.SeQueryInformationToken(c.token(0), class)
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.ProbeHandle(out); st != ntstatus.Success {
		return status(st)
	}
	var size marshal.Encoder
	size.TokenInformation(class, v)
	p := C.malloc(C.size_t(max(len(size.Bytes), 1)))
	if p == nil {
		return status(ntstatus.InsufficientResources)
	}
	e := marshal.Encoder{Base: user(uintptr(p))}
	e.TokenInformation(class, v)
	copy(unsafe.Slice((*byte)(p), len(e.Bytes)), e.Bytes)
	return status(c.WriteU64(out, uint64(uintptr(p))))
}

// seFilterToken implements SeFilterToken: it passes a reference on the filtered token to the program, which must
// release it. A failure writes nothing.
func seFilterToken(c *call) uint64 {
	t, st := c.face.k.SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: c.token(0), Flags: c.u32(1),
		SIDsToDisable: captured(c.GroupsAt(c.ptr(2))), PrivilegesToDelete: captured(c.PrivilegesAt(c.ptr(3))),
		RestrictedSIDs: captured(c.GroupsAt(c.ptr(4)))})
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.receive(c.ptr(5), t))
}

// seAccessCheck implements SeAccessCheck, the access check of kernel code. It denies if there is no memory for the
// privileges that the check used.
func seAccessCheck(c *call) uint64 {
	out, granted, accessStatus := c.ptr(5), c.ptr(8), c.ptr(9)
	mode := access.User
	if c.processorMode(7) == kernel.KernelMode {
		mode = access.Kernel
	}
	r := c.face.k.SeAccessCheck(kernel.SeAccessCheckIn{SecurityDescriptor: captured(c.DescriptorAt(c.ptr(0))),
		SubjectSecurityContext: c.subjectAt(c.ptr(1)),
		DesiredAccess:          c.mask(3), PreviouslyGrantedAccess: c.mask(4),
		GenericMapping: captured(c.MappingAt(c.ptr(6))),
		AccessMode:     mode})
	if out != 0 {
		c.write(out, make([]byte, 8))
		if r.Privileges != nil {
			var e marshal.Encoder
			e.PrivilegeSet(r.Privileges)
			if st := c.give(out, e.Bytes); st != ntstatus.Success {
				r = kernel.SeAccessCheckOut{AccessStatus: st}
			}
		}
	}
	c.write(granted, le.AppendUint32(nil, uint32(r.GrantedAccess)))
	c.write(accessStatus, le.AppendUint32(nil, uint32(r.AccessStatus)))
	return truth(r.Result)
}

// sePrivilegeCheck implements SePrivilegeCheck: it returns whether a subject has the privileges of a set, and marks the
// used ones in the program's set. A set that cannot be read is a bug.
func sePrivilegeCheck(c *call) uint64 {
	set, st := c.privilegeSetAt(c.ptr(0))
	if st != ntstatus.Success {
		c.bug("the privilege set at %#x: %v", uintptr(c.ptr(0)), st)
	}
	found, held := c.face.k.SePrivilegeCheck(set, c.subjectAt(c.ptr(1)), c.processorMode(2))
	var e marshal.Encoder
	e.PrivilegeSet(found)
	c.write(c.ptr(0), e.Bytes)
	return truth(held)
}

// rmSinglePrivilegeCheck implements SeSinglePrivilegeCheck for a LUID at an address.
func rmSinglePrivilegeCheck(c *call) uint64 {
	return truth(c.face.k.SeSinglePrivilegeCheck(c.luidAt(0), c.processorMode(1)))
}
