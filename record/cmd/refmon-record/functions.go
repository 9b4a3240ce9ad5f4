package main

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// function calls one Win32 function, a row of win32.Table, through a gate. in and out are its In and Out structures.
type function func(do gate, in any) (out any, result bool, code win32.Code, err error)

// newFunction returns a caller of the Win32 function name. f adds the parameters to a request and returns a reader of
// the outputs, which runs only if the call returned TRUE. A function that the system does not have is a skipError.
func newFunction[I, O any](name string, f func(k *packer, in I) func(p *reply) O) function {
	return func(do gate, in any) (any, bool, win32.Code, error) {
		var out O
		k := pack(name)
		k.DLL = "advapi32.dll"
		read := f(k, in.(I))
		if k.err != nil {
			return out, false, 0, k.err
		}
		p := do(k.request)
		if p.Missing != "" {
			return out, false, 0, skip("%s: %s", name, p.Missing)
		}
		result := uint32(p.Return) != 0
		if result {
			out = read(&p)
		}
		return out, result, win32.Code(p.LastError), nil
	}
}

// none reads the outputs of a function that has none: it returns the zero value.
func none[O any](*reply) (out O) { return out }

// functions are the functions of advapi32.dll that a program may call.
var functions = map[string]function{
	"OpenProcessToken": newFunction("OpenProcessToken",
		func(k *packer, in win32.OpenProcessTokenIn) func(*reply) win32.OpenTokenOut {
			k.handle(in.ProcessHandle)
			k.mask(in.DesiredAccess)
			h := k.out()
			return func(p *reply) win32.OpenTokenOut { return win32.OpenTokenOut{TokenHandle: winnt.Handle(p.u64(h))} }
		}),
	"OpenThreadToken": newFunction("OpenThreadToken", func(k *packer,
		in win32.OpenThreadTokenIn) func(*reply) win32.OpenTokenOut {
		k.handle(in.ThreadHandle)
		k.mask(in.DesiredAccess)
		k.flag(in.OpenAsSelf)
		h := k.out()
		return func(p *reply) win32.OpenTokenOut { return win32.OpenTokenOut{TokenHandle: winnt.Handle(p.u64(h))} }
	}),
	"DuplicateToken": newFunction("DuplicateToken", func(k *packer,
		in win32.DuplicateTokenIn) func(*reply) win32.DuplicateTokenOut {
		k.handle(in.ExistingTokenHandle)
		k.u32(uint32(in.ImpersonationLevel))
		h := k.out()
		return func(p *reply) win32.DuplicateTokenOut {
			return win32.DuplicateTokenOut{DuplicateTokenHandle: winnt.Handle(p.u64(h))}
		}
	}),
	"DuplicateTokenEx": newFunction("DuplicateTokenEx",
		func(k *packer, in win32.DuplicateTokenExIn) func(*reply) win32.DuplicateTokenExOut {
			k.handle(in.ExistingToken)
			k.mask(in.DesiredAccess)
			k.ptr(k.securityAttributes(in.TokenAttributes))
			k.u32(uint32(in.ImpersonationLevel))
			k.u32(uint32(in.TokenType))
			h := k.out()
			return func(p *reply) win32.DuplicateTokenExOut {
				return win32.DuplicateTokenExOut{NewToken: winnt.Handle(p.u64(h))}
			}
		}),
	"SetThreadToken": newFunction("SetThreadToken", func(k *packer,
		in win32.SetThreadTokenIn) func(*reply) win32.SetThreadTokenOut {
		if in.Thread == 0 {
			k.num(0)
		} else {
			k.ptr(k.add(le.AppendUint64(nil, uint64(in.Thread))))
		}
		k.handle(in.Token)
		return none[win32.SetThreadTokenOut]
	}),
	"ImpersonateSelf": newFunction("ImpersonateSelf", func(k *packer,
		in win32.ImpersonateSelfIn) func(*reply) win32.ImpersonateSelfOut {
		k.u32(uint32(in.ImpersonationLevel))
		return none[win32.ImpersonateSelfOut]
	}),
	"ImpersonateLoggedOnUser": newFunction("ImpersonateLoggedOnUser",
		func(k *packer, in win32.ImpersonateLoggedOnUserIn) func(*reply) win32.ImpersonateLoggedOnUserOut {
			k.handle(in.Token)
			return none[win32.ImpersonateLoggedOnUserOut]
		}),
	"RevertToSelf": newFunction("RevertToSelf", func(*packer, win32.RevertToSelfIn) func(*reply) win32.RevertToSelfOut {
		return none[win32.RevertToSelfOut]
	}),
	"AdjustTokenPrivileges": newFunction("AdjustTokenPrivileges",
		func(k *packer, in win32.AdjustTokenPrivilegesIn) func(*reply) win32.AdjustTokenPrivilegesOut {
			k.handle(in.TokenHandle)
			k.flag(in.DisableAllPrivileges)
			captured(k, in.NewState, k.privileges)
			previous, need := k.previous(in.BufferLength, in.WantPrevious)
			return func(p *reply) (out win32.AdjustTokenPrivilegesOut) {
				if in.WantPrevious {
					out.PreviousState, out.ReturnLength = privilegeList(p.bytes(previous)), p.u32(need)
				}
				return out
			}
		}),
	"PrivilegeCheck": newFunction("PrivilegeCheck", func(k *packer,
		in win32.PrivilegeCheckIn) func(*reply) win32.PrivilegeCheckOut {
		k.handle(in.ClientToken)
		var set buffer
		captured(k, in.RequiredPrivileges, func(s *nt.PrivilegeSet) buffer {
			set = k.privilegeSet(s)
			return set
		})
		result := k.room(4)
		k.ptr(result)
		return func(p *reply) (out win32.PrivilegeCheckOut) {
			if set != 0 {
				out.Result, out.RequiredPrivileges = p.u32(result) != 0, privilegeSetOf(p.bytes(set))
			}
			return out
		}
	}),
	"AccessCheck": newFunction("AccessCheck", func(k *packer, in win32.AccessCheckIn) func(*reply) win32.AccessCheckOut {
		captured(k, in.SecurityDescriptor, k.descriptor)
		k.handle(in.ClientToken)
		k.mask(in.DesiredAccess)
		captured(k, in.GenericMapping, k.mapping)
		return k.booleanVerdict(in.PrivilegeSetLength)
	}),
	"AccessCheckByType": newFunction("AccessCheckByType",
		func(k *packer, in win32.AccessCheckByTypeIn) func(*reply) win32.AccessCheckOut {
			k.addTyped(in.SecurityDescriptor, in.PrincipalSelfSid, in.ClientToken, in.DesiredAccess, in.ObjectTypeList,
				in.GenericMapping)
			return k.booleanVerdict(in.PrivilegeSetLength)
		}),
	"AccessCheckByTypeResultList": newFunction("AccessCheckByTypeResultList",
		func(k *packer, in win32.AccessCheckByTypeIn) func(*reply) win32.AccessCheckByTypeResultListOut {
			k.addTyped(in.SecurityDescriptor, in.PrincipalSelfSid, in.ClientToken, in.DesiredAccess, in.ObjectTypeList,
				in.GenericMapping)
			set, need := k.privilegeRoom(in.PrivilegeSetLength)
			n := len(in.ObjectTypeList.V)
			granted, status := k.room(4*max(n, 1)), k.room(4*max(n, 1))
			k.ptr(granted).ptr(status)
			return func(p *reply) (out win32.AccessCheckByTypeResultListOut) {
				out.PrivilegeSet, out.PrivilegeSetLength = privilegeSetOf(p.bytes(set)), p.u32(need)
				for i := range n {
					out.GrantedAccessList = append(out.GrantedAccessList,
						winnt.AccessMask(le.Uint32(p.bytes(granted)[4*i:])))
					out.AccessStatusList = append(out.AccessStatusList, win32.Code(le.Uint32(p.bytes(status)[4*i:])))
				}
				return out
			}
		}),
	"ObjectOpenAuditAlarm": newFunction("ObjectOpenAuditAlarmW",
		func(k *packer, in win32.ObjectOpenAuditAlarmIn) func(*reply) win32.ObjectOpenAuditAlarmOut {
			k.name(in.SubsystemName)
			k.handle(in.HandleID.V)
			k.name(in.ObjectTypeName)
			k.name(in.ObjectName)
			captured(k, in.SecurityDescriptor, k.descriptor)
			k.handle(in.ClientToken)
			k.mask(in.DesiredAccess)
			k.mask(in.GrantedAccess)
			captured(k, in.Privileges, k.privilegeSet)
			k.flag(in.ObjectCreation)
			k.flag(in.AccessGranted)
			generate := k.room(4)
			k.ptr(generate)
			return func(p *reply) win32.ObjectOpenAuditAlarmOut {
				return win32.ObjectOpenAuditAlarmOut{GenerateOnClose: p.u32(generate) != 0}
			}
		}),
	"ObjectPrivilegeAuditAlarm": newFunction("ObjectPrivilegeAuditAlarmW",
		func(k *packer, in win32.ObjectPrivilegeAuditAlarmIn) func(*reply) win32.ObjectPrivilegeAuditAlarmOut {
			k.name(in.SubsystemName)
			k.handle(in.HandleID)
			k.handle(in.ClientToken)
			k.mask(in.DesiredAccess)
			captured(k, in.Privileges, k.privilegeSet)
			k.flag(in.AccessGranted)
			return none[win32.ObjectPrivilegeAuditAlarmOut]
		}),
	"PrivilegedServiceAuditAlarm": newFunction("PrivilegedServiceAuditAlarmW",
		func(k *packer, in win32.PrivilegedServiceAuditAlarmIn) func(*reply) win32.PrivilegedServiceAuditAlarmOut {
			k.name(in.SubsystemName)
			k.name(in.ServiceName)
			k.handle(in.ClientToken)
			captured(k, in.Privileges, k.privilegeSet)
			k.flag(in.AccessGranted)
			return none[win32.PrivilegedServiceAuditAlarmOut]
		}),
}

