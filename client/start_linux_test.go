package client

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// exitCode returns a program's exit code, or 128 plus the number of the signal that killed it. It returns 0 if
// another part of this program waited for it (W-77).
func TestExitCodeIncludesSignals(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "exit 255": 255, "kill -9 $$": 137,
		"kill -TERM $$": 143} {
		cmd := exec.Command("/bin/sh", "-c", script)
		_ = cmd.Run() // the state has the result
		check.Equal(t, exitCode(cmd.ProcessState), want, "exitCode after %q", script)
	}
	check.Equal(t, exitCode(nil), 0, "exitCode(nil)")
}

// Start requests a process over the connection. If the daemon refuses it for another account, a client of root
// requests it as that account. If the daemon does not support that, Start returns the first refusal (W-93). A refused
// program is not started, and its command does not change.
func TestStartRequestsProcess(t *testing.T) {
	root := os.Geteuid() == 0
	const held, unknown = ntstatus.PrivilegeNotHeld, ntstatus.NotSupported
	for _, c := range []struct{ first, second, want ntstatus.Status }{
		{ntstatus.InvalidParameter, 0, ntstatus.InvalidParameter}, {unknown, 0, unknown}, {held, unknown, held},
		{held, ntstatus.AccessDenied, ntstatus.AccessDenied}, {held, held, held},
	} {
		s := script(t)
		cmd := exec.Command("/bin/echo", "started")
		var out bytes.Buffer
		cmd.Stdout = &out
		want := c.want
		s.concurrently(func() {
			body := wire.AppendAttach(nil, 8, "echo")
			for i, st := range []ntstatus.Status{c.first, c.second} {
				if i == 1 && (st == 0 || !root) {
					break
				}
				f := s.next([]wire.Kind{wire.Attach, wire.AttachAs}[i])
				check.That(t, f.Thread == 1 && bytes.Equal(f.Body, body),
					"request of thread %d with body % x, want thread 1 with % x", f.Thread, f.Body, body)
				s.tell(f, st, nil)
			}
		}, func() {
			if !root {
				want = c.first
			}
			if p, err := s.Start(8, cmd); p != nil || !errors.Is(err, want.Err()) {
				t.Errorf("daemon returns %v and %v: Start = %v, %v; want nil, %v", c.first, c.second, p, err, want)
			}
		})
		if cmd.Process != nil || out.Len() > 0 || cmd.Env != nil || cmd.ExtraFiles != nil || cmd.SysProcAttr != nil {
			t.Errorf("daemon returns %v and %v: the command changed to %+v", c.first, c.second, cmd)
		}
		s.stands()
	}
}

// attach answers a request for a process's connection, and refuses a thread to look at the process. It returns the
// daemon's end of the connection.
func (s *scripted) attach() net.Conn {
	conn, file, err := wire.Pair("program")
	if err != nil {
		s.Error(err)
		return nil
	}
	defer file.Close()
	f := s.next(wire.Attach)
	body := append([]byte{1}, status(0)...)
	b := wire.AppendFrame(nil, &wire.Frame{Kind: wire.AnswerWith, Request: f.Request, Body: body})
	if _, _, err := s.end.(*net.UnixConn).WriteMsgUnix(b, unix.UnixRights(int(file.Fd())), nil); err != nil {
		s.Error(err)
	}
	s.tell(s.next(wire.NewThread), ntstatus.InsufficientResources, nil)
	return conn
}

// A program finds its connection behind the files that its caller passes. If its process ends first, it is killed
// (W-51, W-77).
func TestStartedProgramHasConnection(t *testing.T) {
	for script, ended := range map[string]bool{`test -S /proc/self/fd/4 && test "$REFMON_SOCKET" = fd:4`: false,
		"exec sleep 60": true} {
		s := scriptSocket(t)
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.ExtraFiles = []*os.File{os.Stdin}
		var conn net.Conn
		s.concurrently(func() {
			if conn = s.attach(); ended && conn != nil {
				_ = conn.Close()
				s.tell(s.next(wire.NewThread), 0, []byte{9, 0, 0, 0, 0, 0, 0, 0})
				s.tell(s.next(wire.EndThread), 0, nil)
			}
		}, func() {
			p, err := s.Start(8, cmd)
			check.NoError(t, err)
			if err := p.Wait(); (err != nil) != ended {
				t.Errorf("%s: Wait = %v, want an error: %t", script, err, ended)
			}
		})
		check.Equal(t, exitCode(cmd.ProcessState), map[bool]int{true: 137}[ended], "exit code of %s", script)
		_ = conn.Close()
	}
}

