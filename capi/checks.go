//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// privilegeSetAt copies a PRIVILEGE_SET of the program that is also an output. It returns a status if the memory is not
// readable or not writable.
func (c *call) privilegeSetAt(p user) (*nt.PrivilegeSet, ntstatus.Status) {
	n, st := c.ReadU32(p)
	if st != ntstatus.Success {
		return nil, st
	}
	if st := c.Probe(p, 8+12*uintptr(n), 4); st != ntstatus.Success {
		return nil, st
	}
	return c.PrivilegeSetAt(p)
}

// ntPrivilegeCheck implements NtPrivilegeCheck, which writes whether a token has the privileges of a set. The call
// also writes the set back with the used privileges marked. Bad pointers fail before a bad handle, the set's pointer
// first (T-101). After a failed probe or check nothing is written.
func ntPrivilegeCheck(c *call) uint64 {
	set, result := c.ptr(1), c.ptr(2)
	in := nt.PrivilegeCheckIn{ClientToken: c.handle(0), RequiredPrivileges: captured(c.privilegeSetAt(set))}
	if st := c.Probe(result, 1, 1); st != ntstatus.Success && in.RequiredPrivileges.Status == ntstatus.Success {
		// Both pointers are tried before the handle (T-101).
		in.RequiredPrivileges.Status = st
	}
	out, st := c.sys.NtPrivilegeCheck(in)
	if !st.IsSuccess() {
		return status(st)
	}
	var e marshal.Encoder
	e.PrivilegeSet(out.RequiredPrivileges)
	if fault := c.Write(set, e.Bytes); fault != ntstatus.Success {
		return status(fault)
	}
	return c.written(result, boolean(out.Result), st)
}

// checkOutputs holds the output pointers of an access check.
type checkOutputs struct{ set, setLength, granted, access user }

// probeCheck probes the inputs and outputs of NtAccessCheck* before any other test, and writes nothing. It
// returns the generic mapping and the length of the privilege set's buffer in bytes. n is the number of results.
func (c *call) probeCheck(mapping user, o checkOutputs, n uint32) (m winnt.GenericMapping, length uint32,
	st ntstatus.Status) {
	if m, st = c.MappingAt(mapping); st != ntstatus.Success {
		return m, 0, st
	}
	if st = c.ProbeU32(o.setLength); st != ntstatus.Success {
		return m, 0, st
	}
	if length, st = c.ReadU32(o.setLength); st != ntstatus.Success {
		return m, 0, st
	}
	// A length of 0 needs no buffer.
	if st = c.Probe(o.set, uintptr(length), 4); st != ntstatus.Success {
		return m, 0, st
	}
	if st = c.Probe(o.granted, 4*uintptr(n), 4); st != ntstatus.Success {
		return m, 0, st
	}
	return m, length, c.Probe(o.access, 4*uintptr(n), 4)
}

// checked ends an access check: it writes the results to the program. For STATUS_BUFFER_TOO_SMALL it writes only the
// required length of the privilege set, for another failure nothing. A failure to write leaves the results
// before it.
func (c *call) checked(o checkOutputs, set *nt.PrivilegeSet, need uint32, granted []winnt.AccessMask,
	access []ntstatus.Status, st ntstatus.Status) uint64 {
	if st == ntstatus.BufferTooSmall {
		if fault := c.WriteU32(o.setLength, need); fault != ntstatus.Success {
			return status(fault)
		}
	}
	if !st.IsSuccess() {
		return status(st)
	}
	if set != nil {
		e := marshal.Encoder{Bytes: c.Scratch[:0]}
		e.PrivilegeSet(set)
		if fault := c.Write(o.set, e.Bytes); fault != ntstatus.Success {
			return status(fault)
		}
	}
	for i := range granted {
		if fault := c.WriteU32(o.granted+user(4*i), uint32(granted[i])); fault != ntstatus.Success {
			return status(fault)
		}
		if fault := c.WriteU32(o.access+user(4*i), uint32(access[i])); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

// ntAccessCheck implements NtAccessCheck: it writes the rights that a descriptor grants to a client, and the verdict.
// It probes all pointers before any other test.
func ntAccessCheck(c *call) uint64 {
	o := checkOutputs{c.ptr(4), c.ptr(5), c.ptr(6), c.ptr(7)}
	c.Expect(c.ptr(0))
	m, length, st := c.probeCheck(c.ptr(3), o, 1)
	if st != ntstatus.Success {
		// The pointers of the call are tried before anything else.
		return status(st)
	}
	out, st := c.sys.NtAccessCheck(nt.AccessCheckIn{SecurityDescriptor: captured(c.DescriptorAt(c.ptr(0))),
		ClientToken: c.handle(1), DesiredAccess: c.mask(2), GenericMapping: nt.Cap(m), PrivilegeSetLength: length})
	return c.checked(o, out.PrivilegeSet, out.PrivilegeSetLength, []winnt.AccessMask{out.GrantedAccess},
		[]ntstatus.Status{out.AccessStatus}, st)
}

// byType reads the parameters of the two NtAccessCheckByType forms. results selects the form with one result for each
// entry of the list. It probes all pointers first, and returns the status of the first bad one.
func (c *call) byType(results bool) (in nt.AccessCheckByTypeIn, o checkOutputs, st ntstatus.Status) {
	o = checkOutputs{c.ptr(7), c.ptr(8), c.ptr(9), c.ptr(10)}
	c.Expect(c.ptr(0))
	n := uint32(1)
	if results {
		n = c.u32(5)
	}
	m, length, st := c.probeCheck(c.ptr(6), o, n)
	if st != ntstatus.Success {
		// The pointers of the call are tried before anything else.
		return in, o, st
	}
	return nt.AccessCheckByTypeIn{SecurityDescriptor: captured(c.DescriptorAt(c.ptr(0))),
		PrincipalSelfSid: captured(c.OptionalSIDAt(c.ptr(1))), ClientToken: c.handle(2),
		DesiredAccess: c.mask(3), ObjectTypeList: captured(c.ObjectTypesAt(c.ptr(4), c.u32(5))), GenericMapping: nt.Cap(m),
		PrivilegeSetLength: length}, o, ntstatus.Success
}

// ntAccessCheckByType implements NtAccessCheckByType. It works like ntAccessCheck, with a list of object types and
// one result.
func ntAccessCheckByType(c *call) uint64 {
	in, o, st := c.byType(false)
	if st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtAccessCheckByType(in)
	return c.checked(o, out.PrivilegeSet, out.PrivilegeSetLength, []winnt.AccessMask{out.GrantedAccess},
		[]ntstatus.Status{out.AccessStatus}, st)
}

// ntAccessCheckByTypeResultList implements NtAccessCheckByTypeResultList. It works like ntAccessCheck and writes one
// result for each entry of the list of object types.
func ntAccessCheckByTypeResultList(c *call) uint64 {
	in, o, st := c.byType(true)
	if st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtAccessCheckByTypeResultList(in)
	return c.checked(o, out.PrivilegeSet, out.PrivilegeSetLength, out.GrantedAccess, out.AccessStatus, st)
}
