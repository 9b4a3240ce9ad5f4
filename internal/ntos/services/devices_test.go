package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A pipe can be created and opened by a name relative to the pipe device. An absolute name, or a root other than the
// device, is refused (I-160).
func TestPipeOpensRelativeToDevice(t *testing.T) {
	p := newPipeSide(t)
	device := p.device(p.server)
	at := func(root winnt.Handle, name string) func(*nt.CreateNamedPipeFileIn) {
		return func(in *nt.CreateNamedPipeFileIn) {
			in.ObjectAttributes.V.RootDirectory, in.ObjectAttributes.V.ObjectName = root, name
		}
	}
	s := p.made(at(device, "m"))
	c := p.open(both)
	p.must(p.client.NtClose(c))
	p.must(p.server.NtFsControlFile(s, winnt.FSCTL_PIPE_DISCONNECT))
	_ = p.server.NtFsControlFile(s, winnt.FSCTL_PIPE_LISTEN)
	theirs := p.device(p.client)
	oa := &nt.ObjectAttributes{RootDirectory: theirs, ObjectName: "M", Attributes: winnt.OBJ_CASE_INSENSITIVE}
	c = check.Result(p.client.NtOpenFile(both, oa, 0, 0))
	info := check.Result(p.client.NtQueryInformationFile(c, nt.FileNameInformation)).(nt.NameInformation)
	check.Equal(t, info.FileName, `\m`, "name of a pipe that was opened in upper case")
	null := check.Result(p.server.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{
		ObjectName: `\Device\Null`}, 0, 0))
	for name, x := range map[string]struct {
		root winnt.Handle
		name string
		want ntstatus.Status
	}{
		"no handle":        {0x4444, "m", ntstatus.InvalidHandle},
		"absolute":         {device, `\m`, ntstatus.ObjectPathSyntaxBad},
		"another device":   {null, "m", ntstatus.ObjectNameInvalid},
		"a pipe":           {s, "m", ntstatus.ObjectNameInvalid},
		"the whole path":   {device, `\??\pipe\m`, ntstatus.ObjectPathSyntaxBad},
		"a thread as root": {winnt.NtCurrentThread, "m", ntstatus.ObjectTypeMismatch},
	} {
		check.Equal(t, check.Status(p.make(at(x.root, x.name))), x.want, "creating a pipe, %s", name)
	}
}
