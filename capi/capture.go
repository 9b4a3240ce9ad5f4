//go:build cgo && linux

package main

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var le = binary.LittleEndian

// captured pairs a value with the status of reading it.
func captured[T any](v T, st ntstatus.Status) nt.Captured[T] {
	return nt.Captured[T]{V: v, Status: st}
}

// sidAt copies a SID; STATUS_INVALID_SID for one of another revision or with
// more than 15 sub-authorities.
func sidAt(p user) (sid.SID, ntstatus.Status) {
	var b [68]byte
	if st := get(b[:8], p); st != ntstatus.Success {
		return sid.SID{}, st
	}
	if b[0] != 1 || b[1] > 15 {
		return sid.SID{}, ntstatus.InvalidSID
	}
	n := 8 + 4*int(b[1])
	if st := get(b[:n], p); st != ntstatus.Success {
		return sid.SID{}, st
	}
	if b[0] != 1 || 8+4*int(b[1]) != n {
		return sid.SID{}, ntstatus.InvalidSID // it changed between the two reads (O-4)
	}
	s, _, st := sid.DecodeString(string(b[:n]))
	return s, st
}

// optionalSID is sidAt where NULL stands for none.
func optionalSID(p user) (sid.SID, ntstatus.Status) {
	if p == 0 {
		return sid.SID{}, ntstatus.Success
	}
	return sidAt(p)
}

// aclAt copies a list; NULL is nil.
func aclAt(p user) (*sd.ACL, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [8]byte
	if st := get(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	size := int(le.Uint16(h[2:]))
	if size < 8 {
		return nil, ntstatus.InvalidACL
	}
	b, st := block(p, size, 1)
	if st != ntstatus.Success {
		return nil, st
	}
	if int(le.Uint16(b[2:])) != size {
		return nil, ntstatus.InvalidACL // it changed between the two reads (O-4)
	}
	l, _, err := sd.DecodeACL(b)
	return l, statusOf(err, ntstatus.InvalidACL)
}

// statusOf is the status a decoder's error carries, or the one given.
func statusOf(err error, otherwise ntstatus.Status) ntstatus.Status {
	if err == nil {
		return ntstatus.Success
	}
	if e := (*sd.DecodeError)(nil); errors.As(err, &e) {
		return e.Status
	}
	return otherwise
}

// textAt copies n bytes of UTF-16.
func textAt(p user, n int) (string, ntstatus.Status) {
	b, st := block(p, n&^1, 1)
	if st != ntstatus.Success {
		return "", st
	}
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = le.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u)), ntstatus.Success
}

// stringAt copies a UNICODE_STRING; NULL is empty.
func stringAt(p user) (string, ntstatus.Status) {
	if p == 0 {
		return "", ntstatus.Success
	}
	var h [16]byte
	if st := get(h[:], p); st != ntstatus.Success {
		return "", st
	}
	n := int(le.Uint16(h[:]))
	if n%2 != 0 {
		return "", ntstatus.ObjectNameInvalid
	}
	return textAt(user(le.Uint64(h[8:])), n)
}

// qosAt copies a SECURITY_QUALITY_OF_SERVICE; NULL is nil.
func qosAt(p user) (*nt.SecurityQualityOfService, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [12]byte
	if st := get(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	level := le.Uint32(h[4:])
	if le.Uint32(h[:]) != 12 || level > 3 {
		return nil, ntstatus.InvalidParameter // T-40
	}
	return &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonationLevel(level), ContextTrackingMode: h[8] != 0, EffectiveOnly: h[9] != 0}, ntstatus.Success
}

