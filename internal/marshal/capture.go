//go:build linux

package marshal

import (
	"encoding/binary"
	"unicode/utf16"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

var le = binary.LittleEndian

// SIDAt copies a SID. An unknown revision or more than 15 sub-authorities give STATUS_INVALID_SID.
func (m *Memory) SIDAt(p Address) (sid.SID, ntstatus.Status) {
	b, st := m.appendSID(m.Scratch[:0], p)
	if st != ntstatus.Success {
		return sid.SID{}, st
	}
	s, _, st := sid.DecodeString(string(b))
	return s, st
}

// OptionalSIDAt copies a SID. It returns the zero SID for NULL, and a status for an unreadable or malformed SID.
func (m *Memory) OptionalSIDAt(p Address) (sid.SID, ntstatus.Status) {
	if p == 0 {
		return sid.SID{}, ntstatus.Success
	}
	return m.SIDAt(p)
}

// ACLAt copies an ACL. It returns nil for NULL, and a status for an unreadable or malformed ACL. The result is a copy.
func (m *Memory) ACLAt(p Address) (*sd.ACL, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	b, st := m.appendACL(nil, p)
	if st != ntstatus.Success {
		return nil, st
	}
	return decodeACL(b)
}

// decodeACL decodes a captured ACL. A malformed one is STATUS_INVALID_ACL.
func decodeACL(b []byte) (*sd.ACL, ntstatus.Status) {
	l, _, err := sd.DecodeACL(b)
	if err != nil {
		return nil, ntstatus.InvalidACL
	}
	return l, ntstatus.Success
}

// TextAt copies n bytes of UTF-16. It ignores the last byte of an odd n. With n 0 it does not read p. Unpaired
// surrogates become U+FFFD.
func (m *Memory) TextAt(p Address, n int) (string, ntstatus.Status) {
	b, st := m.Block(p, n&^1, 1)
	if st != ntstatus.Success {
		return "", st
	}
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = le.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u)), ntstatus.Success
}

// StringAt copies a UNICODE_STRING; NULL is empty. An odd length gives STATUS_OBJECT_NAME_INVALID. Memory that cannot
// be read returns its status.
func (m *Memory) StringAt(p Address) (string, ntstatus.Status) {
	if p == 0 {
		return "", ntstatus.Success
	}
	var h [16]byte
	if st := m.Read(h[:], p); st != ntstatus.Success {
		return "", st
	}
	n := int(le.Uint16(h[:]))
	if n%2 != 0 {
		return "", ntstatus.ObjectNameInvalid
	}
	return m.TextAt(Address(le.Uint64(h[8:])), n)
}

// QualityAt copies a SECURITY_QUALITY_OF_SERVICE; NULL is nil. A wrong Length, or a level above SecurityDelegation,
// gives STATUS_INVALID_PARAMETER. Memory that cannot be read returns its status. The tracking mode and EffectiveOnly
// are true for every byte but 0.
func (m *Memory) QualityAt(p Address) (*nt.SecurityQualityOfService, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [12]byte
	if st := m.Read(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	level := le.Uint32(h[4:])
	// The length and the level are judged while the structure is read (T-40).
	if le.Uint32(h[:]) != 12 || level > 3 {
		return nil, ntstatus.InvalidParameter
	}
	return &nt.SecurityQualityOfService{
		ImpersonationLevel:  winnt.SecurityImpersonationLevel(level),
		ContextTrackingMode: h[8] != 0,
		EffectiveOnly:       h[9] != 0,
	}, ntstatus.Success
}

// AttributesAt copies OBJECT_ATTRIBUTES and the structures it points to; NULL is nil. An address that is not a multiple
// of 4 gives STATUS_DATATYPE_MISALIGNMENT, and a wrong Length STATUS_INVALID_PARAMETER. An unreadable part returns its
// status. The quality of service is read first, then the name, then the descriptor. Unnamed is true if the name's
// address is NULL.
func (m *Memory) AttributesAt(p Address) (*nt.ObjectAttributes, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [48]byte
	// A structure begins at a multiple of 4 (O-3).
	if p%4 != 0 {
		return nil, ntstatus.DatatypeMisalignment
	}
	if st := m.Read(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	// OBJECT_ATTRIBUTES of another length are refused (T-40).
	if le.Uint32(h[:]) != 48 {
		return nil, ntstatus.InvalidParameter
	}
	oa := &nt.ObjectAttributes{RootDirectory: winnt.Handle(le.Uint64(h[8:])), Attributes: le.Uint32(h[24:]),
		Unnamed: le.Uint64(h[16:]) == 0}
	var st ntstatus.Status
	if oa.SecurityQualityOfService, st = m.QualityAt(Address(le.Uint64(h[40:]))); st != ntstatus.Success {
		return nil, st
	}
	if oa.ObjectName, st = m.StringAt(Address(le.Uint64(h[16:]))); st != ntstatus.Success {
		return nil, st
	}
	if oa.SecurityDescriptor, st = m.DescriptorAt(Address(le.Uint64(h[32:]))); st != ntstatus.Success {
		return nil, st
	}
	return oa, ntstatus.Success
}
