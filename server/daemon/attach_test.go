package daemon_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// startedEvent names the handle of an event in the environment of TestStartedHelperProcess.
const startedEvent = "REFMON_TEST_STARTED"

// TestStartedHelperProcess is the child program of TestChildProgramRunsWithCreatedToken. It prints its identity and
// sets the inherited event. After the end of its input it prints whether its connection is still open.
func TestStartedHelperProcess(t *testing.T) {
	event, err := strconv.ParseInt(os.Getenv(startedEvent), 10, 64)
	if err != nil {
		t.Skip("TestChildProgramRunsWithCreatedToken runs this")
	}
	c := check.Must(client.Dial(client.Socket()))
	th := c.Thread()
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	user, _ := th.NtQueryInformationToken(h, winnt.TokenUser)
	privileges, _ := th.NtQueryInformationToken(h, winnt.TokenPrivileges)
	_, set := th.NtSetEvent(winnt.Handle(event))
	fmt.Println("process", uint64(c.Process()), st, user.(token.Group).SID, privileges, set)
	check.NoError(t, check.Err(io.Copy(io.Discard, os.Stdin)))
	_, st = th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	fmt.Println("afterwards", st)
}

// started is the program of TestStartedHelperProcess in a process that its parent created.
type started struct {
	*testing.T
	cmd     *exec.Cmd
	in      io.Closer
	out     *bufio.Reader
	process nt.CreateUserProcessOut
	program *client.Program
}

// begin creates a process without the privileges of its creator, which inherits an event, and starts the program in it.
func begin(t *testing.T, c *client.Conn) (*started, winnt.Handle) {
	t.Helper()
	th := c.Thread()
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{Unnamed: true,
		Attributes: winnt.OBJ_INHERIT}, nt.NotificationEvent, false))
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	filtered, st := th.NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE, nil, nil, nil)
	check.Success(t, st)
	s := &started{T: t}
	s.process, st = th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, Token: filtered,
		ProcessFlags: winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES})
	check.Success(t, st)
	s.cmd = exec.Command(os.Args[0], "-test.run=^TestStartedHelperProcess$")
	s.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", startedEvent, event))
	out, err := s.cmd.StdoutPipe()
	check.NoError(t, err)
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if s.program, err = c.Start(s.process.ProcessHandle, s.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s, event
}

// withProgram starts a program for a client of a daemon and waits until it has connected.
func withProgram(t *testing.T) (*running, roles, *client.Conn, *started) {
	t.Helper()
	who := make(roles, 1)
	d := start(t, func(c *daemon.Config) { c.Identity = who })
	c := d.as(who, alice)
	s, _ := begin(t, c)
	s.awaitLine(fmt.Sprintf("process %d STATUS_SUCCESS S-1-5-21-1-2-3-1107 [] STATUS_SUCCESS",
		s.process.ClientID.UniqueProcess))
	return d, who, c, s
}

// awaitLine waits for a line of the program.
func (s *started) awaitLine(want string) {
	s.Helper()
	if line, err := s.out.ReadString('\n'); err != nil || line != want+"\n" {
		s.Fatalf("%q, %v, want %q", line, err, want)
	}
}

// stop lets the program end.
func (s *started) stop() {
	s.Helper()
	_ = s.in.Close()
	s.awaitLine("afterwards STATUS_SUCCESS")
	if _, err := io.Copy(io.Discard, s.out); err != nil {
		s.Error(err)
	}
	check.NoError(s, s.program.Wait())
}

// TestChildProgramRunsWithCreatedToken checks that a child program runs in the process created for it, with its token
// and inherited handles, and that a wait for the process ends with the program (W-51, W-52, O-59, O-148).
func TestChildProgramRunsWithCreatedToken(t *testing.T) {
	who := make(roles, 1)
	d := start(t, func(c *daemon.Config) { c.Identity = who })
	c := d.as(who, administrator)
	s, event := begin(t, c)
	s.awaitLine(fmt.Sprintf("process %d STATUS_SUCCESS S-1-5-21-1-2-3-500 [] STATUS_SUCCESS",
		s.process.ClientID.UniqueProcess))
	check.Equal(t, check.Status(c.Thread().NtWaitForSingleObject(event, false)), ntstatus.Success,
		"the event that the program set")
	shown := slices.ContainsFunc(ask(t, c, inspect.Query{What: "sessions"}).Sessions, func(x inspect.Session) bool {
		return x.Process == uint64(s.process.ClientID.UniqueProcess) && x.Name == filepath.Base(os.Args[0])
	})
	check.That(t, shown, "W-79: the program is not shown by its own name")
	check.Equal(t, check.Status(c.Thread().NtWaitForSingleObject(s.process.ProcessHandle, false)), ntstatus.Timeout,
		"while the program runs")
	s.stop()
	check.Eventually(t, func() bool {
		_, st := c.Thread().NtWaitForSingleObject(s.process.ProcessHandle, false)
		return st == ntstatus.Success
	}, "a wait for the process of the ended program does not succeed")
	if _, err := c.Attach(s.process.ProcessHandle); !errors.Is(err, ntstatus.ProcessIsTerminating.Err()) {
		t.Errorf("a process that has ended: %v", err)
	}
}

