package nt_test

import (
	"encoding/binary"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// Least returns the size of a class's structure, and 0 for an unsupported class.
func TestLeastReturnsStructureSize(t *testing.T) {
	for class, s := range map[interface{ Least() uint32 }]any{
		nt.FileFsSizeInformation: nt.FsSizeInformation{}, nt.FileFsDeviceInformation: nt.FsDeviceInformation{},
		nt.FileFsFullSizeInformation: nt.FsFullSizeInformation{}, nt.FsInfoClass(2): struct{}{},
		nt.FilePipeInformation: nt.PipeInformation{}, nt.FilePipeLocalInformation: nt.PipeLocalInformation{},
		nt.FileAccessInformation: nt.AccessInformation{}, nt.FileAlignmentInformation: nt.AlignmentInformation{},
		nt.FileIoCompletionNotificationInformation: nt.CompletionInformation{}, nt.FileInfoClass(1): struct{}{},
	} {
		check.Equal(t, int(class.Least()), binary.Size(s), "%v", class)
	}
}

// The bytes of a FILE_PIPE_PEEK_BUFFER are its four numbers, in the order of the structure in C, and the data.
func TestPeekBufferHasLayoutOfStructure(t *testing.T) {
	b := nt.PipePeekBuffer{NamedPipeState: 3, ReadDataAvailable: 5, NumberOfMessages: 2, MessageLength: 4,
		Data: []byte("x")}
	check.Equal(t, string(b.Bytes()), "\x03\x00\x00\x00\x05\x00\x00\x00\x02\x00\x00\x00\x04\x00\x00\x00x", "bytes")
}
