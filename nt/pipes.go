package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services on pipes and files.
type (
	CreateNamedPipeFileIn struct {
		DesiredAccess    winnt.AccessMask `object:"file"`
		ObjectAttributes Captured[*ObjectAttributes]
		NamedPipeType    uint32 // 0 bytes, 1 messages
		MaximumInstances uint32 // 0 means no limit
		InboundQuota     uint32 // bytes that clients may have written and the server not read; 0 means the default
		OutboundQuota    uint32 // bytes in the other direction; 0 means the default
		ShareAccess      uint32
		CompletionMode   uint32 // FILE_PIPE_COMPLETE_OPERATION: no operation of this end waits (T-135)
		// FILE_CREATE: the first instance only; FILE_OPEN: another only; 0 and FILE_OPEN_IF: either
		CreateDisposition uint32
		CreateOptions     uint32 // FILE_SYNCHRONOUS_IO_*: an operation of the handle ends before its call returns
		ReadMode          uint32 `default:"1"` // 1: reads keep to messages, where the pipe has some (I-139)
		// DefaultTimeout is the time-out of a FSCTL_PIPE_WAIT that gives none: 100-ns units below 0; 0 for 50 ms.
		DefaultTimeout int64 `transcript:"omitzero"`
	}
	CreateNamedPipeFileOut struct{ FileHandle winnt.Handle }

	ReadFileIn struct {
		FileHandle winnt.Handle
		Length     uint32 `default:"65536"` // bytes
		// ByteOffset is for files of a tree: an offset, or FILE_USE_FILE_POINTER_POSITION.
		ByteOffset uint64 `default:"18446744073709551614"`
		// Room is memory of a caller in the kernel's own program. Where it is at least Length bytes long,
		// a file of a tree is read into it and Buffer is a part of it. It never travels.
		Room  []byte `param:"-" wire:"-"`
		Later *Later `param:"-"`
	}
	ReadFileOut struct{ Buffer []byte }

	WriteFileIn struct {
		FileHandle winnt.Handle
		Buffer     Captured[[]byte]
		// ByteOffset is as in ReadFileIn, or FILE_WRITE_TO_END_OF_FILE.
		ByteOffset uint64 `default:"18446744073709551614"`
		Later      *Later `param:"-"`
	}
	WriteFileOut struct{ Information uint32 } // bytes written

	FsControlFileIn struct {
		FileHandle    winnt.Handle
		FsControlCode uint32 // FSCTL_PIPE_*
		// OutputBufferLength is in bytes: 16 and the room for data with FSCTL_PIPE_PEEK.
		OutputBufferLength uint32           `default:"4294967295"`
		InputBuffer        Captured[[]byte] `param:"-"`
		Later              *Later           `param:"-"`
	}
	FsControlFileOut struct{ OutputBuffer *PipePeekBuffer } // nil for codes other than FSCTL_PIPE_PEEK
)

var handleConditions = []Condition{
	{ntstatus.InvalidHandle, "O-31", "FileHandle is not a valid handle"},
	{ntstatus.ObjectTypeMismatch, "O-31", "FileHandle is not a file"},
}

