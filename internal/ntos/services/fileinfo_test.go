package services_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Each information class of a tree's file returns its data, requires its right on the handle, and requires its length
// (F-55, F-119, I-133, I-151).
func TestFileInformationNeedsRightAndLength(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	basic := nt.FileBasic{CreationTime: 1, LastAccessTime: 2, LastWriteTime: 3, ChangeTime: 4,
		FileAttributes: fileaccess.AttributeArchive}
	for i, facts := range []nt.FileFacts{
		{FileBasic: basic, AllocationSize: 5, EndOfFile: 6, Links: 7, DeletePending: true, FileID: 8},
		{FileBasic: basic, AllocationSize: 15, EndOfFile: 16, Links: 17, Directory: true, NotEmpty: true, FileID: 18},
	} {
		w.tree.facts = facts
		for class, c := range map[nt.FileInfoClass]struct {
			want any
			need winnt.AccessMask // 0: any handle will do
			room uint32
		}{
			nt.FileBasicInformation: {basic, winnt.FILE_READ_ATTRIBUTES, 40},
			nt.FileStandardInformation: {nt.FileStandard{AllocationSize: facts.AllocationSize,
				EndOfFile: facts.EndOfFile, NumberOfLinks: facts.Links, DeletePending: facts.DeletePending,
				Directory: facts.Directory}, 0, 24},
			nt.FileInternalInformation: {nt.FileInternal{IndexNumber: facts.FileID}, 0, 8},
			nt.FilePositionInformation: {nt.FilePosition{}, 0, 8},
			nt.FileNameInformation: {nt.NameInformation{FileNameLength: 18, FileName: `\dir\file`},
				0, 22},
			nt.FileAlignmentInformation:                {nt.AlignmentInformation{}, 0, 4},
			nt.FileIoCompletionNotificationInformation: {nt.CompletionInformation{}, 0, 4},
		} {
			for _, rights := range []winnt.AccessMask{winnt.FILE_READ_ATTRIBUTES, winnt.FILE_READ_DATA,
				winnt.FILE_ALL_ACCESS &^ winnt.FILE_READ_ATTRIBUTES} {
				h := w.open(`\??\T\dir\file`, rights, 0)
				for _, by := range []*nt.Thread{w.Thread, w.in} {
					wanted, value := ntstatus.Success, c.want
					if c.need&^rights != 0 {
						wanted, value = ntstatus.AccessDenied, nil
					}
					out, st := by.Services().NtQueryInformationFile(nt.QueryInformationFileIn{FileHandle: h,
						FileInformationClass: class, Length: c.room})
					check.That(t, st == wanted && out.FileInformation == value,
						"file %d, class %v, handle with %#x: %+v, %v, want %+v, %v", i, class, uint32(rights),
						out.FileInformation, st, value, wanted)
				}
				if class != nt.FileNameInformation {
					_, st := w.Services().NtQueryInformationFile(nt.QueryInformationFileIn{FileHandle: h,
						FileInformationClass: class, Length: c.room - 1})
					want(t, class.String()+" without room", st, ntstatus.InfoLengthMismatch)
				}
				check.Success(t, w.NtClose(h))
			}
		}
	}
}

// A name longer than the buffer is cut, and the reply has its full length (I-151). A device has no name (I-133).
func TestFileNameIsCutToBuffer(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	file := w.open(`\??\T\dir\file`, winnt.FILE_READ_DATA, 0)
	device := w.open(`\Device\Null`, winnt.FILE_READ_DATA, 0)
	for _, c := range []struct {
		h      winnt.Handle
		length uint32
		want   any
		st     ntstatus.Status
	}{
		{file, 22, nt.NameInformation{FileNameLength: 18, FileName: `\dir\file`}, ntstatus.Success},
		{file, 21, nt.NameInformation{FileNameLength: 18, FileName: `\dir\fil`}, ntstatus.BufferOverflow},
		{file, 8, nt.NameInformation{FileNameLength: 18, FileName: `\d`}, ntstatus.BufferOverflow},
		{device, 100, nil, ntstatus.InvalidParameter},
	} {
		out, st := w.Services().NtQueryInformationFile(nt.QueryInformationFileIn{FileHandle: c.h,
			FileInformationClass: nt.FileNameInformation, Length: c.length})
		check.That(t, st == c.st && out.FileInformation == c.want, "name with %d bytes: %v, %+v, want %v, %+v",
			c.length, st, out.FileInformation, c.st, c.want)
	}
}

