//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ntDuplicateToken implements NtDuplicateToken and writes the handle of the copy. It checks the token type before it
// touches memory (T-40), and the output pointer before the handle. In the Observed profile a failure past the probe
// writes NULL.
func ntDuplicateToken(c *call) uint64 {
	if typ := winnt.TokenType(c.u32(4)); typ != winnt.TokenPrimary && typ != winnt.TokenImpersonation {
		// The token type comes first, before any memory is touched (T-40).
		return status(ntstatus.InvalidParameter)
	}
	if st := c.ProbeHandle(c.ptr(5)); st != ntstatus.Success {
		// The pointers come next, before the existing handle.
		return status(st)
	}
	out, st := c.sys.NtDuplicateToken(duplicateTokenIn(c))
	return c.openedAt(c.ptr(5), out.NewTokenHandle, st)
}

// probePrevious probes the outputs for the previous state of an adjustment of privileges or groups (T-70, T-74). length
// is the buffer's size in bytes. A NULL previous state has no outputs.
func (c *call) probePrevious(length uint32, previous, returned user) ntstatus.Status {
	if previous == 0 {
		return ntstatus.Success
	}
	if st := c.Probe(previous, uintptr(length), 4); st != ntstatus.Success {
		return st
	}
	return c.ProbeU32(returned)
}

// ntAdjustPrivilegesToken implements NtAdjustPrivilegesToken: it changes privileges and writes their previous state. It
// probes the outputs before it uses the handle (T-70). With DisableAllPrivileges it does not read the list; without
// either it returns STATUS_INVALID_PARAMETER. Without a buffer for the previous state nothing is written.
func ntAdjustPrivilegesToken(c *call) uint64 {
	all, state, length, previous, returned := c.boolean(1), c.ptr(2), c.u32(3), c.ptr(4), c.ptr(5)
	if !all && state == 0 {
		// Neither a list nor DisableAllPrivileges is given: the call fails before its pointers are checked (T-70).
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
	if previous == 0 {
		return status(st)
	}
	var e marshal.Encoder
	e.Privileges(out.PreviousState)
	return c.filled(previous, e.Bytes, returned, out.ReturnLength, st)
}

// ntAdjustGroupsToken implements NtAdjustGroupsToken: it changes groups and writes their previous state. It probes the
// outputs before it uses the handle (T-74). With ResetToDefault it does not read the list. Without a buffer for the
// previous state it writes nothing.
func ntAdjustGroupsToken(c *call) uint64 {
	length, previous, returned := c.u32(3), c.ptr(4), c.ptr(5)
	if st := c.probePrevious(length, previous, returned); st != ntstatus.Success {
		// The pointers are checked before the handle (T-74).
		return status(st)
	}
	in := nt.AdjustGroupsTokenIn{TokenHandle: c.handle(0), ResetToDefault: c.boolean(1), BufferLength: length,
		WantPrevious: previous != 0}
	if !in.ResetToDefault {
		in.NewState = captured(c.GroupsAt(c.ptr(2)))
	}
	out, st := c.sys.NtAdjustGroupsToken(in)
	if previous == 0 {
		return status(st)
	}
	e := marshal.Encoder{Base: previous}
	e.GroupList(out.PreviousState)
	return c.filled(previous, e.Bytes, returned, out.ReturnLength, st)
}

// ntQueryInformationToken implements NtQueryInformationToken: it writes a token's information in the layout of its
// class. It requires a pointer for the length (T-80). If writing a handle in the information faults, the handle stays
// open.
func ntQueryInformationToken(c *call) uint64 {
	buffer, returned, in := c.ptr(2), c.ptr(4), queryInformationTokenIn(c)
	if in.FaultReturnLength = c.Probe(buffer, uintptr(in.TokenInformationLength), 4); in.FaultReturnLength == 0 {
		// The pointer for the length is required: NULL is a fault (T-80).
		in.FaultReturnLength = c.ProbeU32(returned)
	}
	out, st := c.sys.NtQueryInformationToken(in)
	e := marshal.Encoder{Base: buffer}
	if st.IsSuccess() {
		e.TokenInformation(in.TokenInformationClass, out.TokenInformation)
	}
	return c.filled(buffer, e.Bytes, returned, out.ReturnLength, st) // after a fault a handle stays open
}

// ntSetInformationToken implements NtSetInformationToken. It reads the new value in the layout of its class.
func ntSetInformationToken(c *call) uint64 {
	in := setInformationTokenIn(c)
	in.TokenInformation = captured(c.TokenInformationAt(in.TokenInformationClass, c.ptr(2), c.u32(3)))
	_, st := c.sys.NtSetInformationToken(in)
	return status(st)
}

// ntCompareTokens implements NtCompareTokens. It writes Equal only if the call succeeds. A pointer to Equal that is not
// writable is STATUS_ACCESS_VIOLATION, and nothing is compared.
func ntCompareTokens(c *call) uint64 {
	in := compareTokensIn(c)
	in.FaultEqual = c.Probe(c.ptr(2), 1, 1)
	out, st := c.sys.NtCompareTokens(in)
	return c.written(c.ptr(2), boolean(out.Equal), st)
}

// ntAllocateLocallyUniqueId implements NtAllocateLocallyUniqueId. It probes the output first.
func ntAllocateLocallyUniqueId(c *call) uint64 {
	if st := c.Probe(c.ptr(0), 8, 4); st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtAllocateLocallyUniqueId(nt.AllocateLocallyUniqueIDIn{})
	return c.written(c.ptr(0), le.AppendUint64(nil, uint64(out.LUID)), st)
}

// ntCreateLowBoxToken implements NtCreateLowBoxToken, which creates the token of an AppContainer. It reads the package,
// the capabilities and the handles. A count of 0 means that its list is not read.
func ntCreateLowBoxToken(c *call) uint64 {
	in := createLowBoxTokenIn(c)
	in.PackageSID = captured(c.SIDAt(c.ptr(4)))
	if n := c.u32(5); n > 0 {
		in.Capabilities = captured(c.GroupsFrom(c.ptr(6), n))
	}
	if n := c.u32(7); n > 0 {
		in.Handles = captured(c.HandlesFrom(c.ptr(8), n))
	}
	out, st := c.sys.NtCreateLowBoxToken(in)
	return c.opened(out.TokenHandle, st)
}
