package kernel_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestLimitOfTheFirst: a pipe has as many instances as its first one allows, whatever the
// others ask for (I-85).
func TestLimitOfTheFirst(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	for i, c := range []struct{ first, other uint32 }{{1, 1}, {1, 5}, {2, 1}, {3, 1}, {3, 3}, {3, 200}} {
		create := func(instances uint32) ntstatus.Status {
			_, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
				CreateDisposition: winnt.FILE_OPEN_IF, MaximumInstances: instances,
				ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\??\pipe\limit%d`, i)})})
			return st
		}
		for n := range c.first {
			asked := c.other
			if n == 0 {
				asked = c.first
			}
			if st := create(asked); st != ntstatus.Success {
				t.Errorf("I-85: %+v, instance %d: %v", c, n+1, st)
			}
		}
		if st := create(c.other); st != ntstatus.InstanceNotAvailable {
			t.Errorf("I-85: %+v, one too many: %v", c, st)
		}
	}
}

// TestEndSentAway: what a client that was sent away does with its end is refused, each
// operation as such (I-134).
func TestEndSentAway(t *testing.T) {
	w := newPendingWorld(t, 100)
	w.connect()
	w.must(w.th.NtFsControlFile(w.server, winnt.FSCTL_PIPE_DISCONNECT))
	read := func(h winnt.Handle) ntstatus.Status { _, st := w.th.NtReadFile(h, 10); return st }
	write := func(h winnt.Handle) ntstatus.Status { _, st := w.th.NtWriteFile(h, []byte("x")); return st }
	peek := func(h winnt.Handle) ntstatus.Status {
		_, st := w.th.CallRow(nt.NtTable.Find("NtFsControlFile"), nt.FsControlFileIn{FileHandle: h,
			FsControlCode: winnt.FSCTL_PIPE_PEEK, OutputBufferLength: 100})
		return st
	}
	for name, f := range map[string]func(winnt.Handle) ntstatus.Status{"read": read, "write": write, "peek": peek,
		"flush": w.th.NtFlushBuffersFile} {
		if st := f(w.client); st != ntstatus.PipeDisconnected {
			t.Errorf("I-134: %s: %v", name, st)
		}
	}
	w.th.NtFsControlFile(w.server, winnt.FSCTL_PIPE_LISTEN)
	old := w.client
	w.connect() // another client has the instance now
	if st := write(w.client); st != ntstatus.Success {
		t.Fatal(st)
	}
	for name, f := range map[string]func(winnt.Handle) ntstatus.Status{"read": read, "write": write, "peek": peek,
		"flush": w.th.NtFlushBuffersFile} {
		if st := f(old); st != ntstatus.PipeDisconnected {
			t.Errorf("I-134: %s beside another client: %v", name, st)
		}
	}
	w.th.NtClose(old)
	if got, st := w.th.NtReadFile(w.server, 10); st != ntstatus.Success || string(got) != "x" {
		t.Errorf("I-134: the other client's message: %q, %v", got, st)
	}
}

// TestWhoIsRestricted: it is the calling process that must not be restricted, not that of
// the thread which is to act anonymously (I-74).
func TestWhoIsRestricted(t *testing.T) {
	plain := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	narrow := plain
	narrow.Restricted = []token.Group{{SID: plain.User.SID, Attributes: token.GroupDefault},
		{SID: sid.Everyone, Attributes: token.GroupDefault}}
	for name, c := range map[string]struct {
		caller, target token.Spec
		want           ntstatus.Status
	}{
		"neither": {plain, plain, ntstatus.Success}, "the target": {plain, narrow, ntstatus.Success},
		"the caller": {narrow, plain, ntstatus.AccessDenied}, "both": {narrow, narrow, ntstatus.AccessDenied},
	} {
		sys, th := userThread(t, c.caller)
		v, err := token.New(c.target)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sys.NewProcess("target", v)
		if err != nil {
			t.Fatal(err)
		}
		other, err := p.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		all := sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)")
		sys.ThreadObject(other).SetSecurity(all)
		x, st := other.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		id := x.(nt.ThreadBasic).ClientID
		h, st := th.NtOpenThread(winnt.THREAD_IMPERSONATE, &nt.ObjectAttributes{}, &id)
		if st != ntstatus.Success {
			t.Fatal(name, st)
		}
		if st := th.NtImpersonateAnonymousToken(h); st != c.want {
			t.Errorf("I-74: %s is restricted: %v, want %v", name, st, c.want)
		}
	}
}

// TestLabelOfATokenStays: whatever part of its descriptor is set, a token keeps its label
// (O-39).
func TestLabelOfATokenStays(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	th.NtAdjustPrivilegesToken(own, false, []nt.LUIDAndAttributes{{LUID: winnt.SeSecurityPrivilege.LUID(),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
	own, st = th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	label := func() string {
		d, st := th.NtQuerySecurityObject(own, winnt.LABEL_SECURITY_INFORMATION)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		text, err := sddl.Format(d, sddl.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Replace(text, "S:AI", "S:", 1) // how it came there is not asked
	}
	before := label()
	for _, info := range []uint32{winnt.SACL_SECURITY_INFORMATION, winnt.LABEL_SECURITY_INFORMATION,
		winnt.SACL_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION} {
		for _, text := range []string{"S:", "S:(AU;SA;GA;;;WD)", "S:(ML;;NW;;;LW)", "S:(AU;SA;GA;;;WD)(ML;;NW;;;LW)"} {
			st := th.NtSetSecurityObject(own, info, sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)"+text))
			if after := label(); after != before {
				t.Errorf("O-39: %s set by %#x: %v, the label is %s, was %s", text, info, st, after, before)
			}
		}
	}
}

// I-135: a control of a pipe tells the same later as at once, and Information counts its bytes.
func TestPeekLater(t *testing.T) {
	w := newPendingWorld(t, 100)
	w.connect()
	w.must(w.write(w.th, w.client, "hello", nil))
	for _, room := range []uint32{16, 18, 100} {
		in := nt.FsControlFileIn{FileHandle: w.server, FsControlCode: winnt.FSCTL_PIPE_PEEK, OutputBufferLength: room}
		at, st := w.th.Services().NtFsControlFile(in)
		var ends atomic.Int32
		var got nt.IOResult
		in.Later = later(&ends, &got)
		out, then := w.th.Services().NtFsControlFile(in)
		want := at.OutputBuffer.Bytes()
		if then != st || ends.Load() != 1 || got.Status != st || string(got.Data) != string(want) ||
			int(got.Information) != len(want) || string(out.OutputBuffer.Bytes()) != string(want) ||
			len(want) != int(min(room, 21)) {
			t.Errorf("room for %d bytes: %v, %+v, %d ends; at once %v, % x", room, then, got, ends.Load(), st, want)
		}
	}
}
