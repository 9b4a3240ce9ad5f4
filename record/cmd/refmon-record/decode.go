package main

import (
	"bytes"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// privilegeList decodes the privileges in a TOKEN_PRIVILEGES structure.
func privilegeList(b []byte) []nt.LUIDAndAttributes {
	return privilegesAt(b[4:], le.Uint32(b))
}

// privilegeSetOf decodes a PRIVILEGE_SET.
func privilegeSetOf(b []byte) *nt.PrivilegeSet {
	return &nt.PrivilegeSet{Control: le.Uint32(b[4:]), Privilege: privilegesAt(b[8:], le.Uint32(b))}
}

// privilegesAt decodes an array of n LUID_AND_ATTRIBUTES, 12 bytes each, or fewer if b ends before.
func privilegesAt(b []byte, n uint32) (list []nt.LUIDAndAttributes) {
	for ; n > 0 && len(b) >= 12; n, b = n-1, b[12:] {
		list = append(list, nt.LUIDAndAttributes{LUID: winnt.LUID(le.Uint64(b)), Attributes: le.Uint32(b[8:])})
	}
	return list
}

// groupList decodes TOKEN_GROUPS. It stops at the end of the buffer, whatever the count says.
func (p *reply) groupList(at buffer) (list []token.Group) {
	b := p.bytes(at)
	for i := range int(le.Uint32(b)) {
		if 24+16*i > len(b) {
			break
		}
		list = append(list, p.group(at, 8+16*i))
	}
	return list
}

// group decodes the SID_AND_ATTRIBUTES at an offset of the buffer at.
func (p *reply) group(at buffer, offset int) token.Group {
	return token.Group{SID: p.sid(at, offset), Attributes: le.Uint32(p.bytes(at)[offset+8:])}
}

// sid decodes the SID behind a pointer. It returns the zero SID for NULL, a malformed SID, and a pointer to outside of
// the buffer.
func (p *reply) sid(at buffer, offset int) sid.SID {
	s, _, err := sid.Decode(p.at(at, offset))
	if err != nil {
		return sid.SID{}
	}
	return s
}

// sidPointer adds a buffer with a pointer to a SID, NULL for the zero SID, to the request. It returns the buffer.
func (k *packer) sidPointer(s sid.SID) buffer {
	at := k.room(8)
	k.point(at, 0, k.sidBuffer(s), 0)
	return at
}

// aclPointer adds a buffer with a pointer to an ACL, NULL for nil, to the request. It returns the buffer.
func (k *packer) aclPointer(l *sd.ACL) buffer {
	at := k.room(8)
	k.point(at, 0, k.acl(l), 0)
	return at
}

// source adds a buffer with a TOKEN_SOURCE to the request: the name in eight bytes and a LUID. It returns the buffer, 0
// for a nil source.
func (k *packer) source(s *token.Source) buffer {
	if s == nil {
		return 0
	}
	b := make([]byte, 8, 16)
	copy(b, s.Name)
	return k.add(le.AppendUint64(b, uint64(s.ID)))
}

// queryToken calls NtQueryInformationToken. Length 0xFFFFFFFF asks for the size first. A failure status, also of that
// first call, comes with a QueryInformationTokenOut without information. A missing function and a class that the
// recorder does not decode are skipErrors with a nil result.
func queryToken(do gate, in any) (any, ntstatus.Status, error) {
	q := in.(nt.QueryInformationTokenIn)
	read := readers[q.TokenInformationClass]
	if read == nil {
		return nil, 0, skip("NtQueryInformationToken: class %s is not read by this recorder", q.TokenInformationClass)
	}
	ask := func(length uint32, size int) (p reply, b, need buffer, err error) {
		k := pack("NtQueryInformationToken")
		k.handle(q.TokenHandle)
		k.u32(uint32(q.TokenInformationClass))
		b, need = k.room(size), k.room(4)
		k.ptr(b).num(uint64(length)).ptr(need)
		if p = do(k.request); p.Missing != "" {
			err = skip("NtQueryInformationToken: %s", p.Missing)
		}
		return p, b, need, err
	}
	length := q.TokenInformationLength
	var st ntstatus.Status
	if length == 0xFFFFFFFF { // as large as it has to be
		p, _, need, err := ask(0, 0)
		if err != nil {
			return nil, 0, err
		}
		if length, st = p.u32(need), ntstatus.Status(uint32(p.Return)); st != ntstatus.BufferTooSmall &&
			st != ntstatus.InfoLengthMismatch {
			return nt.QueryInformationTokenOut{}, st, nil
		}
	}
	p, b, need, err := ask(length, int(min(max(length, 8), 1<<20)))
	if err != nil {
		return nil, 0, err
	}
	st = ntstatus.Status(uint32(p.Return))
	if st == ntstatus.BufferTooSmall && q.TokenInformationLength == 0xFFFFFFFF { // the first answer was too small
		if p, b, need, err = ask(1<<16, 1<<16); err != nil {
			return nil, 0, err
		}
		st = ntstatus.Status(uint32(p.Return))
	}
	out := nt.QueryInformationTokenOut{ReturnLength: p.u32(need)}
	if st.IsSuccess() {
		out.TokenInformation = read(&p, b)
	}
	return out, st, nil
}

// readU32 decodes token information that is a 32-bit number.
func readU32(p *reply, b buffer) any { return p.u32(b) }

// readSID decodes token information that is a pointer to a SID.
func readSID(p *reply, b buffer) any { return p.sid(b, 0) }

// readGroup decodes token information that is a SID_AND_ATTRIBUTES.
func readGroup(p *reply, b buffer) any { return p.group(b, 0) }

// readGroups decodes token information that is a TOKEN_GROUPS.
func readGroups(p *reply, b buffer) any { return p.groupList(b) }

// readers decodes the information classes of tokens into the Go values of package nt.
var readers = map[winnt.TokenInfoClass]func(p *reply, b buffer) any{
	winnt.TokenUser: readGroup, winnt.TokenIntegrityLevel: readGroup,
	winnt.TokenGroups: readGroups, winnt.TokenRestrictedSids: readGroups, winnt.TokenLogonSid: readGroups,
	winnt.TokenCapabilities: readGroups,
	winnt.TokenDeviceGroups: readGroups, winnt.TokenRestrictedDeviceGroups: readGroups,
	winnt.TokenOwner: readSID, winnt.TokenPrimaryGroup: readSID, winnt.TokenAppContainerSid: readSID,
	winnt.TokenProcessTrustLevel: readSID,
	winnt.TokenSessionId:         readU32, winnt.TokenSandBoxInert: readU32, winnt.TokenElevationType: readU32,
	winnt.TokenElevation:       readU32,
	winnt.TokenHasRestrictions: readU32, winnt.TokenVirtualizationAllowed: readU32,
	winnt.TokenVirtualizationEnabled: readU32, winnt.TokenUIAccess: readU32,
	winnt.TokenMandatoryPolicy: readU32, winnt.TokenIsAppContainer: readU32, winnt.TokenAppContainerNumber: readU32,
	winnt.TokenIsRestricted:       readU32,
	winnt.TokenTypeInfo:           func(p *reply, b buffer) any { return winnt.TokenType(p.u32(b)) },
	winnt.TokenImpersonationLevel: func(p *reply, b buffer) any { return winnt.SecurityImpersonationLevel(p.u32(b)) },
	winnt.TokenOrigin:             func(p *reply, b buffer) any { return winnt.LUID(p.u64(b)) },
	winnt.TokenPrivileges:         func(p *reply, b buffer) any { return privilegeList(p.bytes(b)) },
	winnt.TokenDefaultDacl: func(p *reply, b buffer) any {
		l, _, err := sd.DecodeACL(p.at(b, 0))
		if err != nil {
			l = nil
		}
		return l
	},
	winnt.TokenSource: func(p *reply, b buffer) any {
		m := p.bytes(b)
		return token.Source{Name: string(bytes.TrimRight(m[:8], "\x00")), ID: winnt.LUID(le.Uint64(m[8:]))}
	},
	winnt.TokenStatistics: func(p *reply, b buffer) any {
		m := p.bytes(b)
		return nt.TokenStatistics{TokenID: winnt.LUID(le.Uint64(m)), AuthenticationID: winnt.LUID(le.Uint64(m[8:])),
			ExpirationTime:     int64(le.Uint64(m[16:])),
			TokenType:          winnt.TokenType(le.Uint32(m[24:])),
			ImpersonationLevel: winnt.SecurityImpersonationLevel(le.Uint32(m[28:])),
			DynamicCharged:     le.Uint32(m[32:]), DynamicAvailable: le.Uint32(m[36:]), GroupCount: le.Uint32(m[40:]),
			PrivilegeCount: le.Uint32(m[44:]),
			ModifiedID:     winnt.LUID(le.Uint64(m[48:]))}
	},
}

// setToken calls NtSetInformationToken with a value packed by its Go type. Length 0xFFFFFFFF means that of the value. A
// value that cannot be packed and a missing function are skipErrors.
func setToken(do gate, in any) (any, ntstatus.Status, error) {
	q := in.(nt.SetInformationTokenIn)
	k := pack("NtSetInformationToken")
	k.handle(q.TokenHandle)
	k.u32(uint32(q.TokenInformationClass))
	size := uint32(0)
	captured(k, q.TokenInformation, func(v any) buffer {
		at := k.information(q.TokenInformationClass, v)
		if at != 0 {
			size = uint32(len(k.Buffers[at-1]))
		}
		return at
	})
	if q.TokenInformationLength != 0xFFFFFFFF {
		size = q.TokenInformationLength
	}
	k.u32(size)
	if k.err != nil {
		return nt.SetInformationTokenOut{}, 0, k.err
	}
	p := do(k.request)
	if p.Missing != "" {
		return nt.SetInformationTokenOut{}, 0, skip("NtSetInformationToken: %s", p.Missing)
	}
	return nt.SetInformationTokenOut{}, ntstatus.Status(uint32(p.Return)), nil
}

// information adds the value of a class for NtSetInformationToken. nil is no buffer. A malformed SID fails the request
// with a skipError. An unknown type of value fails it too. A failure returns 0. A SID of TokenIntegrityLevel becomes a
// group.
func (k *packer) information(class winnt.TokenInfoClass, v any) buffer {
	switch v := v.(type) {
	case nil:
		return 0
	case uint32:
		return k.add(u32le(nil, v))
	case winnt.LUID:
		return k.add(le.AppendUint64(nil, uint64(v)))
	case winnt.Handle:
		return k.add(le.AppendUint64(nil, uint64(v)))
	case *sd.ACL:
		return k.aclPointer(v)
	case token.Group:
		at := k.room(16)
		k.sidArray(at, 0, []token.Group{v})
		return at
	case sid.SID:
		if v.IsZero() {
			k.fail(skip("a SID that is malformed has no one spelling in bytes"))
			return 0
		}
		if class == winnt.TokenIntegrityLevel {
			return k.information(class, token.Group{SID: v})
		}
		return k.sidPointer(v)
	}
	k.fail(skip("NtSetInformationToken: class %s is not written by this recorder", class))
	return 0
}
