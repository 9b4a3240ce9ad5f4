package kernel

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// After Process.Close the system keeps neither the process nor the children that it created (W-13).
func TestCloseProcessRemovesItsChildren(t *testing.T) {
	s := Boot(Config{})
	tok := check.Must(token.New(token.LocalSystem()))
	o0, h0, r0 := s.Counts()
	for range 3 {
		p := check.Must(s.NewProcess("p", tok))
		th := check.Must(p.NewThread())
		check.Require(t, check.Status(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)),
			ntstatus.Success, "NtOpenProcessToken")
		_, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
		check.Require(t, st, ntstatus.Success, "NtCreateUserProcess")
		th.Close()
		p.Close()
		p.Close() // does nothing
	}
	s.mu.Lock()
	left := len(s.processes) + len(s.modes) + len(s.threads) + len(s.contexts)
	s.mu.Unlock()
	if o, h, r := s.Counts(); o != o0 || h != h0 || r != r0 || left != 0 {
		t.Errorf("after Close of 3 processes: %d objects, %d handles, %d references, %d table entries; want %d, "+
			"%d, %d, 0", o, h, r, left, o0, h0, r0)
	}
	check.NoError(t, s.Close())
}

// A process forgets a child once the child is closed (W-13).
func TestParentForgetsClosedChild(t *testing.T) {
	s := Boot(Config{})
	p, th := worker(t, s)
	for range 3 {
		out := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
		s.Process(out.ClientID.UniqueProcess).Close()
		s.mu.Lock()
		check.That(t, len(p.children) == 0 && len(s.processes) == 1,
			"after Close of a child: the parent lists %d children, and the system %d processes; want 0 and 1",
			len(p.children), len(s.processes))
		s.mu.Unlock()
	}
	check.NoError(t, s.Close())
}

// A child that has ended, by its creator or by itself, is charged no longer than a handle of it is open (W-13).
func TestEndedChildIsChargedNoLonger(t *testing.T) {
	s := Boot(Config{})
	block := NewQuotaBlock(nil, 1<<20, false)
	p := check.Must(s.CreateProcess(ProcessSpec{Name: "p", Quota: block,
		Token: check.Must(token.New(token.LocalSystem()))}))
	th := check.Must(p.NewThread())
	before := int64(0)
	for round, itself := range []bool{false, true, false} {
		out := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
		by, h, first := th, out.ProcessHandle, s.Process(out.ClientID.UniqueProcess).FirstThread()
		if itself {
			by, h = first, winnt.NtCurrentProcess
		}
		check.Equal(t, by.NtTerminateProcess(h, ntstatus.Cancelled), ntstatus.Success, "NtTerminateProcess")
		basic := check.Result(th.NtQueryInformationProcess(out.ProcessHandle, nt.ProcessBasicInformation)).(nt.ProcessBasic)
		check.Equal(t, basic.ExitStatus, ntstatus.Cancelled, "exit status")
		check.Equal(t, check.Status(first.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)),
			ntstatus.BadImpersonationLevel, "NtOpenProcessToken by the thread that ended (I-9)")
		check.That(t, th.NtClose(out.ThreadHandle).IsSuccess() && th.NtClose(out.ProcessHandle).IsSuccess(),
			"NtClose of the child's handles failed")
		if round == 0 {
			before = block.Used() // the handle table of the creator has grown
		}
		check.Equal(t, block.Used(), before, "bytes charged after the end of a child, by itself: %t", itself)
		check.That(t, s.Process(out.ClientID.UniqueProcess) == nil && len(p.children) == 0, "the child is still known")
	}
	check.NoError(t, s.Close())
}

// A child whose creator was closed during NtCreateUserProcess ends, too. A child of the System process goes on (W-13).
func TestChildOfClosedCreatorEnds(t *testing.T) {
	for _, system := range []bool{false, true} {
		s := Boot(Config{})
		p, th := worker(t, s)
		creator := p.p
		if system {
			creator = s.sys.SystemProcess()
		}
		creator.Ref(ob.TagCall)
		child, first, o := creator.NewChild(ps.Child{})
		check.Equal(t, o.Status, ntstatus.Success, "NewChild")
		th.Close()
		p.Close()
		id := child.ID()
		s.run(creator, child, first)
		check.Equal(t, s.Process(id) != nil, system, "the child is known, creator is the System process: %t", system)
		creator.Deref(ob.TagCall)
		check.NoError(t, s.Close())
	}
}

// A process that closes one of its children keeps the others, and closes them when it is closed itself (W-13).
func TestClosedChildLeavesItsSiblings(t *testing.T) {
	s := Boot(Config{})
	p, th := worker(t, s)
	var children [2]*Process
	for i := range children {
		out := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
		children[i] = s.Process(out.ClientID.UniqueProcess)
	}
	children[0].FirstThread().Close()
	children[0].Close()
	check.That(t, s.Process(children[0].ID()) == nil && s.Process(children[1].ID()|3) == children[1],
		"the closed child is known, or its sibling is not")
	th.Close()
	p.Close()
	check.That(t, s.Process(children[1].ID()) == nil, "the second child is known after the Close of its creator")
	check.NoError(t, s.Close())
}

// RevokeFiles reaches a file whose other handles are in the child of a child, but not a file that another process has
// open.
func TestRevokeFilesIncludesGrandchildren(t *testing.T) {
	s := Boot(Config{})
	check.NoError(t, s.AddTree("T", &lone{}))
	p, th := worker(t, s)
	h := check.Result(th.NtOpenFile(winnt.DELETE, &nt.ObjectAttributes{ObjectName: `\??\T\`,
		Attributes: winnt.OBJ_INHERIT}, 7, 0))
	by := th
	for range 2 {
		out := check.Result(by.NtCreateUserProcess(nt.CreateUserProcessIn{
			ProcessFlags: winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES}))
		by = s.Process(out.ClientID.UniqueProcess).FirstThread()
	}
	other, taker := worker(t, s)
	to, st := s.KernelMode(th).ObOpenObjectByPointer(other.p, 0, winnt.PROCESS_DUP_HANDLE, winnt.ProcessObject,
		KernelMode)
	check.Require(t, st, ntstatus.Success, "ObOpenObjectByPointer")
	theirs := check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, h, to, 0, 0, winnt.DUPLICATE_SAME_ACCESS))
	p.RevokeFiles()
	check.Equal(t, s.RenamePosix(th, h, `\??\T\x`, nil, false, false), ntstatus.Success,
		"rename of a file that another process has open, too")
	check.Success(t, taker.NtClose(theirs))
	p.RevokeFiles()
	check.Equal(t, s.RenamePosix(th, h, `\??\T\x`, nil, false, false), ntstatus.AccessDenied,
		"rename after the revocation")
	check.NoError(t, s.Close())
}

// The first thread of a new process calls in user mode: the rights of its token decide.
func TestFirstThreadOfChildCallsInUserMode(t *testing.T) {
	s := Boot(Config{})
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))
	th := check.Must(check.Must(s.NewProcess("p", tok)).NewThread())
	out := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}))
	child := s.Process(out.ClientID.UniqueProcess).FirstThread()
	check.Equal(t, check.Status(child.NtOpenProcess(winnt.PROCESS_TERMINATE, nil, &nt.ClientID{UniqueProcess: 4})),
		ntstatus.AccessDenied, "NtOpenProcess of the System process by the child")
	check.That(t, s.Process(th.Services().(*services.Context).Thread().Process().ID()).FirstThread() == nil,
		"FirstThread of a process that no service created, want nil")
	check.NoError(t, s.Close())
}
