/*
 * Files: the pipes of this kernel. Operations of a handle without FILE_SYNCHRONOUS_IO_* end
 * later where they have to wait: the status block is written, then the event is signalled,
 * or the file where there is no event, and ApcRoutine is called by the thread that asked.
 */
#ifndef REFMON_NTFILE_H
#define REFMON_NTFILE_H

#include <refmon/ntdef.h>

typedef void (NTAPI *PIO_APC_ROUTINE)(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved);

#define FILE_SUPERSEDE 0
#define FILE_OPEN 1
#define FILE_CREATE 2
#define FILE_OPEN_IF 3
#define FILE_OVERWRITE 4
#define FILE_OVERWRITE_IF 5
#define FILE_OPENED 1
#define FILE_CREATED 2
#define FILE_SHARE_READ 1
#define FILE_SHARE_WRITE 2
#define FILE_SHARE_DELETE 4
#define FILE_SYNCHRONOUS_IO_ALERT 0x00000010u
#define FILE_SYNCHRONOUS_IO_NONALERT 0x00000020u
#define FILE_NON_DIRECTORY_FILE 0x00000040u
#define FILE_DIRECTORY_FILE 0x00000001u
#define FILE_DELETE_ON_CLOSE 0x00001000u
#define FILE_SUPERSEDED 0
#define FILE_OVERWRITTEN 3
#define FILE_ATTRIBUTE_READONLY 0x1u
#define FILE_ATTRIBUTE_HIDDEN 0x2u
#define FILE_ATTRIBUTE_SYSTEM 0x4u
#define FILE_ATTRIBUTE_DIRECTORY 0x10u
#define FILE_ATTRIBUTE_ARCHIVE 0x20u
#define FILE_ATTRIBUTE_NORMAL 0x80u
#define FILE_PIPE_BYTE_STREAM_TYPE 0
#define FILE_PIPE_MESSAGE_TYPE 1
#define FILE_PIPE_REJECT_REMOTE_CLIENTS 2
#define FILE_PIPE_BYTE_STREAM_MODE 0
#define FILE_PIPE_MESSAGE_MODE 1
#define FILE_PIPE_QUEUE_OPERATION 0
#define FILE_PIPE_COMPLETE_OPERATION 1
#define FILE_PIPE_UNLIMITED_INSTANCES 0xFFFFFFFFu
#define FSCTL_PIPE_DISCONNECT 0x00110004u
#define FSCTL_PIPE_LISTEN 0x00110008u
#define FSCTL_PIPE_WAIT 0x00110018u
#define FSCTL_PIPE_IMPERSONATE 0x0011001Cu
#define FSCTL_PIPE_PEEK 0x0011400Cu
#define FSCTL_PIPE_TRANSCEIVE 0x0011C017u
#define FILE_PIPE_DISCONNECTED_STATE 1
#define FILE_PIPE_LISTENING_STATE 2
#define FILE_PIPE_CONNECTED_STATE 3
#define FILE_PIPE_CLOSING_STATE 4
#define FILE_PIPE_INBOUND 0
#define FILE_PIPE_OUTBOUND 1
#define FILE_PIPE_FULL_DUPLEX 2
#define FILE_PIPE_CLIENT_END 0
#define FILE_PIPE_SERVER_END 1
#define FILE_DEVICE_DISK 0x7
#define FILE_DEVICE_NAMED_PIPE 0x11