// addTyped adds the parameters that the two Win32 access checks with an object type list share.
func (k *packer) addTyped(d nt.Captured[*sd.Descriptor], self nt.Captured[sid.SID], h winnt.Handle,
	desired winnt.AccessMask, list nt.Captured[[]access.ObjectTypeEntry], m nt.Captured[winnt.GenericMapping]) {
	k.byType(nt.AccessCheckByTypeIn{SecurityDescriptor: d, PrincipalSelfSid: self, ClientToken: h,
		DesiredAccess: desired, ObjectTypeList: list, GenericMapping: m})
}

// booleanVerdict adds the output parameters of a Win32 access check with one result, and returns the function that
// reads them.
func (k *packer) booleanVerdict(length uint32) func(*reply) win32.AccessCheckOut {
	set, need := k.privilegeRoom(length)
	granted, status := k.room(4), k.room(4)
	k.ptr(granted).ptr(status)
	return func(p *reply) win32.AccessCheckOut {
		return win32.AccessCheckOut{PrivilegeSet: privilegeSetOf(p.bytes(set)), PrivilegeSetLength: p.u32(need),
			GrantedAccess: winnt.AccessMask(p.u32(granted)), AccessStatus: p.u32(status) != 0}
	}
}

// name adds a parameter that is a pointer to a string. A string that could not be captured becomes NULL.
func (k *packer) name(c nt.Captured[string]) {
	if c.Status != ntstatus.Success {
		k.num(0)
		return
	}
	k.ptr(k.wide(c.V))
}

// securityAttributes adds a SECURITY_ATTRIBUTES of 24 bytes and returns the buffer, 0 for nil.
func (k *packer) securityAttributes(a *win32.SecurityAttributes) buffer {
	if a == nil {
		return 0
	}
	b := make([]byte, 24)
	le.PutUint32(b, 24)
	if a.InheritHandle {
		b[16] = 1
	}
	at := k.add(b)
	k.point(at, 8, k.descriptor(a.SecurityDescriptor), 0)
	return at
}
