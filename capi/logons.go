//go:build cgo && linux

package main

/*
#include <stdlib.h>
*/
import "C"

import (
	"unsafe"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// lsaOpenPolicy implements LsaOpenPolicy, which opens the policy for lookups of names and SIDs. It ignores the object
// attributes. A failure writes no handle. In the Observed profile a failure past the probe writes NULL.
func lsaOpenPolicy(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(3)); st != ntstatus.Success {
		return status(st)
	}
	name, st := c.StringAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.LsaOpenPolicy(nt.LsaOpenPolicyIn{SystemName: name, DesiredAccess: c.mask(2)})
	return c.openedAt(c.ptr(3), out.PolicyHandle, st)
}

// lsaClose implements LsaClose: it closes the handle of a policy.
func lsaClose(c *call) uint64 {
	_, st := c.sys.LsaClose(nt.LsaCloseIn{ObjectHandle: c.handle(0)})
	return status(st)
}

// lsaQueryInformationPolicy implements LsaQueryInformationPolicy: it returns facts about the computer's policy in
// memory that the caller frees with LsaFreeMemory. The pointer is probed first. After a failure it is unchanged.
func lsaQueryInformationPolicy(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(2)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.LsaQueryInformationPolicy(nt.LsaQueryInformationPolicyIn{PolicyHandle: c.handle(0),
		InformationClass: winnt.PolicyInformationClass(c.u32(1))})
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.giveBuilt(c.ptr(2), func(e *marshal.Encoder) {
		if options := out.Buffer.EventAuditingOptions; options != nil {
			auditEvents(e, out.Buffer.AuditingMode, options)
			return
		}
		trust(e, e.Reserve(24), out.Buffer.DomainName, out.Buffer.DomainSID)
	}))
}

// auditEvents appends a POLICY_AUDIT_EVENTS_INFO with its options behind it. No options are a count of 0.
func auditEvents(e *marshal.Encoder, mode bool, options []winnt.PolicyAuditEventOptions) {
	at := e.Reserve(24)
	if mode {
		e.Bytes[at] = 1
	}
	le.PutUint32(e.Bytes[at+16:], uint32(len(options)))
	e.Point(at + 8)
	for _, o := range options {
		e.U32(uint32(o))
	}
}

// lsaEnumerateAccountRights lists the rights of an account as an array of UNICODE_STRING (L-77). Both output pointers
// are probed first. The caller frees the array. Its count is written even if the array then cannot be.
func lsaEnumerateAccountRights(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(2)); st != ntstatus.Success {
		return status(st)
	}
	if st := c.ProbeU32(c.ptr(3)); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.LsaEnumerateAccountRights(nt.LsaEnumerateAccountRightsIn{PolicyHandle: c.handle(0),
		AccountSID: captured(c.SIDAt(c.ptr(1)))})
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.WriteU32(c.ptr(3), uint32(len(out.UserRights))); st != ntstatus.Success {
		return status(st)
	}
	return status(c.giveBuilt(c.ptr(2), func(e *marshal.Encoder) {
		at := e.Reserve(16 * len(out.UserRights))
		for i, name := range out.UserRights {
			e.Align(2)
			e.Unicode(at+16*i, name)
		}
	}))
}

// lsaLookupPrivilegeName returns the name of a privilege to a caller whose policy handle may look names up (T-146). The
// name is a block that the caller frees. An unknown number is STATUS_NO_SUCH_PRIVILEGE, found after the handle.
func lsaLookupPrivilegeName(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(2)); st != ntstatus.Success {
		return status(st)
	}
	luid, st := c.ReadU64(c.ptr(1))
	if st != ntstatus.Success {
		return status(st)
	}
	// An empty look-up checks that the handle belongs to a policy and grants the right, here and in a daemon.
	if _, st := c.sys.LsaLookupSids(nt.LsaLookupSidsIn{PolicyHandle: c.handle(0)}); st != ntstatus.Success {
		return status(st)
	}
	p := winnt.Privilege(luid)
	if luid > uint64(winnt.LastPrivilege) || !p.Valid() {
		// No privilege has that number (T-146).
		return status(ntstatus.NoSuchPrivilege)
	}
	return status(c.giveString(c.ptr(2), p.String()))
}