// attributesAt copies OBJECT_ATTRIBUTES with all it points to; NULL is nil.
func (c *call) attributesAt(p user) (*nt.ObjectAttributes, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	var h [48]byte
	if p%4 != 0 {
		return nil, ntstatus.DatatypeMisalignment // O-3
	}
	if st := get(h[:], p); st != ntstatus.Success {
		return nil, st
	}
	if le.Uint32(h[:]) != 48 {
		return nil, ntstatus.InvalidParameter // T-40
	}
	oa := &nt.ObjectAttributes{RootDirectory: winnt.Handle(le.Uint64(h[8:])), Attributes: le.Uint32(h[24:])}
	var st ntstatus.Status
	if oa.SecurityQualityOfService, st = qosAt(user(le.Uint64(h[40:]))); st != ntstatus.Success {
		return nil, st
	}
	if oa.ObjectName, st = stringAt(user(le.Uint64(h[16:]))); st != ntstatus.Success {
		return nil, st
	}
	if oa.SecurityDescriptor, st = c.descriptorAt(user(le.Uint64(h[32:]))); st != ntstatus.Success {
		return nil, st
	}
	return oa, ntstatus.Success
}

func (c *call) attributes(i int) nt.Captured[*nt.ObjectAttributes] {
	return captured(c.attributesAt(c.ptr(i)))
}

// groupsFrom copies count SID_AND_ATTRIBUTES from p on.
func groupsFrom(p user, count uint32) ([]token.Group, ntstatus.Status) {
	b, st := block(p, 16*int(count), 4)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]token.Group, count)
	for i := range list {
		s, st := sidAt(user(le.Uint64(b[16*i:])))
		if st != ntstatus.Success {
			return nil, st
		}
		list[i] = token.Group{SID: s, Attributes: le.Uint32(b[16*i+8:])}
	}
	return list, ntstatus.Success
}

// groupsAt copies TOKEN_GROUPS; NULL is nil.
func (t *thread) groupsAt(p user) ([]token.Group, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	n, st := t.getU32(p)
	if st != ntstatus.Success {
		return nil, st
	}
	return groupsFrom(p+8, n)
}

func privilegesFrom(p user, count uint32) ([]nt.LUIDAndAttributes, ntstatus.Status) {
	b, st := block(p, 12*int(count), 4)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]nt.LUIDAndAttributes, count)
	for i := range list {
		list[i] = nt.LUIDAndAttributes{LUID: winnt.LUID(le.Uint64(b[12*i:])), Attributes: le.Uint32(b[12*i+8:])}
	}
	return list, ntstatus.Success
}

// privilegesAt copies TOKEN_PRIVILEGES; NULL is nil.
func (t *thread) privilegesAt(p user) ([]nt.LUIDAndAttributes, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	n, st := t.getU32(p)
	if st != ntstatus.Success {
		return nil, st
	}
	return privilegesFrom(p+4, n)
}

// mappingAt copies a GENERIC_MAPPING.
func mappingAt(p user) (m winnt.GenericMapping, st ntstatus.Status) {
	var b [16]byte
	if p%4 != 0 {
		return m, ntstatus.DatatypeMisalignment // O-3
	}
	if st = get(b[:], p); st == ntstatus.Success {
		m = winnt.GenericMapping{Read: winnt.AccessMask(le.Uint32(b[:])), Write: winnt.AccessMask(le.Uint32(b[4:])),
			Execute: winnt.AccessMask(le.Uint32(b[8:])), All: winnt.AccessMask(le.Uint32(b[12:]))}
	}
	return m, st
}

// maxObjectTypes is the longest object type list.
const maxObjectTypes = 4096

// objectTypesAt copies an OBJECT_TYPE_LIST of n entries.
func objectTypesAt(p user, n uint32) ([]access.ObjectTypeEntry, ntstatus.Status) {
	if n == 0 {
		return nil, ntstatus.Success
	}
	if p == 0 || n > maxObjectTypes {
		return nil, ntstatus.InvalidParameter
	}
	b, st := block(p, 16*int(n), 4)
	if st != ntstatus.Success {
		return nil, st
	}
	list := make([]access.ObjectTypeEntry, n)
	for i := range list {
		e := b[16*i:]
		at := user(le.Uint64(e[8:]))
		if le.Uint16(e[2:]) != 0 || at == 0 {
			return nil, ntstatus.InvalidParameter
		}
		list[i].Level = le.Uint16(e)
		if st := get(list[i].GUID[:], at); st != ntstatus.Success {
			return nil, st
		}
	}
	return list, ntstatus.Success
}
