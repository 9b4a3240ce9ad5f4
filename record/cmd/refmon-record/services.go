package main

import (
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// untouched is the value of a handle variable before the call.
const untouched = uint64(0xCCCCCCCCCCCCCCCC)

// service calls one system service, a row of nt.NtTable, through a gate. in and out are its In and Out structures.
type service func(do gate, in any) (out any, st ntstatus.Status, err error)

// newService builds the caller of a system service from its parameters. f adds the parameters to a request and
// returns a function that reads the outputs. That runs after failures too, to see whether the call wrote a handle. ok
// reports whether there are outputs: with STATUS_BUFFER_OVERFLOW, a warning, the buffer has those that fit.
func newService[I, O any](name string, f func(k *packer, in I) func(p *reply, ok bool) O) service {
	return func(do gate, in any) (any, ntstatus.Status, error) {
		var none O
		k := pack(name)
		read := f(k, in.(I))
		if k.err != nil {
			return none, 0, k.err
		}
		p := do(k.request)
		if p.Missing != "" {
			return none, 0, skip("%s: %s", name, p.Missing)
		}
		st := ntstatus.Status(uint32(p.Return))
		return read(&p, st.IsSuccess() || st == ntstatus.BufferOverflow), st, nil
	}
}

// readHandle returns a function that reads an output handle and stores it with set in an output structure. at is the
// handle's buffer. A handle that the call did not write becomes script.Untouched.
func readHandle[O any](at buffer, set func(winnt.Handle) O) func(*reply, bool) O {
	return func(p *reply, _ bool) O {
		h := p.u64(at)
		if h == untouched {
			return set(script.Untouched)
		}
		return set(winnt.Handle(h))
	}
}

// nothing reads the outputs of a service that has none: it returns the zero value.
func nothing[O any](*reply, bool) (none O) { return none }

// services are the services on handles, objects, processes and threads that a program may call.
var services = map[string]service{
	"NtClose": newService("NtClose", func(k *packer, in nt.CloseIn) func(*reply, bool) nt.CloseOut {
		k.handle(in.Handle)
		return nothing[nt.CloseOut]
	}),
	"NtDuplicateObject": newService("NtDuplicateObject", func(k *packer, in nt.DuplicateObjectIn) func(*reply,
		bool) nt.DuplicateObjectOut {
		k.handle(in.SourceProcessHandle)
		k.handle(in.SourceHandle)
		k.handle(in.TargetProcessHandle)
		h := k.out()
		k.mask(in.DesiredAccess)
		k.u32(in.HandleAttributes)
		k.u32(uint32(in.Options))
		return readHandle(h, func(h winnt.Handle) nt.DuplicateObjectOut { return nt.DuplicateObjectOut{TargetHandle: h} })
	}),
	"NtCompareObjects": newService("NtCompareObjects", func(k *packer, in nt.CompareObjectsIn) func(*reply,
		bool) nt.CompareObjectsOut {
		k.handle(in.FirstObjectHandle)
		k.handle(in.SecondObjectHandle)
		return nothing[nt.CompareObjectsOut]
	}),
	"NtOpenProcess": newService("NtOpenProcess", func(k *packer, in nt.OpenProcessIn) func(*reply,
		bool) nt.OpenProcessOut {
		h := k.out()
		k.mask(in.DesiredAccess)
		k.addAttributes(in.ObjectAttributes)
		captured(k, in.ClientID, k.clientID)
		return readHandle(h, func(h winnt.Handle) nt.OpenProcessOut { return nt.OpenProcessOut{ProcessHandle: h} })
	}),
	"NtOpenThread": newService("NtOpenThread", func(k *packer, in nt.OpenThreadIn) func(*reply, bool) nt.OpenThreadOut {
		h := k.out()
		k.mask(in.DesiredAccess)
		k.addAttributes(in.ObjectAttributes)
		captured(k, in.ClientID, k.clientID)
		return readHandle(h, func(h winnt.Handle) nt.OpenThreadOut { return nt.OpenThreadOut{ThreadHandle: h} })
	}),
	"NtOpenProcessToken": newService("NtOpenProcessToken",
		func(k *packer, in nt.OpenProcessTokenIn) func(*reply, bool) nt.OpenProcessTokenOut {
			k.handle(in.ProcessHandle)
			k.mask(in.DesiredAccess)
			return readHandle(k.out(),
				func(h winnt.Handle) nt.OpenProcessTokenOut { return nt.OpenProcessTokenOut{TokenHandle: h} })
		}),
	"NtOpenProcessTokenEx": newService("NtOpenProcessTokenEx",
		func(k *packer, in nt.OpenProcessTokenExIn) func(*reply, bool) nt.OpenProcessTokenOut {
			k.handle(in.ProcessHandle)
			k.mask(in.DesiredAccess)
			k.u32(in.HandleAttributes)
			return readHandle(k.out(),
				func(h winnt.Handle) nt.OpenProcessTokenOut { return nt.OpenProcessTokenOut{TokenHandle: h} })
		}),
	"NtOpenThreadToken": newService("NtOpenThreadToken", func(k *packer, in nt.OpenThreadTokenIn) func(*reply,
		bool) nt.OpenThreadTokenOut {
		k.handle(in.ThreadHandle)
		k.mask(in.DesiredAccess)
		k.flag(in.OpenAsSelf)
		return readHandle(k.out(),
			func(h winnt.Handle) nt.OpenThreadTokenOut { return nt.OpenThreadTokenOut{TokenHandle: h} })
	}),
	"NtOpenThreadTokenEx": newService("NtOpenThreadTokenEx",
		func(k *packer, in nt.OpenThreadTokenExIn) func(*reply, bool) nt.OpenThreadTokenOut {
			k.handle(in.ThreadHandle)
			k.mask(in.DesiredAccess)
			k.flag(in.OpenAsSelf)
			k.u32(in.HandleAttributes)
			return readHandle(k.out(),
				func(h winnt.Handle) nt.OpenThreadTokenOut { return nt.OpenThreadTokenOut{TokenHandle: h} })
		}),
	"NtSetInformationThread": newService("NtSetInformationThread",
		func(k *packer, in nt.SetInformationThreadIn) func(*reply, bool) nt.SetInformationThreadOut {
			k.handle(in.ThreadHandle)
			k.u32(uint32(in.ThreadInformationClass))
			captured(k, in.ThreadInformation, func(h winnt.Handle) buffer { return k.add(le.AppendUint64(nil, uint64(h))) })
			k.u32(in.ThreadInformationLength)
			return nothing[nt.SetInformationThreadOut]
		}),
	"NtImpersonateThread": newService("NtImpersonateThread",
		func(k *packer, in nt.ImpersonateThreadIn) func(*reply, bool) nt.ImpersonateThreadOut {
			k.handle(in.ServerThreadHandle)
			k.handle(in.ClientThreadHandle)
			captured(k, in.SecurityQos, k.sqos)
			return nothing[nt.ImpersonateThreadOut]
		}),
	"NtImpersonateAnonymousToken": newService("NtImpersonateAnonymousToken",
		func(k *packer, in nt.ImpersonateAnonymousTokenIn) func(*reply, bool) nt.ImpersonateAnonymousTokenOut {
			k.handle(in.ThreadHandle)
			return nothing[nt.ImpersonateAnonymousTokenOut]
		}),
	"NtCreateEvent": newService("NtCreateEvent", func(k *packer, in nt.CreateEventIn) func(*reply, bool) nt.EventOut {
		h := k.out()
		k.mask(in.DesiredAccess)
		captured(k, in.ObjectAttributes, k.attributes)
		k.u32(uint32(in.EventType))
		k.flag(in.InitialState)
		return readHandle(h, func(h winnt.Handle) nt.EventOut { return nt.EventOut{EventHandle: h} })
	}),
	"NtOpenEvent": newService("NtOpenEvent", func(k *packer, in nt.OpenEventIn) func(*reply, bool) nt.EventOut {
		h := k.out()
		k.mask(in.DesiredAccess)
		captured(k, in.ObjectAttributes, k.attributes)
		return readHandle(h, func(h winnt.Handle) nt.EventOut { return nt.EventOut{EventHandle: h} })
	}),
	"NtCreateDirectoryObject": newService("NtCreateDirectoryObject",
		func(k *packer, in nt.CreateDirectoryObjectIn) func(*reply, bool) nt.DirectoryObjectOut {
			h := k.out()
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.attributes)
			return readHandle(h,
				func(h winnt.Handle) nt.DirectoryObjectOut { return nt.DirectoryObjectOut{DirectoryHandle: h} })
		}),
	"NtOpenDirectoryObject": newService("NtOpenDirectoryObject",
		func(k *packer, in nt.OpenDirectoryObjectIn) func(*reply, bool) nt.DirectoryObjectOut {
			h := k.out()
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.attributes)
			return readHandle(h,
				func(h winnt.Handle) nt.DirectoryObjectOut { return nt.DirectoryObjectOut{DirectoryHandle: h} })
		}),
	"NtQuerySecurityObject": newService("NtQuerySecurityObject",
		func(k *packer, in nt.QuerySecurityObjectIn) func(*reply, bool) nt.QuerySecurityObjectOut {
			k.handle(in.Handle)
			k.u32(uint32(in.SecurityInformation))
			size := int(min(in.Length, 1<<16))
			b, need := k.room(size), k.room(4)
			k.ptr(b).num(uint64(size)).ptr(need)
			return func(p *reply, ok bool) (out nt.QuerySecurityObjectOut) {
				out.LengthNeeded = p.u32(need)
				if ok {
					out.SecurityDescriptor, _ = sd.Decode(p.bytes(b)[:min(int(out.LengthNeeded), size)])
				}
				return out
			}
		}),
	"NtSetSecurityObject": newService("NtSetSecurityObject",
		func(k *packer, in nt.SetSecurityObjectIn) func(*reply, bool) nt.SetSecurityObjectOut {
			k.handle(in.Handle)
			k.u32(uint32(in.SecurityInformation))
			captured(k, in.SecurityDescriptor, k.descriptor)
			return nothing[nt.SetSecurityObjectOut]
		}),
	"NtQueryObject": queryObject,
	"NtSetInformationObject": newService("NtSetInformationObject",
		func(k *packer, in nt.SetInformationObjectIn) func(*reply, bool) nt.SetInformationObjectOut {
			k.handle(in.Handle)
			k.u32(uint32(in.ObjectInformationClass))
			captured(k, in.ObjectInformation, func(f nt.HandleFlagInformation) buffer {
				return k.add(flagBytes(f.Inherit,
					f.ProtectFromClose))
			})
			k.u32(in.ObjectInformationLength)
			return nothing[nt.SetInformationObjectOut]
		}),
	"NtAllocateLocallyUniqueId": newService("NtAllocateLocallyUniqueId",
		func(k *packer, _ nt.AllocateLocallyUniqueIDIn) func(*reply, bool) nt.AllocateLocallyUniqueIDOut {
			at := k.room(8)
			k.ptr(at)
			return func(p *reply, _ bool) nt.AllocateLocallyUniqueIDOut {
				return nt.AllocateLocallyUniqueIDOut{LUID: winnt.LUID(p.u64(at))}
			}
		}),
}

