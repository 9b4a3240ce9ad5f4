package winnt

// Control codes of the named pipe file system (ntifs.h).
const (
	FSCTL_PIPE_DISCONNECT  uint32 = 0x00110004
	FSCTL_PIPE_LISTEN      uint32 = 0x00110008
	FSCTL_PIPE_IMPERSONATE uint32 = 0x0011001C
)

// Types of a named pipe (NtCreateNamedPipeFile).
const (
	FILE_PIPE_BYTE_STREAM_TYPE uint32 = 0
	FILE_PIPE_MESSAGE_TYPE     uint32 = 1
)

// Dispositions of NtCreateFile that pipes take (ntifs.h).
const (
	FILE_OPEN    uint32 = 1
	FILE_CREATE  uint32 = 2
	FILE_OPEN_IF uint32 = 3
)

// ShareAccess, by which NtCreateNamedPipeFile tells the directions of a pipe (winnt.h).
const (
	FILE_SHARE_READ  uint32 = 1
	FILE_SHARE_WRITE uint32 = 2
)

// FILE_PIPE_COMPLETE_OPERATION is the CompletionMode of an end without waiting callers (ntifs.h).
const FILE_PIPE_COMPLETE_OPERATION uint32 = 1

// FILE_CREATE_PIPE_INSTANCE is the right to add an instance to a pipe.
const FILE_CREATE_PIPE_INSTANCE AccessMask = 0x0004

// Flags of CreateFile that carry a quality of service (winbase.h).
const (
	SECURITY_SQOS_PRESENT     uint32 = 0x00100000
	SECURITY_CONTEXT_TRACKING uint32 = 0x00040000
	SECURITY_EFFECTIVE_ONLY   uint32 = 0x00080000
)
