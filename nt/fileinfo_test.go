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