// findService returns the service with a name; nil if the recorder does not support it.
func findService(name string) service {
	for _, table := range []map[string]service{services, tokenServices, nameServices} {
		if s := table[name]; s != nil {
			return s
		}
	}
	return nil
}

// addAttributes adds OBJECT_ATTRIBUTES that are never NULL, for services that do not test the pointer for NULL.
func (k *packer) addAttributes(c nt.Captured[*nt.ObjectAttributes]) {
	captured(k, c, func(oa *nt.ObjectAttributes) buffer {
		if oa == nil {
			oa = &nt.ObjectAttributes{}
		}
		return k.attributes(oa)
	})
}

// flagBytes encodes flags as BOOLEANs: one byte, 1 or 0, for each; nil without flags.
func flagBytes(flags ...bool) (b []byte) {
	for _, f := range flags {
		if f {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// guid returns the bytes of a GUID in memory (S-15).
func guid(g winnt.GUID) []byte { return g[:] }

// queryObject calls NtQueryObject for the two classes of fixed size. Any other class is a skipError. A failure status
// has no information. Length 0xFFFFFFFF is the size of the class.
func queryObject(do gate, in any) (any, ntstatus.Status, error) {
	q := in.(nt.QueryObjectIn)
	size := map[nt.ObjectInfoClass]uint32{nt.ObjectBasicInformation: 56,
		nt.ObjectHandleFlagInformation: 2}[q.ObjectInformationClass]
	if size == 0 {
		return nil, 0, skip("NtQueryObject: class %s is not read by this recorder", q.ObjectInformationClass)
	}
	if q.ObjectInformationLength != 0xFFFFFFFF {
		size = q.ObjectInformationLength
	}
	k := pack("NtQueryObject")
	k.handle(q.Handle)
	k.u32(uint32(q.ObjectInformationClass))
	b, need := k.room(int(min(max(size, 56), 1<<16))), k.room(4)
	k.ptr(b).num(uint64(size)).ptr(need)
	p := do(k.request)
	if p.Missing != "" {
		return nil, 0, skip("NtQueryObject: %s", p.Missing)
	}
	st, out := ntstatus.Status(uint32(p.Return)), nt.QueryObjectOut{ReturnLength: p.u32(need)}
	m := p.bytes(b)
	switch {
	case !st.IsSuccess():
	case q.ObjectInformationClass == nt.ObjectBasicInformation:
		at := func(i int) uint32 { return le.Uint32(m[i:]) }
		out.ObjectInformation = nt.BasicInformation{Attributes: at(0), GrantedAccess: winnt.AccessMask(at(4)),
			HandleCount: at(8), PointerCount: at(12),
			PagedPoolCharge: at(16), NonPagedPoolCharge: at(20), NameInfoSize: at(36), TypeInfoSize: at(40),
			SecurityDescriptorSize: at(44), CreationTime: int64(le.Uint64(m[48:]))}
	default:
		out.ObjectInformation = nt.HandleFlagInformation{Inherit: m[0] != 0, ProtectFromClose: m[1] != 0}
	}
	return out, st, nil
}
