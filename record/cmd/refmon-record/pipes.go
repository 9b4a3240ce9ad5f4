package main

import (
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Arguments of NtCreateNamedPipeFile that programs do not give: operations of
// the server's end complete at once, as ours always do; both ends share.
const (
	completeOperation = 1       // CompletionMode
	shareBoth         = 3       // FILE_SHARE_READ | FILE_SHARE_WRITE
	openIf            = 3       // FILE_OPEN_IF
	pipeQuota         = 4096    // bytes
	defaultTimeout    = -500000 // 50 ms in units of 100 ns; the document wants one
)

// nameServices are the services on pipes, symbolic links and temporary objects.
var nameServices = map[string]service{
	"NtCreateNamedPipeFile": newService("NtCreateNamedPipeFile",
		func(k *packer, in nt.CreateNamedPipeFileIn) func(*reply, bool) nt.CreateNamedPipeFileOut {
			h := k.out()
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.pipeName)
			k.ptr(k.room(16)).num(shareBoth).num(openIf).num(0)
			k.u32(in.NamedPipeType)
			k.u32(in.NamedPipeType) // read mode
			k.num(completeOperation)
			instances, quota := in.MaximumInstances, in.InboundQuota
			if instances == 0 {
				instances = 0xFFFFFFFF
			}
			if quota == 0 {
				quota = pipeQuota
			}
			k.u32(instances)
			k.u32(quota)
			k.u32(quota)
			timeout := int64(defaultTimeout)
			k.ptr(k.add(le.AppendUint64(nil, uint64(timeout))))
			return readHandle(h,
				func(h winnt.Handle) nt.CreateNamedPipeFileOut { return nt.CreateNamedPipeFileOut{FileHandle: h} })
		}),
	"NtOpenFile": newService("NtOpenFile", func(k *packer, in nt.OpenFileIn) func(*reply, bool) nt.OpenFileOut {
		if oa := in.ObjectAttributes.V; oa != nil && !strings.Contains(strings.ToLower(oa.ObjectName), "pipe") {
			k.fail(skip("NtOpenFile: a file that the program makes from outside"))
		}
		h := k.out()
		k.mask(in.DesiredAccess)
		captured(k, in.ObjectAttributes, k.pipeName)
		k.ptr(k.room(16))
		k.u32(in.ShareAccess | shareBoth)
		k.u32(in.OpenOptions)
		return readHandle(h, func(h winnt.Handle) nt.OpenFileOut { return nt.OpenFileOut{FileHandle: h} })
	}),
	"NtReadFile": newService("NtReadFile", func(k *packer, in nt.ReadFileIn) func(*reply, bool) nt.ReadFileOut {
		size := min(in.Length, 1<<16)
		k.handle(in.FileHandle)
		status, b := k.room(16), k.room(int(size))
		k.num(0).num(0).num(0).ptr(status).ptr(b).num(uint64(size)).num(0).num(0)
		return func(p *reply, ok bool) (out nt.ReadFileOut) {
			if n := le.Uint64(p.bytes(status)[8:]); ok && n <= uint64(size) {
				out.Buffer = p.bytes(b)[:n]
			}
			return out
		}
	}),
	"NtWriteFile": newService("NtWriteFile", func(k *packer, in nt.WriteFileIn) func(*reply, bool) nt.WriteFileOut {
		k.handle(in.FileHandle)
		status := k.room(16)
		k.num(0).num(0).num(0).ptr(status)
		captured(k, in.Buffer, k.add)
		k.num(uint64(len(in.Buffer.V))).num(0).num(0)
		return func(p *reply, _ bool) nt.WriteFileOut {
			return nt.WriteFileOut{Information: le.Uint32(p.bytes(status)[8:])}
		}
	}),
	"NtFsControlFile": newService("NtFsControlFile", func(k *packer, in nt.FsControlFileIn) func(*reply,
		bool) nt.FsControlFileOut {
		k.handle(in.FileHandle)
		k.num(0).num(0).num(0).ptr(k.room(16))
		k.u32(in.FsControlCode)
		k.num(0).num(0).num(0).num(0)
		return nothing[nt.FsControlFileOut]
	}),
	"NtCreateSymbolicLinkObject": newService("NtCreateSymbolicLinkObject",
		func(k *packer, in nt.CreateSymbolicLinkObjectIn) func(*reply, bool) nt.SymbolicLinkObjectOut {
			h := k.out()
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.attributes)
			captured(k, in.LinkTarget, k.unicode)
			return readHandle(h,
				func(h winnt.Handle) nt.SymbolicLinkObjectOut { return nt.SymbolicLinkObjectOut{SymbolicLinkHandle: h} })
		}),
	"NtOpenSymbolicLinkObject": newService("NtOpenSymbolicLinkObject",
		func(k *packer, in nt.OpenSymbolicLinkObjectIn) func(*reply, bool) nt.SymbolicLinkObjectOut {
			h := k.out()
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.attributes)
			return readHandle(h,
				func(h winnt.Handle) nt.SymbolicLinkObjectOut { return nt.SymbolicLinkObjectOut{SymbolicLinkHandle: h} })
		}),
	"NtMakeTemporaryObject": newService("NtMakeTemporaryObject",
		func(k *packer, in nt.MakeTemporaryObjectIn) func(*reply, bool) nt.MakeTemporaryObjectOut {
			k.handle(in.Handle)
			return nothing[nt.MakeTemporaryObjectOut]
		}),
}

// pipeName adds OBJECT_ATTRIBUTES with OBJ_CASE_INSENSITIVE, which the name of a pipe needs because its link is
// \??\PIPE.
func (k *packer) pipeName(oa *nt.ObjectAttributes) buffer {
	if oa == nil {
		return 0
	}
	named := *oa
	named.Attributes |= winnt.OBJ_CASE_INSENSITIVE
	return k.attributes(&named)
}
