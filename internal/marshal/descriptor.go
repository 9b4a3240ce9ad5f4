//go:build linux

package marshal

import (
	"bytes"
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// A thread caches descriptors that it captured, up to these limits. Programs often pass the same one, and comparing
// bytes is cheaper than decoding.
const (
	keptDescriptors = 4
	keptBytes       = 4096
)

// descriptors caches the security descriptors that a thread captured last, so that equal bytes need not be decoded
// again.
type descriptors struct {
	room []byte // of the capture under way
	kept [keptDescriptors]struct {
		raw raw
		d   *sd.Descriptor
	}
	next int
}

// raw is a captured descriptor of either form:
//
//	offset size field
//	0      2    control without SE_SELF_RELATIVE
//	2      1    resource manager's byte
//	3      -    owner, group, SACL, DACL: four bytes of length and as many bytes
type raw []byte

// DescriptorAt copies a descriptor in absolute or self-relative form. It returns nil for NULL, and a status for an
// unreadable or malformed one; a malformed part before an unreadable one decides. Equal bytes may return the same
// descriptor, which must not be changed. Descriptors of more than keptBytes are not kept.
func (m *Memory) DescriptorAt(p Address) (*sd.Descriptor, ntstatus.Status) {
	if p == 0 {
		return nil, ntstatus.Success
	}
	c := &m.descriptors
	b, st := m.captureDescriptor(c.room[:0], p)
	c.room = b[:0]
	if st == ntstatus.Success {
		for i := range c.kept {
			if bytes.Equal(c.kept[i].raw, b) {
				return c.kept[i].d, ntstatus.Success
			}
		}
	}
	d, malformed := b.decode()
	if malformed != ntstatus.Success { // a malformed part precedes the part that could not be read
		return nil, malformed
	}
	if st != ntstatus.Success {
		return nil, st
	}
	if len(b) > keptBytes {
		c.room = nil
		return d, ntstatus.Success
	}
	k := &c.kept[c.next]
	k.raw, k.d = append(k.raw[:0], b...), d
	c.next = (c.next + 1) % keptDescriptors
	return d, ntstatus.Success
}

// captureDescriptor copies the descriptor at p from the program, in the form of raw, and appends it to b. Absent parts
// have length 0. After a failure it has appended the parts that were readable before it. A revision other than 1 is
// STATUS_UNKNOWN_REVISION.
func (m *Memory) captureDescriptor(b raw, p Address) (raw, ntstatus.Status) {
	var h [40]byte
	if st := m.Read(h[:20], p); st != ntstatus.Success {
		return b, st
	}
	if h[0] != 1 {
		return b, ntstatus.UnknownRevision
	}
	control := sd.Control(le.Uint16(h[2:]))
	var at [4]Address // owner, group, SACL, DACL
	if control&sd.SelfRelative != 0 {
		for i := range at {
			if off := le.Uint32(h[4+4*i:]); off != 0 {
				at[i] = p + Address(off)
			}
		}
	} else {
		if st := m.Read(h[:], p); st != ntstatus.Success {
			return b, st
		}
		control = sd.Control(le.Uint16(h[2:]))
		for i := range at {
			at[i] = Address(le.Uint64(h[8+8*i:]))
		}
		m.Expect(at[3])
	}
	b = append(le.AppendUint16(b, uint16(control&^sd.SelfRelative)), h[1])
	for i, present := range [...]bool{true, true, control&sd.SACLPresent != 0, control&sd.DACLPresent != 0} {
		mark := len(b)
		b = append(b, 0, 0, 0, 0)
		if at[i] == 0 || !present {
			continue
		}
		var st ntstatus.Status
		if i < 2 {
			b, st = m.appendSID(b, at[i])
		} else {
			b, st = m.appendACL(b, at[i])
		}
		if st != ntstatus.Success {
			return b[:mark], st
		}
		le.PutUint32(b[mark:], uint32(len(b)-mark-4))
	}
	return b, ntstatus.Success
}

// appendUser appends n bytes at p, copied from the program's memory, to b.
func (m *Memory) appendUser(b []byte, p Address, n int) ([]byte, ntstatus.Status) {
	b = slices.Grow(b, n)[:len(b)+n]
	st := m.Read(b[len(b)-n:], p)
	return b, st
}

// appendSID appends a copy of the SID at p. Its length comes from the copy, because the program may change its memory
// at any time (O-4). Another revision than 1, and more than 15 sub-authorities, give STATUS_INVALID_SID.
func (m *Memory) appendSID(b []byte, p Address) ([]byte, ntstatus.Status) {
	mark := len(b)
	b, st := m.appendUser(b, p, 8)
	if st != ntstatus.Success {
		return b, st
	}
	if b[mark] != 1 || b[mark+1] > 15 {
		return b, ntstatus.InvalidSID
	}
	// The size comes from the copy, because the program may change its own memory at any time (O-4).
	return m.appendUser(b, p+8, 4*int(b[mark+1]))
}

// appendACL appends a copy of the ACL at p, as long as the copied header says (O-4). A size below the header's gives
// STATUS_INVALID_ACL. It does not check the entries. After a failure the result may end in a part of it.
func (m *Memory) appendACL(b []byte, p Address) ([]byte, ntstatus.Status) {
	mark := len(b)
	b, st := m.appendUser(b, p, 8)
	if st != ntstatus.Success {
		return b, st
	}
	size := int(le.Uint16(b[mark+2:]))
	if size < 8 {
		return b, ntstatus.InvalidACL
	}
	// The rest is as long as the copy says (O-4).
	return m.appendUser(b, p+8, size-8)
}

// decode decodes a captured descriptor, nil for no bytes. A malformed part returns its status. A part of no bytes is
// missing.
func (b raw) decode() (*sd.Descriptor, ntstatus.Status) {
	if len(b) == 0 {
		return nil, ntstatus.Success
	}
	parts := sd.Parts{Control: sd.Control(le.Uint16(b)), RMControl: b[2]}
	b = b[3:]
	for i := 0; len(b) >= 4; i++ {
		part := b[4 : 4+le.Uint32(b)]
		b = b[4+len(part):]
		if len(part) == 0 {
			continue
		}
		var s sid.SID
		var l *sd.ACL
		var st ntstatus.Status
		if i < 2 {
			s, _, st = sid.DecodeString(string(part))
		} else {
			l, st = decodeACL(part)
		}
		if st != ntstatus.Success {
			return nil, st
		}
		switch i {
		case 0:
			parts.Owner = s
		case 1:
			parts.Group = s
		case 2:
			parts.SACL = l
		case 3:
			parts.DACL = l
		}
	}
	return sd.New(parts), ntstatus.Success
}
