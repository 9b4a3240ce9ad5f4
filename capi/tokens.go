//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ntOpenProcessToken(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(2)); st != ntstatus.Success {
		// The pointers are looked at before the handle (O-3).
		return status(st)
	}
	h, st := c.nt.NtOpenProcessToken(c.handle(0), c.mask(1))
	return c.opened(c.ptr(2), h, st)
}

func ntOpenProcessTokenEx(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(3)); st != ntstatus.Success {
		return status(st)
	}
	h, st := c.nt.NtOpenProcessTokenEx(c.handle(0), c.mask(1), c.u32(2))
	return c.opened(c.ptr(3), h, st)
}

func ntOpenThreadToken(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(3)); st != ntstatus.Success {
		return status(st)
	}
	h, st := c.nt.NtOpenThreadToken(c.handle(0), c.mask(1), c.boolean(2))
	return c.opened(c.ptr(3), h, st)
}

func ntOpenThreadTokenEx(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(4)); st != ntstatus.Success {
		return status(st)
	}
	h, st := c.nt.NtOpenThreadTokenEx(c.handle(0), c.mask(1), c.boolean(2), c.u32(3))
	return c.opened(c.ptr(4), h, st)
}

func ntDuplicateToken(c *call) uint64 {
	typ := winnt.TokenType(c.u32(4))
	if typ != winnt.TokenPrimary && typ != winnt.TokenImpersonation {
		// The token type comes first, before any memory is touched (T-40).
		return status(ntstatus.InvalidParameter)
	}
	if st := c.ProbeHandle(c.ptr(5)); st != ntstatus.Success {
		// The pointers come next, before the existing handle.
		return status(st)
	}
	out, st := c.sys.NtDuplicateToken(nt.DuplicateTokenIn{ExistingTokenHandle: c.handle(0), DesiredAccess: c.mask(1),
		ObjectAttributes: c.attributes(2), EffectiveOnly: c.boolean(3), TokenType: typ})
	return c.opened(c.ptr(5), out.NewTokenHandle, st)
}

func ntFilterToken(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(5)); st != ntstatus.Success {
		// The pointers are looked at before the flags and the handle (T-60).
		return status(st)
	}
	out, st := c.sys.NtFilterToken(nt.FilterTokenIn{ExistingTokenHandle: c.handle(0), Flags: c.u32(1),
		SIDsToDisable: captured(c.GroupsAt(c.ptr(2))), PrivilegesToDelete: captured(c.PrivilegesAt(c.ptr(3))),
		RestrictedSIDs: captured(c.GroupsAt(c.ptr(4)))})
	return c.opened(c.ptr(5), out.NewTokenHandle, st)
}

// probePrevious probes what the two adjusting services write (T-70, T-74).
func (c *call) probePrevious(length uint32, previous, returned user) ntstatus.Status {
	if previous == 0 {
		return ntstatus.Success
	}
	if st := c.Probe(previous, uintptr(length), 4); st != ntstatus.Success {
		return st
	}
	return c.ProbeU32(returned)
}