typedef enum _FILE_INFORMATION_CLASS {
	FileDirectoryInformation = 1,
	FileBasicInformation = 4,
	FileStandardInformation = 5,
	FileInternalInformation = 6,
	FileAccessInformation = 8,
	FileNameInformation = 9,
	FileRenameInformation = 10,
	FileLinkInformation = 11,
	FileNamesInformation = 12,
	FileDispositionInformation = 13,
	FilePositionInformation = 14,
	FileAlignmentInformation = 17,
	FileEndOfFileInformation = 20,
	FilePipeInformation = 23,
	FilePipeLocalInformation = 24,
	FileIoCompletionNotificationInformation = 41
} FILE_INFORMATION_CLASS;
typedef struct _FILE_ACCESS_INFORMATION { ACCESS_MASK AccessFlags; } FILE_ACCESS_INFORMATION;
typedef struct _FILE_NAME_INFORMATION {
	ULONG FileNameLength;
	WCHAR FileName[1];
} FILE_NAME_INFORMATION;
typedef struct _FILE_ALIGNMENT_INFORMATION { ULONG AlignmentRequirement; } FILE_ALIGNMENT_INFORMATION;
typedef struct _FILE_IO_COMPLETION_NOTIFICATION_INFORMATION { ULONG Flags; }
	FILE_IO_COMPLETION_NOTIFICATION_INFORMATION;
typedef enum _FSINFOCLASS {
	FileFsSizeInformation = 3, FileFsDeviceInformation = 4, FileFsFullSizeInformation = 7
} FS_INFORMATION_CLASS;
typedef struct _FILE_PIPE_INFORMATION { ULONG ReadMode, CompletionMode; } FILE_PIPE_INFORMATION;
typedef struct _FILE_PIPE_LOCAL_INFORMATION {
	ULONG NamedPipeType, NamedPipeConfiguration, MaximumInstances, CurrentInstances, InboundQuota, ReadDataAvailable,
		OutboundQuota, WriteQuotaAvailable, NamedPipeState, NamedPipeEnd;
} FILE_PIPE_LOCAL_INFORMATION;
typedef struct _FILE_PIPE_PEEK_BUFFER {
	ULONG NamedPipeState, ReadDataAvailable, NumberOfMessages, MessageLength;
	CHAR Data[1];
} FILE_PIPE_PEEK_BUFFER, *PFILE_PIPE_PEEK_BUFFER;
typedef struct _FILE_PIPE_WAIT_FOR_BUFFER {
	LARGE_INTEGER Timeout;
	ULONG NameLength;
	BOOLEAN TimeoutSpecified;
	WCHAR Name[1];
} FILE_PIPE_WAIT_FOR_BUFFER, *PFILE_PIPE_WAIT_FOR_BUFFER;
/* Of files in trees of a daemon. In a change, a time of 0 or -1 and FileAttributes of 0 stay. */
typedef struct _FILE_BASIC_INFORMATION {
	LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
	ULONG FileAttributes;
} FILE_BASIC_INFORMATION, *PFILE_BASIC_INFORMATION;
typedef struct _FILE_STANDARD_INFORMATION {
	LARGE_INTEGER AllocationSize, EndOfFile;
	ULONG NumberOfLinks;
	BOOLEAN DeletePending, Directory;
} FILE_STANDARD_INFORMATION, *PFILE_STANDARD_INFORMATION;
typedef struct _FILE_INTERNAL_INFORMATION { LARGE_INTEGER IndexNumber; } FILE_INTERNAL_INFORMATION;
typedef struct _FILE_POSITION_INFORMATION { LARGE_INTEGER CurrentByteOffset; } FILE_POSITION_INFORMATION;
typedef struct _FILE_END_OF_FILE_INFORMATION { LARGE_INTEGER EndOfFile; } FILE_END_OF_FILE_INFORMATION;
typedef struct _FILE_DISPOSITION_INFORMATION { BOOLEAN DoDeleteFile; } FILE_DISPOSITION_INFORMATION;
typedef struct _FILE_RENAME_INFORMATION {
	BOOLEAN ReplaceIfExists;
	HANDLE RootDirectory;
	ULONG FileNameLength;
	WCHAR FileName[1];
} FILE_RENAME_INFORMATION, *PFILE_RENAME_INFORMATION, FILE_LINK_INFORMATION, *PFILE_LINK_INFORMATION;
typedef struct _FILE_DIRECTORY_INFORMATION {
	ULONG NextEntryOffset, FileIndex;
	LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
	ULONG FileAttributes, FileNameLength;
	WCHAR FileName[1];
} FILE_DIRECTORY_INFORMATION, *PFILE_DIRECTORY_INFORMATION;
typedef struct _FILE_NAMES_INFORMATION {
	ULONG NextEntryOffset, FileIndex, FileNameLength;
	WCHAR FileName[1];
} FILE_NAMES_INFORMATION, *PFILE_NAMES_INFORMATION;
typedef struct _FILE_FS_SIZE_INFORMATION {
	LARGE_INTEGER TotalAllocationUnits, AvailableAllocationUnits;
	ULONG SectorsPerAllocationUnit, BytesPerSector;
} FILE_FS_SIZE_INFORMATION;
typedef struct _FILE_FS_FULL_SIZE_INFORMATION {
	LARGE_INTEGER TotalAllocationUnits, CallerAvailableAllocationUnits, ActualAvailableAllocationUnits;
	ULONG SectorsPerAllocationUnit, BytesPerSector;
} FILE_FS_FULL_SIZE_INFORMATION;
typedef struct _FILE_FS_DEVICE_INFORMATION { ULONG DeviceType, Characteristics; } FILE_FS_DEVICE_INFORMATION;

