package services_test

import (
	"strings"
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
	check.Equal(t, check.Status(p.client.NtOpenFile(both, oa, 0, 0)), ntstatus.Success,
		"opening a pipe relative to the client's device handle")
	for name, x := range map[string]struct {
		root winnt.Handle
		name string
		want ntstatus.Status
	}{
		"no handle":        {0x4444, "m", ntstatus.InvalidHandle},
		"absolute":         {device, `\m`, ntstatus.ObjectPathSyntaxBad},
		"a pipe":           {s, "m", ntstatus.ObjectNameInvalid},
		"the whole path":   {device, `\??\pipe\m`, ntstatus.ObjectPathSyntaxBad},
		"a thread as root": {winnt.NtCurrentThread, "m", ntstatus.ObjectTypeMismatch},
	} {
		check.Equal(t, check.Status(p.make(at(x.root, x.name))), x.want, "creating a pipe, %s", name)
	}
}

// TestUnnamedPipeIsOpenedOnceThroughItsServer checks that an empty name below the device creates an unnamed pipe with
// one instance, and that an empty name below the server's end opens it once (I-161).
func TestUnnamedPipeIsOpenedOnceThroughItsServer(t *testing.T) {
	p := newPipeSide(t)
	device := p.device(p.server)
	unnamed := func(in *nt.CreateNamedPipeFileIn) {
		in.ObjectAttributes.V.RootDirectory, in.ObjectAttributes.V.ObjectName = device, ""
		in.ShareAccess, in.NamedPipeType, in.ReadMode = winnt.FILE_SHARE_WRITE, 0, 0
	}
	s, other := p.made(unnamed), p.made(unnamed)
	below := &nt.ObjectAttributes{RootDirectory: s}
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.GENERIC_READ, below, 0, 0)), ntstatus.AccessDenied,
		"opening the writing end for reading")
	c := check.Result(p.server.NtOpenFile(winnt.GENERIC_WRITE, below, 0, 0))
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.GENERIC_WRITE, below, 0, 0)), ntstatus.PipeNotAvailable,
		"opening a second client")
	if _, st := p.server.NtWriteFile(c, []byte("hello")); st != ntstatus.Success {
		t.Error(st)
	}
	if b, st := p.server.NtReadFile(s, 9); string(b) != "hello" || st != ntstatus.Success {
		t.Errorf(`reading from the pipe = %q, %v, want "hello", %v`, b, st, ntstatus.Success)
	}
	check.Equal(t, p.state(p.server, other), winnt.FILE_PIPE_LISTENING_STATE, "another unnamed pipe has state")
	i, st := p.server.NtQueryInformationFile(s, nt.FileNameInformation)
	if p.must(st); i.(nt.NameInformation).FileName != "" {
		t.Errorf("name of an unnamed pipe = %+v, want an empty one", i)
	}
	p.must(p.server.NtClose(s))
	if _, st := p.server.NtWriteFile(c, []byte("x")); !strings.Contains(st.String(), "PIPE_CLOSING") {
		t.Errorf(`writing after the reader closed: %v, want a status with "PIPE_CLOSING"`, st)
	}
}
