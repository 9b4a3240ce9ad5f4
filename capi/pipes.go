//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Values for the IO_STATUS_BLOCK, such as FILE_OPENED.
const (
	fileOpened  = 1
	fileCreated = 2
)

// probeOpen probes the IO_STATUS_BLOCK, parameter 3, of the services that open or create a file.
func (c *call) probeOpen() ntstatus.Status { return c.Probe(c.ptr(3), 16, 4) }

// openedFile writes the handle and the I/O status of a service that opens or creates a file.
func (c *call) openedFile(h winnt.Handle, information uint64, st ntstatus.Status) uint64 {
	if st.IsSuccess() {
		if fault := c.putIOStatus(c.ptr(3), st, information); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return c.opened(h, st)
}

// ntOpenFile implements NtOpenFile: it opens an existing file, pipe or device and writes the handle and the status
// block.
func ntOpenFile(c *call) uint64 {
	if st := c.probeOpen(); st != ntstatus.Success {
		return status(st)
	}
	o, st := c.sys.NtOpenFile(openFileIn(c))
	return c.openedFile(o.FileHandle, fileOpened, st)
}

// ntCreateFile implements NtCreateFile. It creates files in a daemon's trees; elsewhere it only opens what exists.
func ntCreateFile(c *call) uint64 {
	if st := c.probeOpen(); st != ntstatus.Success {
		return status(st)
	}
	o, st := c.sys.NtCreateFile(nt.CreateFileIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2),
		FileAttributes: fileaccess.Attributes(c.u32(5)), ShareAccess: c.u32(6), CreateDisposition: c.u32(7),
		CreateOptions: c.u32(8)})
	return c.openedFile(o.FileHandle, uint64(o.Information), st)
}

// ntCreateNamedPipeFile implements NtCreateNamedPipeFile, which creates a pipe instance. An instance limit of
// 0xFFFFFFFF means no limit. An invalid parameter, a limit of 0 and a pipe without a direction are
// STATUS_INVALID_PARAMETER. Failures come in this order: status block, timeout pointer, parameters, object
// attributes, direction.
func ntCreateNamedPipeFile(c *call) uint64 {
	if st := c.probeOpen(); st != ntstatus.Success {
		return status(st)
	}
	var wait uint64
	if p := c.ptr(13); p != 0 { // the default timeout of FSCTL_PIPE_WAIT
		var st ntstatus.Status
		if wait, st = c.ReadU64(p); st != ntstatus.Success {
			return status(st)
		}
	}
	in := nt.CreateNamedPipeFileIn{DesiredAccess: c.mask(1), ObjectAttributes: c.attributes(2), ShareAccess: c.u32(4),
		CreateDisposition: c.u32(5),
		NamedPipeType:     c.u32(7) & winnt.FILE_PIPE_MESSAGE_TYPE, MaximumInstances: c.u32(10), InboundQuota: c.u32(11),
		OutboundQuota: c.u32(12), CompletionMode: c.u32(9), CreateOptions: c.u32(6), ReadMode: c.u32(8),
		DefaultTimeout: int64(wait)}
	if in.ObjectAttributes.Status == ntstatus.Success && (in.ShareAccess&^3 != 0 || in.ShareAccess == 0) {
		// A pipe has one direction at least (T-132); bad pointers come first (O-3).
		return c.opened(0, ntstatus.InvalidParameter)
	}
	if st := pipeParameters(in.CreateDisposition, c.u32(7), c.u32(8), c.u32(9)); st != ntstatus.Success {
		return c.opened(0, st)
	}
	switch in.MaximumInstances {
	case 0:
		return c.opened(0, ntstatus.InvalidParameter)
	case ^uint32(0): // unlimited
		in.MaximumInstances = 0
	}
	o, st := c.sys.NtCreateNamedPipeFile(in)
	return c.openedFile(o.FileHandle, fileCreated, st)
}

// pipeParameters validates the modes of NtCreateNamedPipeFile. It returns STATUS_INVALID_PARAMETER for unknown values,
// and for messages read from a pipe of bytes. Other combinations succeed.
func pipeParameters(disposition, typ, read, completion uint32) ntstatus.Status {
	const (
		fileOpen, fileOpenIf = 1, 3
		rejectRemote         = 2 // FILE_PIPE_REJECT_REMOTE_CLIENTS has no effect, because no client is remote
	)
	message := typ & winnt.FILE_PIPE_MESSAGE_TYPE
	switch {
	case disposition < fileOpen || disposition > fileOpenIf, typ&^(winnt.FILE_PIPE_MESSAGE_TYPE|rejectRemote) != 0,
		read > 1, completion > 1, read > message:
		return ntstatus.InvalidParameter
	}
	return ntstatus.Success
}

// putIOStatus writes an IO_STATUS_BLOCK to p: the status of the call and a number that depends on it.
func (c *call) putIOStatus(p user, st ntstatus.Status, information uint64) ntstatus.Status {
	var e marshal.Encoder
	e.U64(uint64(st))
	e.U64(information)
	return c.Write(p, e.Bytes)
}
