package main

import (
	"cmp"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// What the system gets for arguments of NtCreateNamedPipeFile that a program leaves out.
const (
	shareBoth      = 3          // FILE_SHARE_READ | FILE_SHARE_WRITE
	openIf         = 3          // FILE_OPEN_IF
	unlimited      = 0xFFFFFFFF // instances
	pipeQuota      = 4096       // bytes
	defaultTimeout = -500000    // 50 ms in units of 100 ns; the document wants one
)

// completeOperation is a CompletionMode: an operation of the server's end completes at once. A program never waits.
const completeOperation = 1

// nameServices are the services on pipes, symbolic links and temporary objects.
var nameServices = map[string]service{
	"NtCreateNamedPipeFile": newService("NtCreateNamedPipeFile",
		func(k *packer, in nt.CreateNamedPipeFileIn) func(*reply, bool) nt.CreateNamedPipeFileOut {
			h := k.out()
			k.mask(in.DesiredAccess)
			captured(k, in.ObjectAttributes, k.pipeName)
			k.ptr(k.room(16))
			k.u32(cmp.Or(in.ShareAccess, shareBoth))
			k.u32(cmp.Or(in.CreateDisposition, openIf))
			k.u32(in.CreateOptions)
			k.u32(in.NamedPipeType)
			k.u32(in.ReadMode & in.NamedPipeType) // a pipe of bytes has no messages to keep to
			k.u32(in.CompletionMode | completeOperation)
			k.u32(cmp.Or(in.MaximumInstances, unlimited))
			k.u32(cmp.Or(in.InboundQuota, pipeQuota))
			k.u32(cmp.Or(in.OutboundQuota, pipeQuota))
			k.ptr(k.add(le.AppendUint64(nil, uint64(cmp.Or(in.DefaultTimeout, defaultTimeout)))))
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
		status := k.room(16)
		k.num(0).num(0).num(0).ptr(status)
		k.u32(in.FsControlCode)
		k.num(0).num(0)
		if in.FsControlCode != winnt.FSCTL_PIPE_PEEK {
			k.num(0).num(0)
			return nothing[nt.FsControlFileOut]
		}
		size := min(in.OutputBufferLength, peekHeader+1<<16)
		b := k.room(int(size))
		k.ptr(b).num(uint64(size))
		return func(p *reply, ok bool) (out nt.FsControlFileOut) {
			if n := le.Uint64(p.bytes(status)[8:]); ok && peekHeader <= n && n <= uint64(size) {
				out.OutputBuffer = peekBuffer(p.bytes(b)[:n])
			}
			return out
		}
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

// peekHeader is the size of a FILE_PIPE_PEEK_BUFFER without data.
const peekHeader = 16

// peekBuffer decodes a FILE_PIPE_PEEK_BUFFER, which must have its header.
func peekBuffer(b []byte) *nt.PipePeekBuffer {
	return &nt.PipePeekBuffer{NamedPipeState: le.Uint32(b), ReadDataAvailable: le.Uint32(b[4:]),
		NumberOfMessages: le.Uint32(b[8:]), MessageLength: le.Uint32(b[12:]), Data: b[peekHeader:]}
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
