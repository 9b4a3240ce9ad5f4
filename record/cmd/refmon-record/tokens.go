package main

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// tokenServices are the services on tokens and the access checks.
var tokenServices = map[string]service{
	"NtDuplicateToken": newService("NtDuplicateToken", func(k *packer, in nt.DuplicateTokenIn) func(*reply,
		bool) nt.DuplicateTokenOut {
		k.handle(in.ExistingTokenHandle)
		k.mask(in.DesiredAccess)
		captured(k, in.ObjectAttributes, k.attributes)
		k.flag(in.EffectiveOnly)
		k.u32(uint32(in.TokenType))
		return readHandle(k.out(),
			func(h winnt.Handle) nt.DuplicateTokenOut { return nt.DuplicateTokenOut{NewTokenHandle: h} })
	}),
	"NtFilterToken": newService("NtFilterToken", func(k *packer, in nt.FilterTokenIn) func(*reply,
		bool) nt.FilterTokenOut {
		k.handle(in.ExistingTokenHandle)
		k.u32(in.Flags)
		captured(k, in.SIDsToDisable, k.groups)
		captured(k, in.PrivilegesToDelete, k.privileges)
		captured(k, in.RestrictedSIDs, k.groups)
		return readHandle(k.out(), func(h winnt.Handle) nt.FilterTokenOut { return nt.FilterTokenOut{NewTokenHandle: h} })
	}),
	"NtCreateToken": newService("NtCreateToken", func(k *packer, in nt.CreateTokenIn) func(*reply,
		bool) nt.CreateTokenOut {
		h := k.out()
		k.mask(in.DesiredAccess)
		captured(k, in.ObjectAttributes, k.attributes)
		k.u32(uint32(in.TokenType))
		captured(k, in.AuthenticationID, func(l winnt.LUID) buffer { return k.add(le.AppendUint64(nil, uint64(l))) })
		captured(k, in.ExpirationTime, func(t int64) buffer { return k.add(le.AppendUint64(nil, uint64(t))) })
		captured(k, in.User, func(g *token.Group) buffer {
			if g == nil {
				return 0
			}
			at := k.room(16)
			k.sidArray(at, 0, []token.Group{*g})
			return at
		})
		captured(k, in.Groups, k.groups)
		captured(k, in.Privileges, k.privileges)
		captured(k, in.Owner, func(s sid.SID) buffer {
			if s.IsZero() {
				return 0
			}
			return k.sidPointer(s)
		})
		captured(k, in.PrimaryGroup, k.sidPointer)
		captured(k, in.DefaultDACL, func(l *sd.ACL) buffer {
			if l == nil {
				return 0
			}
			return k.aclPointer(l)
		})
		captured(k, in.Source, k.source)
		return readHandle(h, func(h winnt.Handle) nt.CreateTokenOut { return nt.CreateTokenOut{TokenHandle: h} })
	}),
	"NtCreateLowBoxToken": newService("NtCreateLowBoxToken",
		func(k *packer, in nt.CreateLowBoxTokenIn) func(*reply, bool) nt.CreateLowBoxTokenOut {
			h := k.out()
			k.handle(in.ExistingTokenHandle)
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.attributes)
			captured(k, in.PackageSID, k.sidBuffer)
			k.u32(uint32(len(in.Capabilities.V)))
			captured(k, in.Capabilities, func(list []token.Group) buffer {
				if len(list) == 0 {
					return 0
				}
				at := k.room(16 * len(list))
				k.sidArray(at, 0, list)
				return at
			})
			k.u32(uint32(len(in.Handles.V)))
			captured(k, in.Handles, func(list []winnt.Handle) buffer {
				if len(list) == 0 {
					return 0
				}
				var b []byte
				for _, h := range list {
					b = le.AppendUint64(b, uint64(h))
				}
				return k.add(b)
			})
			return readHandle(h,
				func(h winnt.Handle) nt.CreateLowBoxTokenOut { return nt.CreateLowBoxTokenOut{TokenHandle: h} })
		}),
	"NtQueryInformationToken": queryToken,
	"NtSetInformationToken":   setToken,
	"NtAdjustPrivilegesToken": newService("NtAdjustPrivilegesToken",
		func(k *packer, in nt.AdjustPrivilegesTokenIn) func(*reply, bool) nt.AdjustPrivilegesTokenOut {
			k.handle(in.TokenHandle)
			k.flag(in.DisableAllPrivileges)
			captured(k, in.NewState, k.privileges)
			previous, need := k.previous(in.BufferLength, in.WantPrevious)
			return func(p *reply, ok bool) (out nt.AdjustPrivilegesTokenOut) {
				if in.WantPrevious {
					out.ReturnLength = p.u32(need)
					if ok {
						out.PreviousState = privilegeList(p.bytes(previous))
					}
				}
				return out
			}
		}),
	"NtAdjustGroupsToken": newService("NtAdjustGroupsToken",
		func(k *packer, in nt.AdjustGroupsTokenIn) func(*reply, bool) nt.AdjustGroupsTokenOut {
			k.handle(in.TokenHandle)
			k.flag(in.ResetToDefault)
			captured(k, in.NewState, k.groups)
			previous, need := k.previous(in.BufferLength, in.WantPrevious)
			return func(p *reply, ok bool) (out nt.AdjustGroupsTokenOut) {
				if in.WantPrevious {
					out.ReturnLength = p.u32(need)
					if ok {
						out.PreviousState = p.groupList(previous)
					}
				}
				return out
			}
		}),
	"NtCompareTokens": newService("NtCompareTokens", func(k *packer, in nt.CompareTokensIn) func(*reply,
		bool) nt.CompareTokensOut {
		k.handle(in.FirstTokenHandle)
		k.handle(in.SecondTokenHandle)
		equal := k.room(4)
		k.ptr(equal)
		return func(p *reply, _ bool) nt.CompareTokensOut { return nt.CompareTokensOut{Equal: p.bytes(equal)[0] != 0} }
	}),
	"NtPrivilegeCheck": newService("NtPrivilegeCheck", func(k *packer, in nt.PrivilegeCheckIn) func(*reply,
		bool) nt.PrivilegeCheckOut {
		k.handle(in.ClientToken)
		var set buffer
		captured(k, in.RequiredPrivileges, func(s *nt.PrivilegeSet) buffer {
			set = k.privilegeSet(s)
			return set
		})
		result := k.room(4)
		k.ptr(result)
		return func(p *reply, ok bool) (out nt.PrivilegeCheckOut) {
			if ok && set != 0 {
				out.Result, out.RequiredPrivileges = p.bytes(result)[0] != 0, privilegeSetOf(p.bytes(set))
			}
			return out
		}
	}),
	"NtAccessCheck": newService("NtAccessCheck", func(k *packer, in nt.AccessCheckIn) func(*reply,
		bool) nt.AccessCheckOut {
		captured(k, in.SecurityDescriptor, k.descriptor)
		k.handle(in.ClientToken)
		k.mask(in.DesiredAccess)
		captured(k, in.GenericMapping, k.mapping)
		return k.verdict(in.PrivilegeSetLength)
	}),
	"NtAccessCheckByType": newService("NtAccessCheckByType",
		func(k *packer, in nt.AccessCheckByTypeIn) func(*reply, bool) nt.AccessCheckOut {
			k.byType(in)
			return k.verdict(in.PrivilegeSetLength)
		}),
	"NtAccessCheckByTypeResultList": newService("NtAccessCheckByTypeResultList",
		func(k *packer, in nt.AccessCheckByTypeIn) func(*reply, bool) nt.AccessCheckByTypeResultListOut {
			k.byType(in)
			set, need := k.privilegeRoom(in.PrivilegeSetLength)
			n := len(in.ObjectTypeList.V)
			granted, status := k.room(4*max(n, 1)), k.room(4*max(n, 1))
			k.ptr(granted).ptr(status)
			return func(p *reply, ok bool) (out nt.AccessCheckByTypeResultListOut) {
				out.PrivilegeSetLength = p.u32(need)
				if !ok {
					return out
				}
				out.PrivilegeSet = privilegeSetOf(p.bytes(set))
				for i := range n {
					out.GrantedAccess = append(out.GrantedAccess, winnt.AccessMask(le.Uint32(p.bytes(granted)[4*i:])))
					out.AccessStatus = append(out.AccessStatus, ntstatus.Status(le.Uint32(p.bytes(status)[4*i:])))
				}
				return out
			}
		}),
}

