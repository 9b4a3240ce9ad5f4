package main

import (
	"encoding/binary"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var le = binary.LittleEndian

// badPointer is an address that is never mapped, bad_pointer() of a program.
const badPointer = 0x10000 - 64

// packer builds a request in the layout of 64-bit Windows. err is the first value that could not be encoded; the
// request must then not be sent.
type packer struct {
	*request
	err error
}

// pack starts a request to a service of ntdll.dll. The caller adds the parameters.
func pack(service string) *packer { return &packer{request: call("ntdll.dll", service)} }

// fail stores an error, unless there is one already. A request with an error is not sent.
func (k *packer) fail(err error) {
	if k.err == nil {
		k.err = err
	}
}

// handle adds a handle as a parameter.
func (k *packer) handle(h winnt.Handle) { k.num(uint64(h)) }

// mask adds access rights as a parameter.
func (k *packer) mask(m winnt.AccessMask) { k.num(uint64(m)) }

// u32 adds a number as a parameter.
func (k *packer) u32(n uint32) { k.num(uint64(n)) }

// flag adds a BOOLEAN as a parameter.
func (k *packer) flag(b bool) {
	if b {
		k.num(1)
	} else {
		k.num(0)
	}
}

// out adds an output parameter for a handle. The buffer has the value untouched until the call writes a handle.
func (k *packer) out() buffer {
	b := make([]byte, 8)
	le.PutUint64(b, untouched)
	at := k.add(b)
	k.ptr(at)
	return at
}

// captured adds a pointer parameter of a script's call. f adds the target and returns its buffer. A parameter that is
// an unreadable pointer becomes badPointer. A malformed one fails the request with a skipError.
func captured[T any](k *packer, c nt.Captured[T], f func(T) buffer) {
	switch c.Status {
	case ntstatus.Success:
		k.ptr(f(c.V))
	case ntstatus.AccessViolation:
		k.num(badPointer)
	default:
		k.fail(skip("a structure that is malformed (%s) has no one spelling in bytes", c.Status))
	}
}

// sidBuffer adds a SID to the request's memory and returns its buffer, 0 for the zero SID.
func (k *packer) sidBuffer(s sid.SID) buffer {
	if s.IsZero() {
		return 0
	}
	return k.add([]byte(s.Binary()))
}

// descriptor adds a self-relative descriptor to the request's memory and returns its buffer, 0 for nil.
func (k *packer) descriptor(d *sd.Descriptor) buffer {
	if d == nil {
		return 0
	}
	return k.add(d.Binary())
}

// acl adds an ACL to the request's memory and returns its buffer, 0 for nil.
func (k *packer) acl(l *sd.ACL) buffer {
	if l == nil {
		return 0
	}
	return k.add([]byte(l.Binary()))
}

// sqos adds a SECURITY_QUALITY_OF_SERVICE of 12 bytes and returns the buffer. It adds nothing for nil and returns 0.
func (k *packer) sqos(q *nt.SecurityQualityOfService) buffer {
	if q == nil {
		return 0
	}
	b := append(u32le(nil, 12, uint32(q.ImpersonationLevel)), 0, 0, 0, 0)
	if q.ContextTrackingMode {
		b[8] = 1
	}
	if q.EffectiveOnly {
		b[9] = 1
	}
	return k.add(b)
}

// attributes adds an OBJECT_ATTRIBUTES of 48 bytes and returns the buffer, 0 for nil. An empty name becomes NULL.
func (k *packer) attributes(oa *nt.ObjectAttributes) buffer {
	if oa == nil {
		return 0
	}
	b := make([]byte, 48)
	le.PutUint32(b, 48)
	le.PutUint64(b[8:], uint64(oa.RootDirectory))
	le.PutUint32(b[24:], oa.Attributes)
	at := k.add(b)
	if oa.ObjectName != "" {
		k.point(at, 16, k.unicode(oa.ObjectName), 0)
	}
	k.point(at, 32, k.descriptor(oa.SecurityDescriptor), 0)
	k.point(at, 40, k.sqos(oa.SecurityQualityOfService), 0)
	return at
}

// unicode adds a UNICODE_STRING of 16 bytes and its text with a NUL, which Length excludes, and returns the buffer.
func (k *packer) unicode(s string) buffer {
	text := wide(s)
	b := make([]byte, 16)
	le.PutUint16(b, uint16(len(text)))
	le.PutUint16(b[2:], uint16(len(text)))
	at := k.add(b)
	k.point(at, 8, k.add(append(text, 0, 0)), 0)
	return at
}

// clientID adds a CLIENT_ID of 16 bytes to the request's memory and returns its buffer, 0 for nil.
func (k *packer) clientID(id *nt.ClientID) buffer {
	if id == nil {
		return 0
	}
	return k.add(le.AppendUint64(le.AppendUint64(nil, uint64(id.UniqueProcess)), uint64(id.UniqueThread)))
}

// mapping adds a GENERIC_MAPPING of 16 bytes to the request's memory and returns its buffer.
func (k *packer) mapping(m winnt.GenericMapping) buffer {
	return k.add(u32le(nil, uint32(m.Read), uint32(m.Write), uint32(m.Execute), uint32(m.All)))
}

// groups adds a TOKEN_GROUPS and returns the buffer, 0 for nil. From offset 8 on it has pairs of pointer and
// attributes.
func (k *packer) groups(list []token.Group) buffer {
	if list == nil {
		return 0
	}
	b := make([]byte, 8+16*max(len(list), 1))
	le.PutUint32(b, uint32(len(list)))
	at := k.add(b)
	k.sidArray(at, 8, list)
	return at
}

// sidArray stores groups as an array of SID_AND_ATTRIBUTES at an offset of the buffer at, which must have room. A
// zero SID fails the request with a skipError.
func (k *packer) sidArray(at buffer, offset int, list []token.Group) {
	for i, g := range list {
		le.PutUint32(k.Buffers[at-1][offset+16*i+8:], g.Attributes)
		s := k.sidBuffer(g.SID)
		if s == 0 {
			k.fail(skip("a SID that is malformed has no one spelling in bytes"))
			return
		}
		k.point(at, offset+16*i, s, 0)
	}
}

// privileges adds a TOKEN_PRIVILEGES to the request's memory and returns its buffer, 0 for nil.
func (k *packer) privileges(list []nt.LUIDAndAttributes) buffer {
	if list == nil {
		return 0
	}
	return k.add(append(privilegeArray(u32le(nil, uint32(len(list))), list), make([]byte, 12)...))
}

// privilegeArray appends privileges to b as LUID_AND_ATTRIBUTES, 12 bytes each.
func privilegeArray(b []byte, list []nt.LUIDAndAttributes) []byte {
	for _, p := range list {
		b = u32le(le.AppendUint64(b, uint64(p.LUID)), p.Attributes)
	}
	return b
}

// privilegeSet adds a PRIVILEGE_SET to the request's memory and returns its buffer, 0 for nil.
func (k *packer) privilegeSet(s *nt.PrivilegeSet) buffer {
	if s == nil {
		return 0
	}
	return k.add(append(privilegeArray(u32le(nil, uint32(len(s.Privilege)), s.Control), s.Privilege),
		make([]byte, 12)...))
}

// objectTypes adds an array of OBJECT_TYPE_LIST, 16 bytes each, and its GUIDs. It returns the array's place, 0 for nil.
// An empty list that is not nil gives an array of one zero entry.
func (k *packer) objectTypes(list []access.ObjectTypeEntry) buffer {
	if list == nil {
		return 0
	}
	at := k.add(make([]byte, 16*max(len(list), 1)))
	for i, e := range list {
		le.PutUint16(k.Buffers[at-1][16*i:], e.Level)
		k.point(at, 16*i+8, k.add(guid(e.GUID)), 0)
	}
	return at
}
