//go:build linux

package marshal

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// maxListed limits the groups or privileges of one list.
const maxListed = 1 << 16

// array copies n elements, which must be aligned to 4 bytes. If n exceeds maxListed it reads only that many and then
// fails, so that an unmapped address is reported first.
func (m *Memory) array(p Address, n uint32, size int) ([]byte, ntstatus.Status) {
	b, st := m.Block(p, int(min(n, maxListed))*size, 4)
	if st == ntstatus.Success && n > maxListed {
		return nil, ntstatus.InsufficientResources
	}
	return b, st
}

// GroupsFrom copies count SID_AND_ATTRIBUTES from p on. More than maxListed give STATUS_INSUFFICIENT_RESOURCES. count 0
// does not read p. A malformed SID is STATUS_INVALID_SID or another status, without a list.
func (m *Memory) GroupsFrom(p Address, count uint32) ([]token.Group, ntstatus.Status) {
	b, st := m.array(p, count, 16)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]token.Group, count)
	for i := range list {
		s, st := m.SIDAt(Address(le.Uint64(b[16*i:])))
		if st != ntstatus.Success {
			return nil, st
		}
		list[i] = token.Group{SID: s, Attributes: le.Uint32(b[16*i+8:])}
	}
	return list, ntstatus.Success
}

// GroupsAt copies a TOKEN_GROUPS with its SIDs. It returns nil for NULL, and a status for unreadable memory or a
// malformed SID.
func (m *Memory) GroupsAt(p Address) ([]token.Group, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	n, st := m.ReadU32(p)
	if st != ntstatus.Success {
		return nil, st
	}
	return m.GroupsFrom(p+8, n)
}

// PrivilegesFrom copies count LUID_AND_ATTRIBUTES from p on. More than maxListed give STATUS_INSUFFICIENT_RESOURCES.
// count 0 does not read p.
func (m *Memory) PrivilegesFrom(p Address, count uint32) ([]nt.LUIDAndAttributes, ntstatus.Status) {
	b, st := m.array(p, count, 12)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]nt.LUIDAndAttributes, count)
	for i := range list {
		list[i] = nt.LUIDAndAttributes{LUID: winnt.LUID(le.Uint64(b[12*i:])), Attributes: le.Uint32(b[12*i+8:])}
	}
	return list, ntstatus.Success
}

// PrivilegesAt copies a TOKEN_PRIVILEGES. It returns nil for NULL, and a status for unreadable memory. More than
// maxListed give STATUS_INSUFFICIENT_RESOURCES.
func (m *Memory) PrivilegesAt(p Address) ([]nt.LUIDAndAttributes, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	n, st := m.ReadU32(p)
	if st != ntstatus.Success {
		return nil, st
	}
	return m.PrivilegesFrom(p+4, n)
}

// MappingAt copies a GENERIC_MAPPING. NULL is unreadable memory and returns a status. A misaligned address is
// STATUS_DATATYPE_MISALIGNMENT.
func (m *Memory) MappingAt(p Address) (g winnt.GenericMapping, st ntstatus.Status) {
	var b [16]byte
	// The structure begins at a multiple of 4 (O-3).
	if p%4 != 0 {
		return g, ntstatus.DatatypeMisalignment
	}
	if st = m.Read(b[:], p); st != ntstatus.Success {
		return g, st
	}
	right := func(i int) winnt.AccessMask { return winnt.AccessMask(le.Uint32(b[4*i:])) }
	return winnt.GenericMapping{Read: right(0), Write: right(1), Execute: right(2), All: right(3)}, st
}

// MaxObjectTypes limits the length of an object type list.
const MaxObjectTypes = access.MaxObjectTypes

// ObjectTypesAt copies an OBJECT_TYPE_LIST of n entries. n 0 is nil. NULL, n above MaxObjectTypes, and an entry without
// a type or with a reserved word that is not 0, give STATUS_INVALID_PARAMETER. An address that is not a multiple of 4
// is STATUS_DATATYPE_MISALIGNMENT.
func (m *Memory) ObjectTypesAt(p Address, n uint32) ([]access.ObjectTypeEntry, ntstatus.Status) {
	if n == 0 {
		return nil, ntstatus.Success
	}
	// A count without a list, or beyond the limit, is refused.
	if p == 0 || n > MaxObjectTypes {
		return nil, ntstatus.InvalidParameter
	}
	b, st := m.Block(p, 16*int(n), 4)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]access.ObjectTypeEntry, n)
	for i := range list {
		e := b[16*i:]
		at := Address(le.Uint64(e[8:]))
		// An entry names its type, and its reserved word is 0.
		if le.Uint16(e[2:]) != 0 || at == 0 {
			return nil, ntstatus.InvalidParameter
		}
		list[i].Level = le.Uint16(e)
		if st := m.Read(list[i].GUID[:], at); st != ntstatus.Success {
			return nil, st
		}
	}
	return list, ntstatus.Success
}
