//go:build linux

package marshal

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ClientIDAt copies a CLIENT_ID. It returns nil for NULL, and a status for unreadable memory. It needs no alignment.
func (m *Memory) ClientIDAt(p Address) (*nt.ClientID, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var b [16]byte
	if st := m.Read(b[:], p); st != ntstatus.Success {
		return nil, st
	}
	return &nt.ClientID{UniqueProcess: winnt.Handle(le.Uint64(b[:])),
		UniqueThread: winnt.Handle(le.Uint64(b[8:]))}, ntstatus.Success
}

// GUIDAt copies a GUID. It returns nil for NULL, and a status for unreadable memory.
func (m *Memory) GUIDAt(p Address) (*winnt.GUID, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	g := new(winnt.GUID)
	return g, m.Read(g[:], p)
}

// GUIDsAt copies the GUIDs that n pointers refer to. It skips NULL pointers. n above MaxObjectTypes gives
// STATUS_INVALID_PARAMETER. With a failure the list has those before it.
func (m *Memory) GUIDsAt(p Address, n uint32) (list []winnt.GUID, st ntstatus.Status) {
	if n > MaxObjectTypes {
		return nil, ntstatus.InvalidParameter
	}
	b, st := m.Block(p, 8*int(n), 1)
	for ; len(b) > 0 && st == ntstatus.Success; b = b[8:] {
		var g *winnt.GUID
		if g, st = m.GUIDAt(Address(le.Uint64(b))); st == ntstatus.Success && g != nil {
			list = append(list, *g)
		}
	}
	return list, st
}

// HandlesFrom copies n handles from p on. n of 0 does not read p. With a failure the list is empty.
func (m *Memory) HandlesFrom(p Address, n uint32) ([]winnt.Handle, ntstatus.Status) {
	b, st := m.Block(p, 8*int(n), 4)
	list := make([]winnt.Handle, len(b)/8)
	for i := range list {
		list[i] = winnt.Handle(le.Uint64(b[8*i:]))
	}
	return list, st
}

// PrivilegeSetAt copies a PRIVILEGE_SET. It returns nil for NULL, and a status for unreadable memory. A wrong count
// returns a partly filled set with its status.
func (m *Memory) PrivilegeSetAt(p Address) (*nt.PrivilegeSet, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	n, st := m.ReadU32(p)
	if st != ntstatus.Success {
		return nil, st
	}
	s := &nt.PrivilegeSet{}
	if s.Control, st = m.ReadU32(p + 4); st != ntstatus.Success {
		return nil, st
	}
	s.Privilege, st = m.PrivilegesFrom(p+8, n)
	return s, st
}

// JobLimitsAt copies a JOBOBJECT_SECURITY_LIMIT_INFORMATION with the lists that it points to. It returns a status for
// unreadable memory. NULL is unreadable, too. A list that is NULL becomes nil. An unreadable list gives its status.
func (m *Memory) JobLimitsAt(p Address) (*nt.JobSecurityLimitInformation, ntstatus.Status) {
	b, st := m.Block(p, nt.JobSecurityLimitSize, 4)
	if st != ntstatus.Success {
		return nil, st
	}
	x := &nt.JobSecurityLimitInformation{SecurityLimitFlags: le.Uint32(b), JobToken: winnt.Handle(le.Uint64(b[8:]))}
	if x.SidsToDisable, st = m.GroupsAt(Address(le.Uint64(b[16:]))); st != ntstatus.Success {
		return nil, st
	}
	if x.PrivilegesToDelete, st = m.PrivilegesAt(Address(le.Uint64(b[24:]))); st != ntstatus.Success {
		return nil, st
	}
	x.RestrictedSids, st = m.GroupsAt(Address(le.Uint64(b[32:])))
	return x, st
}
