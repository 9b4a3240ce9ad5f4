package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The services that query files and pipes.

// plainFile returns a handle to a file that is not a pipe. It panics if that fails.
func (w *world) plainFile() winnt.Handle {
	w.file("plain", open())
	out, st := w.zw().NtOpenFile(nt.OpenFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: "plain"})})
	check(st, "a plain file")
	return out.FileHandle
}

var _ = define(setup[*nt.QueryInformationFileIn]{
	names: []string{"NtQueryInformationFile", "ZwQueryInformationFile"},
	base: func(w *world) *nt.QueryInformationFileIn {
		server, _ := w.pipe(true)
		return &nt.QueryInformationFileIn{FileHandle: server, Length: 40,
			FileInformationClass: nt.FilePipeLocalInformation}
	},
	refusals: append(fileHandles(func(in *nt.QueryInformationFileIn) *winnt.Handle { return &in.FileHandle },
		winnt.FILE_READ_ATTRIBUTES),
		refusal[*nt.QueryInformationFileIn]{rule: "I-133", want: ntstatus.InvalidInfoClass, name: "another class",
			takes: "class", inject: func(_ *world, in *nt.QueryInformationFileIn) { in.FileInformationClass = 1 }},
		refusal[*nt.QueryInformationFileIn]{rule: "I-133", want: ntstatus.InfoLengthMismatch, name: "length 39",
			takes: "length", inject: func(_ *world, in *nt.QueryInformationFileIn) { in.Length = 39 }},
		refusal[*nt.QueryInformationFileIn]{rule: "O-3", want: ntstatus.AccessViolation,
			name: "FileInformation cannot be written", takes: "pointer", needs: pointers,
			inject: func(_ *world, in *nt.QueryInformationFileIn) {
				in.FaultFileInformation = ntstatus.AccessViolation
			}},
		refusal[*nt.QueryInformationFileIn]{rule: "I-133", want: ntstatus.InvalidParameter, name: "a file that is not a pipe",
			takes: "FileHandle", inject: func(w *world, in *nt.QueryInformationFileIn) { in.FileHandle = w.plainFile() }}),
	absent: []absence{{"F-55", "", "it takes a file of a tree: tests of package hostfs"},
		{"I-151", "", "another class, with little room: transcript 30-devices"},
		{"I-134", "", "what a pipe answers depends on the conversation: transcript 30-pipe-info"}},
})

var _ = define(setup[*nt.QueryVolumeInformationFileIn]{
	names: []string{"NtQueryVolumeInformationFile", "ZwQueryVolumeInformationFile"},
	base: func(w *world) *nt.QueryVolumeInformationFileIn {
		server, _ := w.pipe(true)
		return &nt.QueryVolumeInformationFileIn{FileHandle: server, Length: 8,
			FsInformationClass: nt.FileFsDeviceInformation}
	},
	refusals: append(fileHandles(func(in *nt.QueryVolumeInformationFileIn) *winnt.Handle { return &in.FileHandle }, 0),
		refusal[*nt.QueryVolumeInformationFileIn]{rule: "I-133", want: ntstatus.InvalidInfoClass, name: "another class",
			takes: "class", inject: func(_ *world, in *nt.QueryVolumeInformationFileIn) { in.FsInformationClass = 1 }},
		refusal[*nt.QueryVolumeInformationFileIn]{rule: "I-133", want: ntstatus.InfoLengthMismatch, name: "length 7",
			takes: "length", inject: func(_ *world, in *nt.QueryVolumeInformationFileIn) { in.Length = 7 }},
		refusal[*nt.QueryVolumeInformationFileIn]{rule: "F-128", want: ntstatus.InvalidParameter, name: "the size of a pipe",
			takes: "class", inject: func(_ *world, in *nt.QueryVolumeInformationFileIn) {
				if in.FsInformationClass = nt.FileFsFullSizeInformation; in.Length == 8 {
					in.Length = 32 // unless that is too short already
				}
			}},
		refusal[*nt.QueryVolumeInformationFileIn]{rule: "O-3", want: ntstatus.AccessViolation,
			name: "FsInformation cannot be written", takes: "pointer", needs: pointers,
			inject: func(_ *world, in *nt.QueryVolumeInformationFileIn) {
				in.FaultFsInformation = ntstatus.AccessViolation
			}}),
})