var (
	rowCreateNamedPipeFile = Add(&NtTable, Entry[Services, CreateNamedPipeFileIn, CreateNamedPipeFileOut]{
		Meta: Meta{
			Name:    "NtCreateNamedPipeFile",
			Summary: "creates an instance of a named pipe and opens its server end",
			Source:  "CreateNamedPipe",
			Missing: "operations complete immediately and never wait",
			Conditions: []Condition{
				{ntstatus.InvalidParameter, "O-22",
					"OBJECT_ATTRIBUTES has a wrong Length or unknown attribute bits, or a quota or number of " +
						"instances is out of range"},
				exclusiveInherited(),
				{ntstatus.InvalidHandle, "O-31", "RootDirectory is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "RootDirectory is not a file"},
				{ntstatus.ObjectPathSyntaxBad, "O-23", "the name is absolute below a RootDirectory"},
				{ntstatus.ObjectNameInvalid, "O-23", "the name is not that of a pipe, or RootDirectory is not the device"},
				{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
				{ntstatus.PrivilegeNotHeld, "O-30", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
				{ntstatus.AccessDenied, "I-155", "DesiredAccess is 0"},
				{ntstatus.InstanceNotAvailable, "T-136",
					"CreateDisposition is FILE_CREATE, and the pipe is there with all its instances (Observed)"},
				{ntstatus.AccessDenied, "O-33", "CreateDisposition is FILE_CREATE and the pipe is there"},
				{ntstatus.ObjectNameNotFound, "O-23", "CreateDisposition is FILE_OPEN and there is no such pipe"},
				{ntstatus.InstanceNotAvailable, "I-85", "the pipe has reached the maximum number of instances"},
				{ntstatus.AccessDenied, "T-132", "ShareAccess differs from that of the pipe's first instance"},
				{ntstatus.AccessDenied, "O-33",
					"the existing pipe's descriptor does not permit the caller to add an instance"},
				{ntstatus.InvalidOwner, "S-61", "the descriptor of a new pipe names an owner that the caller must not assign"},
				{ntstatus.PrivilegeNotHeld, "S-71",
					"the descriptor of a new pipe has a SACL, or a label above the caller's, without the privilege for it"},
				{ntstatus.InvalidACL, "S-17", "the SACL for a new pipe has no space for the label that it needs"},
			},
		},
		Call: Services.NtCreateNamedPipeFile,
	})
	rowReadFile = Add(&NtTable, Entry[Services, ReadFileIn, ReadFileOut]{
		Meta: Meta{
			Name:    "NtReadFile",
			Summary: "reads from a file or a pipe",
			Missing: "files of a script have no contents: the read is checked and recorded, and returns no data",
			Conditions: append(append([]Condition{}, handleConditions...),
				Condition{ntstatus.AccessDenied, "O-31", "FileHandle does not grant FILE_READ_DATA"},
				Condition{ntstatus.InvalidParameter, "T-141", "FileHandle is the device of pipes"},
				Condition{ntstatus.PipeEmpty, "I-85", "there is no data yet"},
				Condition{ntstatus.PipeBroken, "I-86", "the other end is closed and everything was read"},
				Condition{ntstatus.PipeListening, "I-85", "no client is connected"},
				Condition{ntstatus.PipeDisconnected, "I-85", "the client was disconnected"},
				Condition{ntstatus.BufferOverflow, "I-85", "the message is longer than the buffer; the next read returns the rest"},
				Condition{ntstatus.InvalidParameter, "F-119", "a handle without a position, and no offset is given"},
				Condition{ntstatus.EndOfFile, "O-31", "a file has no contents"}),
		},
		Call: Services.NtReadFile,
	})
	rowWriteFile = Add(&NtTable, Entry[Services, WriteFileIn, WriteFileOut]{
		Meta: Meta{
			Name:    "NtWriteFile",
			Summary: "writes to a file or a pipe",
			Missing: "files of a script discard written data",
			Conditions: append(
				append(
					[]Condition{{ntstatus.AccessViolation, "O-3", "the buffer is not readable"}},
					handleConditions...),
				Condition{ntstatus.AccessDenied, "O-31", "FileHandle does not grant FILE_WRITE_DATA"},
				Condition{ntstatus.InvalidParameter, "T-141", "FileHandle is the device of pipes"},
				Condition{ntstatus.InvalidParameter, "F-119", "a handle without a position, and no offset is given"},
				Condition{ntstatus.DiskFull, "F-124", "the disk or a quota is full"},
				Condition{ntstatus.FileTooLarge, "F-124", "the file would be larger than the file system allows"},
				Condition{ntstatus.PipeListening, "I-85", "no client is connected"},
				Condition{ntstatus.PipeDisconnected, "I-85", "the client was disconnected"},
				Condition{ntstatus.PipeClosing, "I-86", "the other end is closed"},
				Condition{ntstatus.PipeBusy, "I-85",
					"the pipe's quota is full until the other end reads, and the caller does not wait"},
				Condition{ntstatus.InsufficientResources, "I-141", "too many bytes or operations are pending at this end"},
				Condition{ntstatus.Success, "I-153", "no room, and the end completes operations at once: " +
					"Information counts what fits of bytes, and is 0 for a message"},
			),
		},
		Call: Services.NtWriteFile,
	})
	rowFsControlFile = Add(&NtTable, Entry[Services, FsControlFileIn, FsControlFileOut]{
		Meta: Meta{
			Name:    "NtFsControlFile",
			Summary: "listens on, disconnects or impersonates the client of a pipe",
			Source:  "ConnectNamedPipe; DisconnectNamedPipe; ImpersonateNamedPipeClient; PeekNamedPipe",
			Missing: "only FSCTL_PIPE_LISTEN, _DISCONNECT, _IMPERSONATE, _PEEK, _TRANSCEIVE and _WAIT",
			Conditions: append(
				append([]Condition{}, handleConditions...),
				Condition{ntstatus.InvalidParameter, "T-141", "peek: FileHandle is the device of pipes"},
				Condition{ntstatus.PipeDisconnected, "T-141", "disconnect: FileHandle is the device of pipes"},
				Condition{ntstatus.IllegalFunction, "T-141", "listen, impersonate: FileHandle is the device of pipes"},
				Condition{ntstatus.NotSupported, "I-85", "any other control code"},
				Condition{ntstatus.InvalidParameter, "I-162", "wait: the buffer does not name a pipe"},
				Condition{ntstatus.ObjectNameNotFound, "I-162", "wait: the pipe does not exist, or its last instance was closed"},
				Condition{ntstatus.IOTimeout, "I-162", "wait: no instance listened before the time-out"},
				Condition{ntstatus.InsufficientResources, "I-163", "wait: too many clients wait for the pipe"},
				Condition{ntstatus.AccessDenied, "I-132", "peek: FileHandle does not grant FILE_READ_DATA"},
				Condition{ntstatus.InfoLengthMismatch, "I-132", "peek: the buffer is shorter than the header of 16 bytes"},
				Condition{ntstatus.PipeDisconnected, "I-132", "peek: the server disconnected this client"},
				Condition{ntstatus.PipeBroken, "I-132", "peek: the other end is closed and everything was read"},
				Condition{ntstatus.InvalidPipeState, "I-132", "peek: no client is connected"},
				Condition{ntstatus.BufferOverflow, "I-132", "peek: the message is longer"},
				Condition{ntstatus.IllegalFunction, "I-85", "the handle is the client end of a pipe"},
				Condition{ntstatus.PipeListening, "I-85", "no client is connected yet"},
				Condition{ntstatus.CannotImpersonate, "T-133", "impersonate: no client is connected yet (Observed)"},
				Condition{ntstatus.InvalidPipeState, "I-85", "impersonate: the client was disconnected"},
				Condition{ntstatus.CannotImpersonate, "I-85", "impersonate: nothing has been read from the client"},
				Condition{ntstatus.BadImpersonationLevel, "I-80",
					"impersonate: the client could not supply the level that it permits"},
				Condition{ntstatus.AccessDenied, "I-90", "impersonate: a job's security limits refuse the token"},
			),
		},
		Call: Services.NtFsControlFile,
	})
)

// NtCreateNamedPipeFile creates a listening instance of a pipe and opens its server end.
// Names start with \??\pipe\ or \Device\NamedPipe\, or are relative to a handle of that
// device. An empty relative name creates a pipe without a name. NtOpenFile opens its client
// end by an empty name relative to the server end.
func (t *Thread) NtCreateNamedPipeFile(in CreateNamedPipeFileIn) (winnt.Handle, ntstatus.Status) {
	out, st := call(t, rowCreateNamedPipeFile, in)
	return out.FileHandle, st
}

// NtReadFile reads up to length bytes from a pipe, or from a file of a tree at the handle's position. It never waits:
// an empty pipe gives STATUS_PIPE_EMPTY.
func (t *Thread) NtReadFile(file winnt.Handle, length uint32) ([]byte, ntstatus.Status) {
	in := ReadFileIn{FileHandle: file, Length: length, ByteOffset: winnt.FILE_USE_FILE_POINTER_POSITION}
	out, st := call(t, rowReadFile, in)
	return out.Buffer, st
}

// NtWriteFile writes a buffer, to a file of a tree at the handle's position, and returns how many bytes were written.
// On a message pipe the buffer is one message. STATUS_PIPE_CLOSING means that the other end of a pipe is closed.
func (t *Thread) NtWriteFile(file winnt.Handle, buffer []byte) (int, ntstatus.Status) {
	in := WriteFileIn{FileHandle: file, Buffer: Cap(buffer), ByteOffset: winnt.FILE_USE_FILE_POINTER_POSITION}
	out, st := call(t, rowWriteFile, in)
	return int(out.Information), st
}

// NtFsControlFile sends a control code to the server end of a pipe: winnt.FSCTL_PIPE_LISTEN, FSCTL_PIPE_DISCONNECT or
// FSCTL_PIPE_IMPERSONATE. The client end gives STATUS_ILLEGAL_FUNCTION, an unknown code STATUS_NOT_SUPPORTED.
func (t *Thread) NtFsControlFile(file winnt.Handle, code uint32) ntstatus.Status {
	in := FsControlFileIn{FileHandle: file, FsControlCode: code}
	_, st := call(t, rowFsControlFile, in)
	return st
}