REFMON_SERVICE NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions);
/* Makes files in trees of a daemon; elsewhere it opens what is there, with FILE_OPEN or FILE_OPEN_IF. AllocationSize
 * and EaBuffer are not used. */
REFMON_SERVICE NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize,
	ULONG FileAttributes, ULONG ShareAccess, ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength);
REFMON_SERVICE NTSTATUS NTAPI NtCreateNamedPipeFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition,
	ULONG CreateOptions, ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
	ULONG InboundQuota, ULONG OutboundQuota, PLARGE_INTEGER DefaultTimeout);
REFMON_SERVICE NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key);
REFMON_SERVICE NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
	PIO_STATUS_BLOCK IoStatusBlock, LPCVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key);
REFMON_SERVICE NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
	PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer, ULONG InputBufferLength,
	PVOID OutputBuffer, ULONG OutputBufferLength);

REFMON_SERVICE NTSTATUS NTAPI NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
	PVOID FileInformation, ULONG Length, FILE_INFORMATION_CLASS FileInformationClass);
/* Of files in trees: times and attributes, position, size, a new name or link, and deletion. */
REFMON_SERVICE NTSTATUS NTAPI NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
	PVOID FileInformation, ULONG Length, FILE_INFORMATION_CLASS FileInformationClass);
/* Lists a directory of a tree, by FileDirectoryInformation or FileNamesInformation. It never ends later: Event and
 * ApcRoutine are refused. */
REFMON_SERVICE NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
	PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
	FILE_INFORMATION_CLASS FileInformationClass, BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName,
	BOOLEAN RestartScan);
/* Removes the name of a file of a tree. */
REFMON_SERVICE NTSTATUS NTAPI NtDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes);
REFMON_SERVICE NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
	PVOID FsInformation, ULONG Length, FS_INFORMATION_CLASS FsInformationClass);

/* Ends when the other end has read everything; it waits on any handle. */
REFMON_SERVICE NTSTATUS NTAPI NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
/* Cancel what the calling thread, or any thread, has under way on a file, or what a thread waits for in a call;
 * IoRequestToCancel names one operation, NULL all. */
REFMON_SERVICE NTSTATUS NTAPI NtCancelIoFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);
REFMON_SERVICE NTSTATUS NTAPI NtCancelIoFileEx(HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel,
	PIO_STATUS_BLOCK IoStatusBlock);
REFMON_SERVICE NTSTATUS NTAPI NtCancelSynchronousIoFile(HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel,
	PIO_STATUS_BLOCK IoStatusBlock);

/* refmon's own, with REFMON_SOCKET: a descriptor of a file of a tree, as far as refmond hands one out, for read(2)
 * and mmap(2). It is closed on exec, and the caller's to close. STATUS_NOT_SUPPORTED without a socket. */
REFMON_SERVICE NTSTATUS NTAPI refmon_file_descriptor(HANDLE FileHandle, PLONG Descriptor);

#endif