// TestPipeModesAreSetPerEnd checks that FilePipeInformation changes the read and completion modes of one end only,
// through a handle with FILE_WRITE_ATTRIBUTES (I-158).
func TestPipeModesAreSetPerEnd(t *testing.T) {
	p := newPipeSide(t)
	s, c := p.made(nil), p.open(both)
	reader := p.made(func(in *nt.CreateNamedPipeFileIn) { in.DesiredAccess = winnt.GENERIC_READ })
	set := func(h winnt.Handle, read, completion uint32, want ntstatus.Status) {
		t.Helper()
		i := nt.PipeInformation{ReadMode: read, CompletionMode: completion}
		check.Equal(t, p.server.NtSetInformationFile(h, nt.FilePipeInformation, i), want, "setting %+v", i)
		if got, _ := p.server.NtQueryInformationFile(h, nt.FilePipeInformation); want == ntstatus.Success && got != i {
			t.Errorf("query after setting %+v = %+v, want the values that were set", i, got)
		}
	}
	for _, i := range []nt.PipeInformation{{CompletionMode: 1}, {ReadMode: 1}} {
		h := p.made(func(in *nt.CreateNamedPipeFileIn) {
			in.ReadMode, in.CompletionMode = i.ReadMode, i.CompletionMode
		})
		got := check.Result(p.server.NtQueryInformationFile(h, nt.FilePipeInformation))
		check.Equal(t, got, any(i), "modes of a new end")
	}
	set(s, 0, 1, ntstatus.Success)
	i, _ := p.client.NtQueryInformationFile(c, nt.FilePipeInformation)
	check.That(t, i == (nt.PipeInformation{}), "modes of the other end = %+v, want both 0", i)
	set(s, 1, 0, ntstatus.Success)
	set(s, 2, 0, ntstatus.InvalidParameter)
	set(s, 0, 2, ntstatus.InvalidParameter)
	set(reader, 0, 0, ntstatus.AccessDenied)
	st := p.server.NtSetInformationFile(s, nt.FilePipeInformation, nt.FilePosition{})
	check.Equal(t, st, ntstatus.InfoLengthMismatch, "setting pipe information with the structure of another class")
	p.must(p.server.NtFsControlFile(s, winnt.FSCTL_PIPE_DISCONNECT))
	st = p.client.NtSetInformationFile(c, nt.FilePipeInformation, nt.PipeInformation{})
	check.Equal(t, st, ntstatus.PipeDisconnected, "setting the modes of a disconnected client")
	for _, class := range []nt.FileInfoClass{nt.FilePipeInformation, nt.FilePipeLocalInformation,
		nt.FileStandardInformation, nt.FileNameInformation} {
		st = check.Status(p.client.NtQueryInformationFile(c, class))
		check.Equal(t, st, ntstatus.PipeDisconnected, "query of class %v of a disconnected client", class)
	}
}

// TestPipeSizeIsReadableBytes checks that a pipe's allocation size is the sum of its quotas, that its end of file
// is the number of readable bytes, and that it is deleted with its last handle (I-159).
func TestPipeSizeIsReadableBytes(t *testing.T) {
	p := newPipeSide(t)
	s := p.made(func(in *nt.CreateNamedPipeFileIn) { in.InboundQuota, in.OutboundQuota = 100, 20 })
	c := p.open(both)
	p.must(check.Status(p.client.NtWriteFile(c, []byte("hello"))))
	for _, x := range []struct {
		th  *nt.Thread
		h   winnt.Handle
		end int64
	}{{p.server, s, 5}, {p.client, c, 0}} {
		i, st := x.th.NtQueryInformationFile(x.h, nt.FileStandardInformation)
		want := nt.FileStandard{AllocationSize: 120, EndOfFile: x.end, NumberOfLinks: 1, DeletePending: true}
		check.That(t, st == ntstatus.Success && i == want,
			"FileStandardInformation of a pipe = %v, %+v, want %+v", st, i, want)
	}
	device := check.Result(p.client.NtOpenFile(winnt.FILE_READ_ATTRIBUTES,
		&nt.ObjectAttributes{ObjectName: `\Device\NamedPipe`}, 0, 0))
	_, st := p.client.NtQueryInformationFile(device, nt.FileStandardInformation)
	check.Equal(t, st, ntstatus.InvalidInfoClass, "FileStandardInformation of the pipe device")
}

