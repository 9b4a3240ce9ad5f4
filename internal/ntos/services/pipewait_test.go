package services_test

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// waitFor waits at the pipe device for an instance, with a negative time limit in units of 100 ns.
func (p pipeSide) waitFor(device winnt.Handle, name string, limit int64, l *nt.Later) ntstatus.Status {
	units := utf16.Encode([]rune(name))
	b := binary.LittleEndian.AppendUint64(nil, uint64(limit))
	b = append(binary.LittleEndian.AppendUint32(b, uint32(2*len(units))), 2, 0) // any byte but 0 is TRUE
	if limit == 0 {
		b[7], b[12] = 0x80, 0 // without a timeout; the unused field would be one without a limit
	}
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return check.Status(p.client.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: device,
		FsControlCode: winnt.FSCTL_PIPE_WAIT, InputBuffer: nt.Cap(b), Later: l}))
}

// A wait for a pipe ends when an instance listens, at the time limit, when it is cancelled, and when the pipe is
// removed (I-162).
func TestWaitForPipeEndsForEachReason(t *testing.T) {
	p := newPipeSide(t)
	device := p.device(p.client)
	const long = -184_467_440_737_095_517 // above the longest duration; its product wraps to 84 ns
	begin := func(limit int64) *nt.Later {
		t.Helper()
		l := nt.NewWait()
		p.client.Services().RecordWhy(true)
		want(t, "no instance listens", p.waitFor(device, "m", limit, l), ntstatus.Pending)
		check.Equal(t, p.client.Services().TakeWhy().Rule, "", "the rule of a wait that is pending")
		return l
	}
	ended := func(what string, l *nt.Later, wanted ntstatus.Status) {
		t.Helper()
		<-l.Over
		want(t, what, l.Result().Status, wanted)
	}
	want(t, "no such pipe", p.waitFor(device, "m", long, nt.NewWait()), ntstatus.ObjectNameNotFound)
	s := p.made(func(in *nt.CreateNamedPipeFileIn) { in.DefaultTimeout = -10_000 })
	want(t, "one listens", p.waitFor(device, "M", long, nt.NewWait()), ntstatus.Success)
	want(t, "a pipe, not the device", p.waitFor(p.open(both), "m", long, nt.NewWait()), ntstatus.IllegalFunction)
	want(t, "a caller that cannot wait", p.waitFor(device, "m", long, nil), ntstatus.IOTimeout)
	l := &nt.Later{}
	want(t, "no instance listens", p.waitFor(device, "m", long, l), ntstatus.Pending)
	check.That(t, l.Synchronous && l.Cancel(), "I-162: the call does not wait")
	again := begin(long)
	ended("its time has passed", begin(-10_000), ntstatus.IOTimeout)
	ended("the pipe's default has passed", begin(0), ntstatus.IOTimeout)
	made, cancel := begin(long), begin(long)
	check.That(t, cancel.Cancel(), "Cancel() = false, want true for a wait that is not over")
	ended("cancelled", cancel, ntstatus.Cancelled)
	p.must(p.server.NtFsControlFile(s, winnt.FSCTL_PIPE_DISCONNECT))
	want(t, "listen", p.server.NtFsControlFile(s, winnt.FSCTL_PIPE_LISTEN), ntstatus.PipeListening)
	ended("it listens again", again, ntstatus.Success)
	ended("every waiter returns", made, ntstatus.Success)
	p.open(both)
	l = begin(long)
	other := p.made(nil)
	ended("another instance", l, ntstatus.Success)
	p.must(p.server.NtClose(other))
	l = begin(long)
	p.must(p.server.NtClose(s))
	ended("the pipe is gone", l, ntstatus.ObjectNameNotFound)
	for name, wanted := range map[string]ntstatus.Status{"": ntstatus.InvalidParameter,
		"no": ntstatus.ObjectNameNotFound} {
		want(t, name, p.waitFor(device, name, long, nil), wanted)
	}
}

// pipeSide creates pipes of one name and opens them.
type pipeSide struct {
	*testing.T
	server, client *nt.Thread
}

func (p pipeSide) must(st ntstatus.Status) {
	p.Helper()
	check.Success(p, st)
}

// make creates an instance with the parameters that change sets.
func (p pipeSide) make(change func(*nt.CreateNamedPipeFileIn)) (winnt.Handle, ntstatus.Status) {
	in := nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE, NamedPipeType: 1,
		ReadMode: 1, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\m`,
			SecurityDescriptor: everyone.SecurityDescriptor})}
	if change != nil {
		change(&in)
	}
	return p.server.NtCreateNamedPipeFile(in)
}

func (p pipeSide) made(change func(*nt.CreateNamedPipeFileIn)) winnt.Handle {
	p.Helper()
	return check.Result(p.make(change))
}

func (p pipeSide) open(rights winnt.AccessMask) winnt.Handle {
	p.Helper()
	return check.Result(p.client.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: `\??\pipe\m`}, 0, 0))
}

func (p pipeSide) state(th *nt.Thread, h winnt.Handle) uint32 {
	p.Helper()
	i := check.Result(th.NtQueryInformationFile(h, nt.FilePipeLocalInformation))
	return i.(nt.PipeLocalInformation).NamedPipeState
}

func (p pipeSide) device(th *nt.Thread) winnt.Handle {
	p.Helper()
	h := check.Result(th.NtOpenFile(winnt.FILE_READ_ATTRIBUTES|winnt.SYNCHRONIZE,
		&nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\`}, 0, 0))
	return h
}
