//go:build linux

package marshal

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// pointee reads a structure at p that consists of one pointer, such as TOKEN_OWNER, and calls read with that pointer.
// If optional, a NULL structure or pointer gives the zero value. Otherwise NULL is unreadable memory. An unreadable
// structure gives its status.
func pointee[T any](m *Memory, p Address, optional bool, read func(Address) (T, ntstatus.Status)) (
	v T, st ntstatus.Status) {
	if p == 0 && optional {
		return v, ntstatus.Success
	}
	at, st := m.ReadU64(p)
	if st != ntstatus.Success || at == 0 && optional {
		return v, st
	}
	return read(Address(at))
}

// OwnerAt copies the SID of a TOKEN_OWNER. It returns the zero SID for NULL, and a status for unreadable memory or a
// malformed SID.
func (m *Memory) OwnerAt(p Address) (sid.SID, ntstatus.Status) { return pointee(m, p, true, m.SIDAt) }

// PrimaryGroupAt copies the SID of a TOKEN_PRIMARY_GROUP. NULL, like other unreadable memory, gives
// STATUS_ACCESS_VIOLATION.
func (m *Memory) PrimaryGroupAt(p Address) (sid.SID, ntstatus.Status) {
	return pointee(m, p, false, m.SIDAt)
}

// DefaultDACLAt copies the ACL of a TOKEN_DEFAULT_DACL. It returns nil for NULL, and a status for unreadable memory
// or a malformed ACL.
func (m *Memory) DefaultDACLAt(p Address) (*sd.ACL, ntstatus.Status) {
	return pointee(m, p, true, m.ACLAt)
}

// UserAt copies a TOKEN_USER with its SID. It returns a status for unreadable memory or a malformed SID.
func (m *Memory) UserAt(p Address) (*token.Group, ntstatus.Status) {
	list, st := m.GroupsFrom(p, 1)
	if st != ntstatus.Success {
		return nil, st
	}
	return &list[0], st
}

// LUIDAt copies a LUID. It returns 0 and a status for unreadable memory.
func (m *Memory) LUIDAt(p Address) (winnt.LUID, ntstatus.Status) {
	v, st := m.ReadU64(p)
	return winnt.LUID(v), st
}

// TimeAt copies a LARGE_INTEGER, such as a time in 100-ns units. It returns 0 and a status for unreadable memory.
func (m *Memory) TimeAt(p Address) (int64, ntstatus.Status) {
	v, st := m.ReadU64(p)
	return int64(v), st
}

// PolicyAt copies a TOKEN_MANDATORY_POLICY. It returns nil for NULL, and a status for unreadable memory.
func (m *Memory) PolicyAt(p Address) (*uint32, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	v, st := m.ReadU32(p)
	return &v, st
}

// SourceAt copies a TOKEN_SOURCE, without zeros and spaces at the end of the name. It returns a status for unreadable
// memory. NULL is unreadable, too.
func (m *Memory) SourceAt(p Address) (*token.Source, ntstatus.Status) {
	var b [16]byte
	if st := m.Read(b[:], p); st != ntstatus.Success {
		return nil, st
	}
	n := 8
	for n > 0 && (b[n-1] == 0 || b[n-1] == ' ') {
		n--
	}
	return &token.Source{Name: string(b[:n]), ID: winnt.LUID(le.Uint64(b[8:]))}, ntstatus.Success
}

// informationSizes are the input sizes of NtSetInformationToken classes other than 4 bytes.
var informationSizes = map[winnt.TokenInfoClass]uint32{
	winnt.TokenOwner: 8, winnt.TokenPrimaryGroup: 8, winnt.TokenDefaultDacl: 8, winnt.TokenOrigin: 8,
	winnt.TokenLinkedToken: 8, winnt.TokenIntegrityLevel: 16, winnt.TokenBnoIsolation: 16,
	winnt.TokenSecurityAttributes: 16, winnt.TokenAuditPolicy: token.AuditPolicySize,
}

// TokenInformationAt copies the input of an NtSetInformationToken class as its Go value. For a length of 0 it returns
// nil and success. For another length that is too short it reads only length bytes, and returns a placeholder with the
// status of that read; the service rejects the length later. A pointer that cannot be read returns nil or a zero value
// with its status. A class without a structure reads 32 bits.
func (m *Memory) TokenInformationAt(class winnt.TokenInfoClass, p Address, length uint32) (any, ntstatus.Status) {
	need := max(informationSizes[class], 4)
	if length < need {
		if length == 0 {
			return nil, ntstatus.Success
		}
		_, st := m.Block(p, int(length), 1)
		return uint32(0), st // the service refuses the length later, in its order of checks
	}
	b, st := m.Block(p, int(need), 1)
	if st != ntstatus.Success {
		return nil, st
	}
	switch class {
	case winnt.TokenOwner, winnt.TokenPrimaryGroup:
		return asAny(m.SIDAt(Address(le.Uint64(b))))
	case winnt.TokenDefaultDacl:
		return asAny(m.ACLAt(Address(le.Uint64(b))))
	case winnt.TokenOrigin:
		return winnt.LUID(le.Uint64(b)), ntstatus.Success
	case winnt.TokenLinkedToken:
		return winnt.Handle(le.Uint64(b)), ntstatus.Success
	case winnt.TokenIntegrityLevel:
		s, st := m.SIDAt(Address(le.Uint64(b)))
		return token.Group{SID: s, Attributes: le.Uint32(b[8:])}, st
	case winnt.TokenBnoIsolation:
		x := nt.TokenBnoIsolation{IsolationEnabled: b[8] != 0}
		if at := Address(le.Uint64(b)); at != 0 {
			x.IsolationPrefix, st = m.ZeroTerminatedAt(at)
		}
		return x, st
	case winnt.TokenSecurityAttributes:
		return asAny(m.attributeChangesAt(b))
	case winnt.TokenAuditPolicy:
		return b, ntstatus.Success
	}
	return le.Uint32(b), ntstatus.Success
}

// asAny converts the result of a typed reader to the type any of TokenInformationAt.
func asAny[T any](v T, st ntstatus.Status) (any, ntstatus.Status) { return v, st }

// attributeChangesAt copies TOKEN_SECURITY_ATTRIBUTES_AND_OPERATION_INFORMATION, which has one operation for each
// attribute. b has the two pointers. A NULL list is STATUS_ACCESS_VIOLATION. Operations are not checked here. A list of
// operations that cannot be read gives its status.
func (m *Memory) attributeChangesAt(b []byte) ([]token.AttributeChange, ntstatus.Status) {
	at := Address(le.Uint64(b))
	if at == 0 {
		return nil, ntstatus.AccessViolation
	}
	list, st := m.TokenAttributesAt(at)
	if st != ntstatus.Success {
		return nil, st
	}
	operations, st := m.Block(Address(le.Uint64(b[8:])), 4*len(list), 4)
	if st != ntstatus.Success {
		return nil, st
	}
	changes := make([]token.AttributeChange, len(list))
	for i := range changes {
		changes[i] = token.AttributeChange{Attribute: list[i],
			Operation: token.AttributeOperation(le.Uint32(operations[4*i:]))}
	}
	return changes, ntstatus.Success
}