func ntAdjustPrivilegesToken(c *call) uint64 {
	all, state, length, previous, returned := c.boolean(1), c.ptr(2), c.u32(3), c.ptr(4), c.ptr(5)
	if !all && state == 0 {
		// There is neither a list nor all: the call fails before its pointers are looked at (T-70).
		return status(ntstatus.InvalidParameter)
	}
	if st := c.probePrevious(length, previous, returned); st != ntstatus.Success {
		// The pointers come next, before the handle.
		return status(st)
	}
	in := nt.AdjustPrivilegesTokenIn{TokenHandle: c.handle(0), DisableAllPrivileges: all, BufferLength: length,
		WantPrevious: previous != 0}
	if !all {
		// The list is not read with DisableAllPrivileges (T-71).
		in.NewState = captured(c.PrivilegesAt(state))
	}
	out, st := c.sys.NtAdjustPrivilegesToken(in)
	if previous != 0 && st.IsSuccess() {
		var e marshal.Encoder
		e.Privileges(out.PreviousState)
		if fault := c.Write(previous, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(c.returned(returned, previous != 0, out.ReturnLength, st))
}

// returned writes a ReturnLength after success and where a buffer was too small.
func (c *call) returned(p user, want bool, n uint32, st ntstatus.Status) ntstatus.Status {
	if want && (st.IsSuccess() || st == ntstatus.BufferTooSmall) {
		if fault := c.WriteU32(p, n); fault != ntstatus.Success {
			return fault
		}
	}
	return st
}

func ntAdjustGroupsToken(c *call) uint64 {
	length, previous, returned := c.u32(3), c.ptr(4), c.ptr(5)
	if st := c.probePrevious(length, previous, returned); st != ntstatus.Success {
		// The pointers are looked at before the handle (T-74).
		return status(st)
	}
	in := nt.AdjustGroupsTokenIn{TokenHandle: c.handle(0), ResetToDefault: c.boolean(1), BufferLength: length,
		WantPrevious: previous != 0}
	if !in.ResetToDefault {
		in.NewState = captured(c.GroupsAt(c.ptr(2)))
	}
	out, st := c.sys.NtAdjustGroupsToken(in)
	if previous != 0 && st.IsSuccess() {
		e := marshal.Encoder{Base: previous}
		e.GroupList(out.PreviousState)
		if fault := c.Write(previous, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(c.returned(returned, previous != 0, out.ReturnLength, st))
}

func ntQueryInformationToken(c *call) uint64 {
	buffer, length, returned := c.ptr(2), c.u32(3), c.ptr(4)
	in := nt.QueryInformationTokenIn{TokenHandle: c.handle(0), TokenInformationClass: winnt.TokenInfoClass(c.u32(1)),
		TokenInformationLength: length}
	if in.FaultReturnLength = c.Probe(buffer, uintptr(length), 4); in.FaultReturnLength == ntstatus.Success {
		// A place for the length is wanted: NULL is a fault (T-80).
		in.FaultReturnLength = c.ProbeU32(returned)
	}
	out, st := c.sys.NtQueryInformationToken(in)
	if st.IsSuccess() {
		e := marshal.Encoder{Base: buffer}
		e.TokenInformation(in.TokenInformationClass, out.TokenInformation)
		if fault := c.Write(buffer, e.Bytes); fault != ntstatus.Success {
			return status(fault) // the handle stays open
		}
	}
	return status(c.returned(returned, true, out.ReturnLength, st))
}

func ntSetInformationToken(c *call) uint64 {
	class, p, length := winnt.TokenInfoClass(c.u32(1)), c.ptr(2), c.u32(3)
	in := nt.SetInformationTokenIn{TokenHandle: c.handle(0), TokenInformationClass: class, TokenInformationLength: length}
	in.TokenInformation = captured(c.tokenInformationAt(class, p, length))
	_, st := c.sys.NtSetInformationToken(in)
	return status(st)
}

// tokenInformationAt copies what a class of NtSetInformationToken takes, as the
// Go value of the class; nil for a length that the service refuses.
func (c *call) tokenInformationAt(class winnt.TokenInfoClass, p user, length uint32) (any, ntstatus.Status) {
	need := uint32(4)
	switch class {
	case winnt.TokenOwner, winnt.TokenPrimaryGroup, winnt.TokenDefaultDacl, winnt.TokenOrigin, winnt.TokenLinkedToken:
		need = 8
	case winnt.TokenIntegrityLevel, winnt.TokenBnoIsolation:
		need = 16
	case winnt.TokenSecurityAttributes:
		need = 16
	case winnt.TokenAuditPolicy:
		need = token.AuditPolicySize
	}
	if length < need {
		if length == 0 {
			return nil, ntstatus.Success
		}
		_, st := c.Block(p, int(length), 1)
		return uint32(0), st // the length is refused in its place
	}
	b, st := c.Block(p, int(need), 1)
	if st != ntstatus.Success {
		return nil, st
	}
	switch class {
	case winnt.TokenOwner, winnt.TokenPrimaryGroup:
		return asAny(c.SIDAt(user(le.Uint64(b))))
	case winnt.TokenDefaultDacl:
		return asAny(c.ACLAt(user(le.Uint64(b))))
	case winnt.TokenOrigin:
		return winnt.LUID(le.Uint64(b)), ntstatus.Success
	case winnt.TokenLinkedToken:
		return winnt.Handle(le.Uint64(b)), ntstatus.Success
	case winnt.TokenIntegrityLevel:
		s, st := c.SIDAt(user(le.Uint64(b)))
		return token.Group{SID: s, Attributes: le.Uint32(b[8:])}, st
	case winnt.TokenBnoIsolation:
		x := nt.TokenBnoIsolation{IsolationEnabled: b[8] != 0}
		if at := user(le.Uint64(b)); at != 0 {
			x.IsolationPrefix, st = c.ZeroTerminatedAt(at)
		}
		return x, st
	case winnt.TokenSecurityAttributes:
		return asAny(c.attributeChangesAt(b))
	case winnt.TokenAuditPolicy:
		return b, ntstatus.Success
	}
	return le.Uint32(b), ntstatus.Success
}

func asAny[T any](v T, st ntstatus.Status) (any, ntstatus.Status) { return v, st }

func ntCompareTokens(c *call) uint64 {
	out, st := c.sys.NtCompareTokens(nt.CompareTokensIn{FirstTokenHandle: c.handle(0), SecondTokenHandle: c.handle(1),
		FaultEqual: c.Probe(c.ptr(2), 1, 1)})
	if st.IsSuccess() {
		if fault := c.WriteBool(c.ptr(2), out.Equal); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

func ntAllocateLocallyUniqueId(c *call) uint64 {
	if st := c.Probe(c.ptr(0), 8, 4); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtAllocateLocallyUniqueId(nt.AllocateLocallyUniqueIDIn{})
	if st.IsSuccess() {
		if fault := c.WriteU64(c.ptr(0), uint64(out.LUID)); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// pointee copies the pointer-sized member of a structure at p and reads what it
// points to; NULL structures give the zero value when optional.
func pointee[T any](t *thread, p user, optional bool, read func(user) (T, ntstatus.Status)) nt.Captured[T] {
	var zero T
	if p == 0 && optional {
		return nt.Cap(zero)
	}
	at, st := t.ReadU64(p)
	if st != ntstatus.Success {
		return captured(zero, st)
	}
	if at == 0 && optional {
		return nt.Cap(zero)
	}
	return captured(read(user(at)))
}

func (c *call) sourceAt(p user) (*token.Source, ntstatus.Status) {
	var b [16]byte
	if st := c.Read(b[:], p); st != ntstatus.Success {
		return nil, st
	}
	n := 8
	for n > 0 && (b[n-1] == 0 || b[n-1] == ' ') {
		n--
	}
	return &token.Source{Name: string(b[:n]), ID: winnt.LUID(le.Uint64(b[8:]))}, ntstatus.Success
}

func ntCreateToken(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	auth, authStatus := c.ReadU64(c.ptr(4))
	expires, expiresStatus := c.ReadU64(c.ptr(5))
	in := nt.CreateTokenIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		TokenType:        winnt.TokenType(c.u32(3)),
		AuthenticationID: captured(winnt.LUID(auth), authStatus), ExpirationTime: captured(int64(expires), expiresStatus),
		Groups: captured(c.GroupsAt(c.ptr(7))), Privileges: captured(c.PrivilegesAt(c.ptr(8))),
		Owner:        pointee(c.thread, c.ptr(9), true, c.SIDAt),
		PrimaryGroup: pointee(c.thread, c.ptr(10), false, c.SIDAt),
		DefaultDACL:  pointee(c.thread, c.ptr(11), true, func(p user) (*sd.ACL, ntstatus.Status) { return c.ACLAt(p) }),
		Source:       captured(c.sourceAt(c.ptr(12)))}
	if users, st := c.GroupsFrom(c.ptr(6), 1); st != ntstatus.Success {
		in.User.Status = st
	} else {
		in.User.V = &users[0]
	}
	out, st := c.sys.NtCreateToken(in)
	return c.opened(c.ptr(0), out.TokenHandle, st)
}

func ntCreateLowBoxToken(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(0)); st != ntstatus.Success {
		return status(st)
	}
	in := nt.CreateLowBoxTokenIn{ExistingTokenHandle: c.handle(1), DesiredAccess: c.mask(2),
		ObjectAttributes: c.attributes(3),
		PackageSID:       captured[sid.SID](c.SIDAt(c.ptr(4)))}
	if n := c.u32(5); n > 0 {
		in.Capabilities = captured(c.GroupsFrom(c.ptr(6), n))
	}
	if n := c.u32(7); n > 0 {
		b, st := c.Block(c.ptr(8), 8*int(n), 4)
		list := make([]winnt.Handle, len(b)/8)
		for i := range list {
			list[i] = winnt.Handle(le.Uint64(b[8*i:]))
		}
		in.Handles = captured(list, st)
	}
	out, st := c.sys.NtCreateLowBoxToken(in)
	return c.opened(c.ptr(0), out.TokenHandle, st)
}