// lsaGetUserName returns the account name and the domain of the user that the thread acts as (T-147). The domain's
// pointer may be NULL, the name's not. The caller frees both. If the name cannot be written, the domain stays written.
func lsaGetUserName(c *call) uint64 {
	name, domain := c.ptr(0), c.ptr(1)
	for _, p := range []user{name, domain} {
		if st := c.ProbeHandle(p); st != ntstatus.Success && (p == name || p != 0) {
			return status(st)
		}
	}
	a, st := c.currentAccount()
	if st != ntstatus.Success {
		return status(st)
	}
	if domain != 0 {
		if st := c.giveString(domain, a.Domain); st != ntstatus.Success {
			return status(st)
		}
	}
	return status(c.giveString(name, a.Name))
}

// giveString gives the caller a UNICODE_STRING with its text behind it.
func (c *call) giveString(out user, text string) ntstatus.Status {
	return c.giveBuilt(out, func(e *marshal.Encoder) { e.Unicode(e.Reserve(16), text) })
}

// trust encodes a domain name and SID at offset at, as an LSA_TRUST_INFORMATION.
func trust(e *marshal.Encoder, at int, name string, s sid.SID) {
	e.Align(2)
	e.Unicode(at, name)
	pointed(e, at+16, s)
}

// pointed appends a SID to an output block and stores its address at offset at, or NULL if there is no SID.
func pointed(e *marshal.Encoder, at int, s sid.SID) {
	if !s.IsZero() {
		e.Align(4)
		e.Point(at)
		e.SID(s)
	}
}

// giveBuilt returns a structure that contains addresses of its own parts, in one block from malloc. The caller frees it
// with LsaFreeMemory. Without memory it returns STATUS_NO_MEMORY; if out cannot be written, it frees the block.
func (c *call) giveBuilt(out user, build func(*marshal.Encoder)) ntstatus.Status {
	_, st := c.build(out, build)
	return st
}

// build does the work of giveBuilt, and also returns the block, which belongs to the caller of the function. The block
// is nil after a failure.
func (c *call) build(out user, build func(*marshal.Encoder)) (unsafe.Pointer, ntstatus.Status) {
	var size marshal.Encoder
	build(&size)
	p := C.malloc(C.size_t(max(len(size.Bytes), 1)))
	if p == nil {
		return nil, ntstatus.NoMemory
	}
	e := marshal.Encoder{Base: user(uintptr(p))}
	build(&e)
	copy(unsafe.Slice((*byte)(p), len(size.Bytes)), e.Bytes)
	if st := c.WriteU64(out, uint64(uintptr(p))); st != ntstatus.Success {
		C.free(p)
		return nil, st
	}
	return p, ntstatus.Success
}

// rmLogonUser implements LogonUser. For an account restriction it returns the substatus, which names the restriction;
// the last error of LogonUser shows it. NULL texts are empty. A failure writes no handle except for NULL in the
// Observed profile.
func rmLogonUser(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(4)); st != ntstatus.Success {
		return status(st)
	}
	var texts [3]string
	for i := range texts {
		if p := c.ptr(i); p != 0 {
			var st ntstatus.Status
			if texts[i], st = c.ZeroTerminatedAt(p); st != ntstatus.Success {
				return status(st)
			}
		}
	}
	out, st := c.sys.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LogonType(c.u32(3)),
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: texts[0],
			LogonDomainName: texts[1], Password: logon.Secret(texts[2])}})
	if out.SubStatus != ntstatus.Success {
		st = out.SubStatus
	}
	return c.openedAt(c.ptr(4), out.Token, st)
}
