package nt

import (
	"encoding/binary"
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// FileInfoClass is FILE_INFORMATION_CLASS.
type FileInfoClass uint32

// Classes of NtQueryInformationFile that pipes support.
const (
	FilePipeInformation      FileInfoClass = 23
	FilePipeLocalInformation FileInfoClass = 24
)

// String returns the documented name.
func (c FileInfoClass) String() string {
	if name := fileFactNames[c]; name != "" {
		return name
	}
	return "FILE_INFORMATION_CLASS(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// FsInfoClass is FS_INFORMATION_CLASS.
type FsInfoClass uint32

// Supported classes of NtQueryVolumeInformationFile. The sizes are those of the volume
// of a tree.
const (
	FileFsSizeInformation     FsInfoClass = 3
	FileFsDeviceInformation   FsInfoClass = 4
	FileFsFullSizeInformation FsInfoClass = 7
)

// String returns the documented name, and FS_INFORMATION_CLASS(number) for another class.
func (c FsInfoClass) String() string {
	switch c {
	case FileFsSizeInformation:
		return "FileFsSizeInformation"
	case FileFsDeviceInformation:
		return "FileFsDeviceInformation"
	case FileFsFullSizeInformation:
		return "FileFsFullSizeInformation"
	}
	return "FS_INFORMATION_CLASS(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// Least returns the minimum size of a class's structure in bytes. It returns 0 for an
// unsupported class.
func (c FsInfoClass) Least() uint32 {
	switch c {
	case FileFsSizeInformation:
		return 24
	case FileFsDeviceInformation:
		return 8
	case FileFsFullSizeInformation:
		return 32
	}
	return 0
}

// PipeInformation is FILE_PIPE_INFORMATION, 8 bytes in C.
type PipeInformation struct {
	ReadMode       uint32 // 1 where the pipe keeps messages, which are read one by one
	CompletionMode uint32 // 0: operations wait
}

// PipeLocalInformation is FILE_PIPE_LOCAL_INFORMATION, 40 bytes in C: the
// fields in this order, each of 4 bytes.
type PipeLocalInformation struct {
	NamedPipeType          uint32 // 0 bytes, 1 messages
	NamedPipeConfiguration uint32 // FILE_PIPE_INBOUND, FILE_PIPE_OUTBOUND, FILE_PIPE_FULL_DUPLEX
	MaximumInstances       uint32 // 0xFFFFFFFF: as many as there may be
	CurrentInstances       uint32
	InboundQuota           uint32 // bytes, as requested for the first instance
	ReadDataAvailable      uint32 // bytes
	OutboundQuota          uint32 // bytes, as requested for the first instance
	WriteQuotaAvailable    uint32 // bytes
	NamedPipeState         uint32 // FILE_PIPE_CONNECTED_STATE and relatives
	NamedPipeEnd           uint32 // 0 the client's, 1 the server's
}

// FsDeviceInformation is FILE_FS_DEVICE_INFORMATION, 8 bytes in C.
type FsDeviceInformation struct {
	DeviceType      uint32 // FILE_DEVICE_NAMED_PIPE, FILE_DEVICE_DISK
	Characteristics uint32
}

// FsSizeInformation is FILE_FS_SIZE_INFORMATION, 24 bytes in C.
type FsSizeInformation struct {
	TotalAllocationUnits     int64
	AvailableAllocationUnits int64 // to users
	SectorsPerAllocationUnit uint32
	BytesPerSector           uint32
}

// FsFullSizeInformation is FILE_FS_FULL_SIZE_INFORMATION, 32 bytes in C.
type FsFullSizeInformation struct {
	TotalAllocationUnits           int64
	CallerAvailableAllocationUnits int64 // to users
	ActualAvailableAllocationUnits int64 // including the space reserved for root
	SectorsPerAllocationUnit       uint32
	BytesPerSector                 uint32
}

// PipePeekBuffer is FILE_PIPE_PEEK_BUFFER, 16 bytes in C and the data.
type PipePeekBuffer struct {
	NamedPipeState    uint32 // FILE_PIPE_CONNECTED_STATE and relatives
	ReadDataAvailable uint32 // bytes, of all messages
	NumberOfMessages  uint32 // 0 where the pipe keeps none
	MessageLength     uint32 // bytes of the first message; 0 where the pipe keeps none
	Data              []byte // of the first message, as far as there is room
}

// Bytes returns the structure in the layout of C. It returns no bytes for nil.
func (b *PipePeekBuffer) Bytes() (out []byte) {
	if b == nil {
		return nil
	}
	for _, n := range [...]uint32{b.NamedPipeState, b.ReadDataAvailable, b.NumberOfMessages, b.MessageLength} {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	return append(out, b.Data...)
}

// Parameters of the services that query files. FileInformation holds [PipeInformation], [PipeLocalInformation],
// [AccessInformation], [NameInformation], [AlignmentInformation], [CompletionInformation], [FileBasic],
// [FileStandard], [FileInternal] or [FilePosition], and FsInformation [FsDeviceInformation], [FsSizeInformation] or
// [FsFullSizeInformation], by class. Length is in bytes and may be larger than the structure.
type (
	QueryInformationFileIn struct {
		FileHandle           winnt.Handle
		Length               uint32 `default:"4294967295"`
		FileInformationClass FileInfoClass
		// FaultFileInformation is the status of probing the buffers.
		FaultFileInformation ntstatus.Status `param:"-"`
	}
	QueryInformationFileOut struct{ FileInformation any }

	QueryVolumeInformationFileIn struct {
		FileHandle         winnt.Handle
		Length             uint32 `default:"4294967295"`
		FsInformationClass FsInfoClass
		// FaultFsInformation is the status of probing the buffers.
		FaultFsInformation ntstatus.Status `param:"-"`
	}
	QueryVolumeInformationFileOut struct{ FsInformation any }
)

// fits reports whether a class of information exists and a buffer of length bytes has room for it. least is the size of
// its structure, 0 for an unknown class.
func fits(least, length uint32) bool { return least != 0 && length >= least }

var (
	rowQueryInformationFile = Add(&NtTable, Entry[Services, QueryInformationFileIn, QueryInformationFileOut]{
		Meta: Meta{
			Name:    "NtQueryInformationFile",
			Summary: "returns information about a file or a pipe",
			Missing: "only FilePipeInformation, FilePipeLocalInformation, FileAccessInformation, FileNameInformation, " +
				"FileAlignmentInformation, FileIoCompletionNotificationInformation and FileStandardInformation; of files " +
				"in trees also FileBasicInformation, FileInternalInformation and FilePositionInformation",
			Conditions: append(append([]Condition{
				{ntstatus.InvalidInfoClass, "I-133", "any other information class"},
				{ntstatus.InfoLengthMismatch, "I-133", "the length is below the size of the structure"},
				{ntstatus.AccessViolation, "O-3", "a pointer is not writable"},
			}, handleConditions...),
				Condition{ntstatus.AccessDenied, "O-31", "FileHandle does not grant FILE_READ_ATTRIBUTES (classes of pipes)"},
				Condition{ntstatus.AccessDenied, "F-55", "FileHandle does not grant FILE_READ_ATTRIBUTES (FileBasicInformation)"},
				Condition{ntstatus.InvalidParameter, "I-133", "the file is not a pipe, or it is a device without names below it"},
				Condition{ntstatus.PipeDisconnected, "I-134", "FileHandle is the end of a client that the server disconnected"},
				Condition{ntstatus.BufferOverflow, "I-151", "the buffer is too small for the name and contains its first part"}),
		},
		Call: Services.NtQueryInformationFile,
		Scalars: byValue(func(in QueryInformationFileIn) bool {
			return fits(in.FileInformationClass.Least(), in.Length)
		}),
	})
	rowQueryVolumeInformationFile = Add(&NtTable,
		Entry[Services, QueryVolumeInformationFileIn, QueryVolumeInformationFileOut]{
			Meta: Meta{
				Name:    "NtQueryVolumeInformationFile",
				Summary: "returns information about the volume of a file or a pipe",
				Missing: "only FileFsDeviceInformation; of files in trees also FileFsSizeInformation and " +
					"FileFsFullSizeInformation",
				Conditions: append([]Condition{
					{ntstatus.InvalidInfoClass, "I-133", "any other information class"},
					{ntstatus.InfoLengthMismatch, "I-133", "the length is below the size of the structure"},
					{ntstatus.AccessViolation, "O-3", "a pointer is not writable"},
				}, append(handleConditions,
					Condition{ntstatus.InvalidParameter, "F-128", "the file is not in a tree and has no size"})...),
			},
			Call: Services.NtQueryVolumeInformationFile,
			Scalars: byValue(func(in QueryVolumeInformationFileIn) bool {
				return fits(in.FsInformationClass.Least(), in.Length)
			}),
		})
)

// NtQueryInformationFile returns information about a file, in the structure of the class. FileBasicInformation and the
// two classes of pipes need FILE_READ_ATTRIBUTES. An unknown class gives STATUS_INVALID_INFO_CLASS.
func (t *Thread) NtQueryInformationFile(file winnt.Handle, class FileInfoClass) (any, ntstatus.Status) {
	in := QueryInformationFileIn{FileHandle: file, Length: ^uint32(0), FileInformationClass: class}
	out, st := call(t, rowQueryInformationFile, in)
	return out.FileInformation, st
}

// NtQueryVolumeInformationFile returns information about the volume or device of a
// file, in the structure of the class. It needs no right.
func (t *Thread) NtQueryVolumeInformationFile(file winnt.Handle, class FsInfoClass) (any, ntstatus.Status) {
	in := QueryVolumeInformationFileIn{FileHandle: file, Length: ^uint32(0), FsInformationClass: class}
	out, st := call(t, rowQueryVolumeInformationFile, in)
	return out.FsInformation, st
}