// TestQueryVolumeErrorsAndResults checks the order of the errors of I-133, the minimum length of each class, and the
// volume of a tree's file, of a file below \Files and of a pipe (F-128).
func TestQueryVolumeErrorsAndResults(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	h := w.open(`\??\T\f`, winnt.FILE_READ_DATA, 0)
	call := func(in nt.QueryVolumeInformationFileIn) (any, ntstatus.Status) {
		out, st := w.Services().NtQueryVolumeInformationFile(in)
		return out.FsInformation, st
	}
	w.tree.size = nt.FsFullSizeInformation{TotalAllocationUnits: 1 << 40, CallerAvailableAllocationUnits: 1 << 33,
		ActualAvailableAllocationUnits: 1 << 36, SectorsPerAllocationUnit: 8, BytesPerSector: 512}
	for class, c := range map[nt.FsInfoClass]struct {
		size uint32
		want any
	}{
		// A class with one free size has the space for ordinary users, without root's reserve.
		nt.FileFsSizeInformation: {24, nt.FsSizeInformation{TotalAllocationUnits: 1 << 40,
			AvailableAllocationUnits: 1 << 33, SectorsPerAllocationUnit: 8, BytesPerSector: 512}},
		nt.FileFsDeviceInformation:   {8, nt.FsDeviceInformation{DeviceType: winnt.FILE_DEVICE_DISK}},
		nt.FileFsFullSizeInformation: {32, w.tree.size},
	} {
		in := nt.QueryVolumeInformationFileIn{FileHandle: h, Length: c.size, FsInformationClass: class}
		checkOrder(t, "NtQueryVolumeInformationFile", in, func(in nt.QueryVolumeInformationFileIn) ntstatus.Status {
			v, st := call(in)
			check.That(t, st == ntstatus.Success && v == c.want || st != ntstatus.Success && v == nil,
				"NtQueryVolumeInformationFile = %v with output %+v, want %+v on success and nothing otherwise", st, v,
				c.want)
			return st
		}, []rung[nt.QueryVolumeInformationFileIn]{
			{"the class", ntstatus.InvalidInfoClass, func(in *nt.QueryVolumeInformationFileIn) { in.FsInformationClass = 1 }},
			{"the length", ntstatus.InfoLengthMismatch, func(in *nt.QueryVolumeInformationFileIn) { in.Length-- }},
			{"a pointer", unread(1), func(in *nt.QueryVolumeInformationFileIn) { in.FaultFsInformation = unread(1) }},
			{"the handle", ntstatus.InvalidHandle, func(in *nt.QueryVolumeInformationFileIn) { in.FileHandle = 0x7770 }},
		})
		in.FileHandle = winnt.NtCurrentProcess
		want(t, "O-31: no file", check.Status(call(in)), ntstatus.ObjectTypeMismatch)
	}
	check.NoError(t, w.sys.CreateFile("f", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	plain := check.Result(w.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\Files\f`}, 7, 0))
	pipe := check.Result(w.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\q`))}))
	for h, device := range map[winnt.Handle]uint32{h: 7, plain: 7, pipe: 0x11} { // FILE_DEVICE_DISK, _NAMED_PIPE
		v, st := call(nt.QueryVolumeInformationFileIn{FileHandle: h, Length: 8,
			FsInformationClass: nt.FileFsDeviceInformation})
		check.That(t, st == ntstatus.Success && v == (nt.FsDeviceInformation{DeviceType: device}),
			"I-133: device information = %+v, %v, want device type %#x", v, st, device)
	}
	for _, h := range []winnt.Handle{plain, pipe} {
		for _, class := range []nt.FsInfoClass{nt.FileFsSizeInformation, nt.FileFsFullSizeInformation} {
			_, st := call(nt.QueryVolumeInformationFileIn{FileHandle: h, Length: 32, FsInformationClass: class})
			want(t, "F-128: sizes of a file in no tree", st, ntstatus.InvalidParameter)
		}
	}
}
