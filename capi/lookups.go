//go:build cgo && linux

package main

/*
#include <stdlib.h>
*/
import "C"

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// probeLookup probes the two results of a look-up of n names. It returns the status of a bad pointer, and
// STATUS_INVALID_PARAMETER for too many names.
func (c *call) probeLookup(domains, results user, n uint32) ntstatus.Status {
	for _, p := range []user{domains, results} {
		if st := c.ProbeHandle(p); st != ntstatus.Success {
			return st
		}
	}
	if n > nt.MaxLookup {
		// A count beyond the bound is refused before memory is taken for it (L-45).
		return ntstatus.InvalidParameter
	}
	return ntstatus.Success
}

// lsaLookupNames2 returns the domains and the SIDs in two blocks that the caller frees with LsaFreeMemory.
// STATUS_NONE_MAPPED writes both as well; another failure writes nothing.
func lsaLookupNames2(c *call) uint64 {
	n := c.u32(2)
	if st := c.probeLookup(c.ptr(4), c.ptr(5), n); st != ntstatus.Success {
		return status(st)
	}
	names := make([]string, n)
	for i := range names {
		var st ntstatus.Status
		if names[i], st = c.StringAt(c.ptr(3) + user(16*i)); st != ntstatus.Success {
			return status(st)
		}
	}
	out, st := c.sys.LsaLookupNames2(nt.LsaLookupNames2In{PolicyHandle: c.handle(0), Flags: c.u32(1), Names: names})
	return c.lookedUp(st, c.ptr(4), out.ReferencedDomains, c.ptr(5), func(e *marshal.Encoder) {
		at := e.Reserve(24 * len(out.SIDs))
		for i, s := range out.SIDs {
			b := at + 24*i
			le.PutUint32(e.Bytes[b:], uint32(s.Use))
			le.PutUint32(e.Bytes[b+16:], uint32(s.DomainIndex))
			pointed(e, b+8, s.SID)
		}
	})
}

// lsaLookupSids implements LsaLookupSids, which returns the names and domains of SIDs. The caller frees both outputs
// with LsaFreeMemory. A malformed SID gets a name of type SidTypeInvalid (L-47). An unreadable SID fails the call.
// STATUS_NONE_MAPPED also writes both outputs. A failed write returns the status of that write.
func lsaLookupSids(c *call) uint64 {
	n := c.u32(1)
	if st := c.probeLookup(c.ptr(3), c.ptr(4), n); st != ntstatus.Success {
		return status(st)
	}
	sids := make([]sid.SID, n)
	for i := range sids {
		p, st := c.ReadU64(c.ptr(2) + user(8*i))
		if st != ntstatus.Success {
			return status(st)
		}
		// One that is not a SID is a name of type SidTypeInvalid, not a fault of the call (L-47).
		if sids[i], st = c.SIDAt(user(p)); st != ntstatus.Success && st != ntstatus.InvalidSID {
			return status(st)
		}
	}
	out, st := c.sys.LsaLookupSids(nt.LsaLookupSidsIn{PolicyHandle: c.handle(0), SIDs: sids})
	return c.lookedUp(st, c.ptr(3), out.ReferencedDomains, c.ptr(4), func(e *marshal.Encoder) {
		at := e.Reserve(32 * len(out.Names))
		for i, s := range out.Names {
			b := at + 32*i
			le.PutUint32(e.Bytes[b:], uint32(s.Use))
			le.PutUint32(e.Bytes[b+24:], uint32(s.DomainIndex))
			e.Align(2)
			e.Unicode(b+8, s.Name)
		}
	})
}

// lookedUp writes the domains and the results of a lookup, and returns the call's status. Only a success or
// STATUS_NONE_MAPPED writes outputs (L-46). A failed write returns the status of that write. If the results cannot
// be written, the domains are freed and their variable is restored.
func (c *call) lookedUp(st ntstatus.Status, domains user, list []nt.TrustInformation, results user,
	build func(*marshal.Encoder)) uint64 {
	if !st.IsSuccess() && st != ntstatus.NoneMapped {
		return status(st)
	}
	before, fault := c.ReadU64(domains)
	if fault != ntstatus.Success {
		return status(fault)
	}
	block, fault := c.build(domains, func(e *marshal.Encoder) {
		head := e.Reserve(16)
		le.PutUint32(e.Bytes[head:], uint32(len(list)))
		e.Point(head + 8)
		at := e.Reserve(24 * len(list))
		for i, d := range list {
			trust(e, at+24*i, d.Name, d.SID)
		}
	})
	if fault != ntstatus.Success {
		return status(fault)
	}
	if fault := c.giveBuilt(results, build); fault != ntstatus.Success {
		C.free(block) // a caller of a failed call frees nothing
		_ = c.WriteU64(domains, before)
		return status(fault)
	}
	return status(st)
}