// byType adds the first parameters of a check with an object type list, from the descriptor to the mapping. A
// parameter that was not captured is added as its bad pointer.
func (k *packer) byType(in nt.AccessCheckByTypeIn) {
	captured(k, in.SecurityDescriptor, k.descriptor)
	captured(k, in.PrincipalSelfSid, k.sidBuffer)
	k.handle(in.ClientToken)
	k.mask(in.DesiredAccess)
	captured(k, in.ObjectTypeList, k.objectTypes)
	k.u32(uint32(len(in.ObjectTypeList.V)))
	captured(k, in.GenericMapping, k.mapping)
}

// privilegeRoom adds two output parameters of an access check: the buffer for the used privileges, and its length.
func (k *packer) privilegeRoom(length uint32) (set, need buffer) {
	set, need = k.room(int(min(max(length, 20), 1<<16))), k.add(u32le(nil, length))
	k.ptr(set).ptr(need)
	return set, need
}

// verdict adds the output parameters of an access check with one result, and returns the function that reads them. If
// the call failed (ok is false), the function reads only the length of the privilege set.
func (k *packer) verdict(length uint32) func(*reply, bool) nt.AccessCheckOut {
	set, need := k.privilegeRoom(length)
	granted, status := k.room(4), k.room(4)
	k.ptr(granted).ptr(status)
	return func(p *reply, ok bool) nt.AccessCheckOut {
		out := nt.AccessCheckOut{PrivilegeSetLength: p.u32(need)}
		if ok {
			out.PrivilegeSet = privilegeSetOf(p.bytes(set))
			out.GrantedAccess, out.AccessStatus = winnt.AccessMask(p.u32(granted)), ntstatus.Status(p.u32(status))
		}
		return out
	}
}

// previous adds the three parameters for a token's previous state: buffer length, buffer, and required length. If
// want is false, they are 0 and NULL. The buffer has 16 bytes to 64 KiB, whatever length says.
func (k *packer) previous(length uint32, want bool) (at, need buffer) {
	if !want {
		k.num(0).num(0).num(0)
		return 0, 0
	}
	at, need = k.room(int(min(max(length, 16), 1<<16))), k.room(4)
	k.u32(length)
	k.ptr(at).ptr(need)
	return at, need
}