// TestStartedProgramOutlivesCreator checks that a started program continues after its creator has ended (W-52).
func TestStartedProgramOutlivesCreator(t *testing.T) {
	d, _, c, s := withProgram(t)
	_ = c.Close()
	check.Eventually(t, func() bool { return d.Stats().Connections == 1 }, "the creator's connection remains")
	s.stop()
}

// TestSecondAttachToProcessIsRejected checks that a program attaches to a process once, only after the process has
// started, and only through a handle with the right to change it (W-52).
func TestSecondAttachToProcessIsRejected(t *testing.T) {
	who := make(roles, 1)
	d := start(t, func(c *daemon.Config) { c.Identity = who; c.Limits.PerUser = 3 })
	c := d.as(who, alice)
	th := c.Thread()
	child := func(flags uint32) nt.CreateUserProcessOut {
		out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: flags})
		check.Success(t, st)
		return out
	}
	refused := func(h winnt.Handle, want ntstatus.Status) {
		t.Helper()
		f, err := c.Attach(h)
		if err == nil {
			_ = f.Close()
		}
		check.That(t, errors.Is(err, want.Err()), "handle %d: %v, want %s", h, err, want)
	}
	suspended, other := child(winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED), child(0)
	weak := check.Result(th.NtDuplicateObject(winnt.NtCurrentProcess, other.ProcessHandle, winnt.NtCurrentProcess,
		winnt.PROCESS_CREATE_THREAD|winnt.PROCESS_VM_OPERATION, 0, 0))
	refused(weak, ntstatus.AccessDenied)
	refused(400, ntstatus.InvalidHandle)
	refused(other.ThreadHandle, ntstatus.ObjectTypeMismatch)
	refused(winnt.NtCurrentProcess, ntstatus.InvalidParameter) // this program's own
	refused(suspended.ProcessHandle, ntstatus.InvalidParameter)
	f := check.Must(c.Attach(other.ProcessHandle))
	refused(other.ProcessHandle, ntstatus.InvalidParameter)
	check.Success(t, check.Status(th.NtResumeThread(suspended.ThreadHandle)))
	more := d.as(who, alice)
	refused(suspended.ProcessHandle, ntstatus.InsufficientResources) // one connection beyond the limit (W-17)
	check.Equal(t, check.Status(th.NtWaitForSingleObject(suspended.ProcessHandle, false)), ntstatus.Success,
		"a process that no program can be put into ends")
	_, _, _ = f.Close(), more.Close(), c.Close()
}

// TestAttachRejectsOtherAccounts checks that a program of this uid cannot attach to a process of another
// account, however privileged the process's creator is (W-53).
func TestAttachRejectsOtherAccounts(t *testing.T) {
	// The system, and an account of the client's own domain.
	for _, user := range []string{"SY", "S-1-5-21-1-2-3-1107"} {
		t.Run(user, func(t *testing.T) { attachAnother(t, user) })
	}
}

func attachAnother(t *testing.T, user string) {
	service := `{"user":"` + user + `","groups":["WD","BA","SY"],"privileges":["SeDebugPrivilege",
		"SeAssignPrimaryTokenPrivilege"]}`
	who := make(roles, 1)
	d := start(t, func(c *daemon.Config) { c.Identity = who })
	client := d.as(who, bob)
	c := d.as(who, service)
	_, err := c.Start(processOf(t, c, client), exec.Command(os.Args[0], "-test.run=^TestStartedHelperProcess$"))
	check.That(t, errors.Is(err, ntstatus.PrivilegeNotHeld.Err()), "a process of another account: %v", err)
	_, _ = client.Close(), c.Close()
}

