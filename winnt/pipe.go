package winnt

// Control codes of the named pipe file system (ntifs.h).
const (
	FSCTL_PIPE_DISCONNECT  uint32 = 0x00110004
	FSCTL_PIPE_LISTEN      uint32 = 0x00110008
	FSCTL_PIPE_WAIT        uint32 = 0x00110018
	FSCTL_PIPE_TRANSCEIVE  uint32 = 0x0011C017
	FSCTL_PIPE_PEEK        uint32 = 0x0011400C
	FSCTL_PIPE_IMPERSONATE uint32 = 0x0011001C
)

// Types of a named pipe (NtCreateNamedPipeFile).
const (
	FILE_PIPE_BYTE_STREAM_TYPE uint32 = 0
	FILE_PIPE_MESSAGE_TYPE     uint32 = 1
)

// FILE_PIPE_UNLIMITED_INSTANCES as the instance limit of a pipe means no limit.
const FILE_PIPE_UNLIMITED_INSTANCES uint32 = 0xFFFFFFFF

// States and directions of a named pipe (FILE_PIPE_LOCAL_INFORMATION).
const (
	FILE_PIPE_DISCONNECTED_STATE uint32 = 1
	FILE_PIPE_LISTENING_STATE    uint32 = 2
	FILE_PIPE_CONNECTED_STATE    uint32 = 3
	FILE_PIPE_CLOSING_STATE      uint32 = 4

	FILE_PIPE_INBOUND     uint32 = 0
	FILE_PIPE_OUTBOUND    uint32 = 1
	FILE_PIPE_FULL_DUPLEX uint32 = 2
)

// Types of devices (FILE_FS_DEVICE_INFORMATION).
const (
	FILE_DEVICE_DISK       uint32 = 0x7
	FILE_DEVICE_NAMED_PIPE uint32 = 0x11
)

// Dispositions of NtCreateFile that pipes take (ntifs.h).
const (
	FILE_OPEN    uint32 = 1
	FILE_CREATE  uint32 = 2
	FILE_OPEN_IF uint32 = 3
)

// ShareAccess values with which NtCreateNamedPipeFile chooses the directions of a pipe
// (winnt.h).
const (
	FILE_SHARE_READ  uint32 = 1
	FILE_SHARE_WRITE uint32 = 2
)

// CreateOptions of a handle whose operations complete before their calls return
// (ntifs.h).
const (
	FILE_SYNCHRONOUS_IO_ALERT    uint32 = 0x10
	FILE_SYNCHRONOUS_IO_NONALERT uint32 = 0x20
)

// ByteOffset values without an offset: the position of a synchronous handle, and the end of the file (ntifs.h).
const (
	FILE_USE_FILE_POINTER_POSITION uint64 = 0xFFFFFFFFFFFFFFFE
	FILE_WRITE_TO_END_OF_FILE      uint64 = 0xFFFFFFFFFFFFFFFF
)

// FILE_PIPE_COMPLETE_OPERATION is the CompletionMode of an end whose callers do not wait
// (ntifs.h).
const FILE_PIPE_COMPLETE_OPERATION uint32 = 1

// FILE_CREATE_PIPE_INSTANCE is the right to add an instance to a pipe.
const FILE_CREATE_PIPE_INSTANCE AccessMask = 0x0004

// Flags of CreateFile that carry a quality of service (winbase.h).
const (
	SECURITY_SQOS_PRESENT     uint32 = 0x00100000
	SECURITY_CONTEXT_TRACKING uint32 = 0x00040000
	SECURITY_EFFECTIVE_ONLY   uint32 = 0x00080000
)