// known returns the id and the creation time of a process. It queries them by a separate thread, with a handle that
// may terminate the process. Without that right it returns 0 (W-77).
func TestKnownNeedsRightToTerminate(t *testing.T) {
	for _, granted := range []bool{true, false} {
		s := script(t)
		made := append([]byte{9, 0, 0, 0, 1, 0, 0, 0}, 't') // thread 9 and its name
		s.concurrently(func() {
			answer := func(name string, st ntstatus.Status, want, out any) {
				f := s.next(wire.Call)
				r := wire.Rows()[nt.NtTable.Find(name).Info().Number]
				in, err := r.DecodeIn(f.Body[1:])
				if f.Service != s.services[name] || f.Thread != 9 || err != nil || want != nil && in != want {
					t.Errorf("call of service %d by thread %d with %+v, %v; want %s by thread 9 with %+v", f.Service,
						f.Thread, in, err, name, want)
				}
				var rest []byte
				if st == 0 {
					if rest, err = r.AppendOut(nil, out); err != nil {
						t.Error(err)
					}
				}
				s.tell(f, st, rest)
			}
			s.tell(s.next(wire.NewThread), 0, made)
			copied := nt.DuplicateObjectIn{SourceProcessHandle: winnt.NtCurrentProcess, SourceHandle: 8,
				TargetProcessHandle: winnt.NtCurrentProcess,
				DesiredAccess:       winnt.PROCESS_TERMINATE | winnt.PROCESS_QUERY_LIMITED_INFORMATION}
			if granted {
				answer("NtDuplicateObject", 0, copied, nt.DuplicateObjectOut{TargetHandle: 12})
				answer("NtQueryInformationProcess", 0, nil, nt.QueryInformationProcessOut{
					ProcessInformation: nt.ProcessBasic{UniqueProcessID: 0x44}})
				answer("NtQueryInformationProcess", 0, nil, nt.QueryInformationProcessOut{
					ProcessInformation: nt.KernelUserTimes{CreateTime: 99}})
				answer("NtClose", 0, nt.CloseIn{Handle: 12}, nt.CloseOut{})
			} else {
				answer("NtDuplicateObject", ntstatus.AccessDenied, copied, nil)
			}
			if f := s.next(wire.EndThread); f.Thread != 9 {
				t.Errorf("EndThread of thread %d, want 9", f.Thread)
			} else {
				s.tell(f, 0, nil)
			}
		}, func() {
			id, at := s.known(8)
			check.That(t, (!granted || id == 0x44 && at == 99) && (granted || id == 0 && at == 0),
				"right to terminate granted %t: known = %v, %d; want 0x44 and 99, or 0 and 0", granted, id, at)
		})
		s.stands()
	}
}

// A program's process is terminated with its exit code if the process of that id is still the one that was started.
// Its handle is always closed (W-77).
func TestExitTerminatesOnlyItsProcess(t *testing.T) {
	const h, id, made, code = winnt.Handle(0x60), winnt.Handle(0x44), 99, ntstatus.Status(137)
	for name, c := range map[string]struct {
		opens    ntstatus.Status
		id, made int64
		ends     bool
	}{"it runs": {0, 0x44, 99, true}, "another creation time": {0, 0x44, 98, false},
		"another id": {0, 0x48, 99, false}, "it ended": {ntstatus.InvalidCid, 0, 0, false}} {
		t.Run(name, func(t *testing.T) {
			s := script(t)
			p := &Program{conn: s.Conn, id: id, made: made}
			// answer reads a call of the service and answers it. It returns the inputs.
			answer := func(row string, st ntstatus.Status, out any) any {
				f := s.next(wire.Call)
				r := wire.Rows()[nt.NtTable.Find(row).Info().Number]
				check.That(t, f.Service == s.services[row], "call of service %d, want %s", f.Service, row)
				var rest []byte
				if st == ntstatus.Success {
					var err error
					if rest, err = r.AppendOut(nil, out); err != nil {
						t.Error(err)
					}
				}
				s.tell(f, st, rest)
				in, err := r.DecodeIn(f.Body[1:])
				check.That(t, err == nil, "%v", err)
				return in
			}
			s.concurrently(func() {
				in, ok := answer("NtOpenProcess", c.opens, nt.OpenProcessOut{ProcessHandle: h}).(nt.OpenProcessIn)
				check.That(t, ok && in.DesiredAccess == winnt.PROCESS_TERMINATE|winnt.PROCESS_QUERY_LIMITED_INFORMATION &&
					in.ClientID.V != nil && *in.ClientID.V == (nt.ClientID{UniqueProcess: id}),
					"NtOpenProcess with %+v, want the process %v with the rights to terminate and query", in, id)
				if c.opens != ntstatus.Success {
					return
				}
				answer("NtQueryInformationProcess", 0, nt.QueryInformationProcessOut{
					ProcessInformation: nt.ProcessBasic{UniqueProcessID: winnt.Handle(c.id)}})
				answer("NtQueryInformationProcess", 0, nt.QueryInformationProcessOut{
					ProcessInformation: nt.KernelUserTimes{CreateTime: c.made, ExitTime: 5}})
				if c.ends {
					end := answer("NtTerminateProcess", 0, nt.TerminateProcessOut{})
					check.That(t, end == (nt.TerminateProcessIn{ProcessHandle: h, ExitStatus: code}),
						"NtTerminateProcess with %+v, want handle %v and exit status %v", end, h, code)
				}
				if in := answer("NtClose", 0, nt.CloseOut{}); in != (nt.CloseIn{Handle: h}) {
					t.Errorf("NtClose with %+v, want handle %v", in, h)
				}
			}, func() { p.exit(s.first, code) })
			s.stands()
		})
	}
}