// TestProcessEndsWithProgramExitCode checks that the process has ended with the program's exit code when
// Wait returns (W-77, O-169), and that it ends with STATUS_UNSUCCESSFUL if there is no such program.
func TestProcessEndsWithProgramExitCode(t *testing.T) {
	who := make(roles, 1)
	d := start(t, func(c *daemon.Config) { c.Identity = who })
	c := d.as(who, alice)
	th := c.Thread()
	for line, want := range map[string]ntstatus.Status{"exit 0": 0, "exit 7": 7, "kill -15 $$": 128 + 15,
		"": ntstatus.Unsuccessful} {
		out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
		check.Success(t, st)
		cmd := exec.Command("/bin/sh", "-c", line)
		if line == "" {
			cmd.Path = "/not/there"
		}
		p, err := c.Start(out.ProcessHandle, cmd)
		if line == "" {
			check.ErrorIs(t, err, fs.ErrNotExist, "a program that is not there")
		} else {
			check.NoError(t, err)
			var exit *exec.ExitError
			if err := p.Wait(); errors.As(err, &exit) == (want == 0) {
				t.Errorf("%s: %v", line, err)
			}
		}
		info, st := th.NtQueryInformationProcess(out.ProcessHandle, nt.ProcessBasicInformation)
		if basic, _ := info.(nt.ProcessBasic); st != ntstatus.Success || basic.ExitStatus != want {
			t.Errorf("%s: %s, ended with %s, want %s", line, st, basic.ExitStatus, want)
		}
	}
}

// TestTerminatedProcessLosesConnection checks that a process that another one terminates loses its connection, even if
// one of its threads waits, and that its program ends. A process that terminates itself receives its reply
// first (W-76, W-77).
func TestTerminatedProcessLosesConnection(t *testing.T) {
	d, who, c, s := withProgram(t)
	other := d.as(who, alice)
	pipe := blockThread(t, other)
	h := check.Result(other.Thread().NtOpenProcess(winnt.PROCESS_TERMINATE, nil,
		&nt.ClientID{UniqueProcess: s.process.ClientID.UniqueProcess}))
	check.Success(t, other.Thread().NtTerminateProcess(h, 9))
	var exit *exec.ExitError
	if err := s.program.Wait(); !errors.As(err, &exit) || exit.Success() {
		t.Errorf("the program of a terminated process: %v, want a failing exit status", err)
	}
	info, st := c.Thread().NtQueryInformationProcess(s.process.ProcessHandle, nt.ProcessBasicInformation)
	if basic, _ := info.(nt.ProcessBasic); st != ntstatus.Success || basic.ExitStatus != 9 {
		t.Errorf("%s, ended with %s, want %s, 9", st, basic.ExitStatus, ntstatus.Success)
	}
	check.Equal(t, other.Thread().NtTerminateProcess(winnt.NtCurrentProcess, 1), ntstatus.Success,
		"a process that ends itself")
	check.That(t, <-pipe != nil, "the thread that waited has a client")
}

// blockThread makes another thread wait for a client of a pipe. The channel receives the result.
func blockThread(t *testing.T, c *client.Conn) <-chan error {
	t.Helper()
	l, err := c.Thread().ListenPipe("hung", nt.PipeConfig{})
	check.NoError(t, err)
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	return accepted
}

// TestAttachedProgramCountsTowardsUserLimit checks that a program attached to a process of the daemon's own program
// counts towards its user's limit (W-17).
func TestAttachedProgramCountsTowardsUserLimit(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.Limits.PerUser = 1 })
	c := d.dial()
	tok := check.Must(token.New(token.LocalSystem()))
	if f, err := d.Attach("one too many", tok); !errors.Is(err, ntstatus.InsufficientResources.Err()) {
		_ = f.Close()
		t.Errorf("a connection beyond the user's limit: %v, want it rejected", err)
	}
	_ = c.Close()
}

// TestAccountRequestUsesTokenOfAttached checks that an attached program's account requests are checked with the token
// of its process, not with that of its starter (W-40).
func TestAccountRequestUsesTokenOfAttached(t *testing.T) {
	who, asked := make(roles, 1), make(chan *token.Token, 1)
	d := start(t, func(c *daemon.Config) {
		c.Identity = who
		c.Administer = func(tok *token.Token, _ []byte) ([]byte, ntstatus.Status) {
			asked <- tok
			return nil, ntstatus.Success
		}
	})
	c := d.as(who, administrator)
	own := check.Result(c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	less := check.Result(c.Thread().NtFilterToken(own, winnt.DISABLE_MAX_PRIVILEGE, nil, nil, nil))
	child := childWith(t, c, less)
	for name, x := range map[string]*client.Conn{"the program": c, "the one that it started": child} {
		check.NoError(t, check.Err(x.Administer([]byte("{}"))))
		if tok := <-asked; tok.Has(winnt.SeDebugPrivilege) != (x == c) {
			t.Errorf("the request of %s has the privileges %v, want SeDebugPrivilege only for the first connection",
				name, tok.Spec().Privileges)
		}
	}
	_, _ = child.Close(), c.Close()
}
