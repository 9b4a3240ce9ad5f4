package client

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

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
		s := newScripted(t)
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
				s.reply(f, st, nil)
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
		s.checkAlive()
	}
}

// attach answers a request for a process's connection. It returns the daemon's end of the connection.
func (s *scripted) attach(kind wire.Kind, rest []byte) net.Conn {
	conn, file, err := wire.Pair("program")
	if err != nil {
		s.Error(err)
		return nil
	}
	s.Cleanup(func() { _ = conn.Close() })
	defer file.Close()
	s.replyWithFiles(s.next(kind), ntstatus.Success, rest, file)
	return conn
}

// inThread answers the requests for a thread and for its end. In between the client makes the calls that calls answers.
func (s *scripted) inThread(calls func()) {
	s.reply(s.next(wire.NewThread), ntstatus.Success, []byte{9, 0, 0, 0, 0, 0, 0, 0}) // thread 9 without a name
	calls()
	f := s.next(wire.EndThread)
	check.Equal(s, f.Thread, 9, "thread that the client ends")
	s.reply(f, ntstatus.Success, nil)
}

// answer reads a call of thread 9 with the inputs want, and answers it.
func (s *scripted) answer(name string, want any, st ntstatus.Status, out any) {
	f, r := s.next(wire.Call), row(nt.NtTable.Find(name))
	in, err := r.DecodeIn(f.Body[1:])
	check.That(s, err == nil && f.Service == s.services[name] && f.Thread == 9 && reflect.DeepEqual(in, want),
		"call of service %d by thread %d with %+v, %v; want %s by thread 9 with %+v", f.Service, f.Thread, in, err, name,
		want)
	var rest []byte
	if st == ntstatus.Success {
		rest = check.Must(r.AppendOut(nil, out))
	}
	s.reply(f, st, rest)
}

// identity answers the queries of the id and the creation time of the process with handle h.
func (s *scripted) identity(h, id winnt.Handle, made int64) {
	query := nt.QueryInformationProcessIn{ProcessHandle: h, ProcessInformationClass: nt.ProcessBasicInformation,
		ProcessInformationLength: ^uint32(0)}
	s.answer("NtQueryInformationProcess", query, 0, nt.QueryInformationProcessOut{
		ProcessInformation: nt.ProcessBasic{UniqueProcessID: id}})
	query.ProcessInformationClass = nt.ProcessTimes
	s.answer("NtQueryInformationProcess", query, 0, nt.QueryInformationProcessOut{
		ProcessInformation: nt.KernelUserTimes{CreateTime: made, ExitTime: 5}})
}

// copied returns the inputs of the call that gets a handle with these rights of the process with handle 8.
func copied(rights winnt.AccessMask) nt.DuplicateObjectIn {
	return nt.DuplicateObjectIn{SourceProcessHandle: winnt.NtCurrentProcess, SourceHandle: 8,
		TargetProcessHandle: winnt.NtCurrentProcess, DesiredAccess: rights}
}

// A program finds its connection behind the files that its caller passes. It is killed if its process ends first, but
// not if the daemon ends (W-51, W-77).
func TestStartedProgramHasConnection(t *testing.T) {
	t.Setenv("OF_TEST", "inherited")
	for name, c := range map[string]struct {
		script string
		env    []string
		hangUp func(*scripted, net.Conn) // nil: the program ends first
		code   int
	}{
		"the program ends": {`test -S /proc/self/fd/4 && test "$REFMON_SOCKET$OF_TEST" = fd:4inherited &&
			grep -zqx PWD=/ /proc/$$/environ`, nil, nil, 0}, // as exec.Cmd has it with Dir
		"environment": {`test "$REFMON_SOCKET$OF_TEST" = fd:4own`, []string{"OF_TEST=own"}, nil, 0},
		"the process ends": {"read line", nil, func(s *scripted, conn net.Conn) {
			_ = conn.Close()
			s.inThread(func() {})
		}, 137},
		"the process ends, without room for a thread": {"read line", nil, func(s *scripted, conn net.Conn) {
			_ = conn.Close()
			s.reply(s.next(wire.NewThread), ntstatus.InsufficientResources, nil)
		}, 137},
		"the daemon ends": {"read line; exit 3", nil, func(s *scripted, conn net.Conn) {
			_, _ = s.end.Close(), conn.Close()
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := scriptSocket(t)
			cmd := exec.Command("/bin/sh", "-c", c.script)
			cmd.Dir, cmd.Env, cmd.ExtraFiles = "/", c.env, []*os.File{os.Stdin}
			input := check.Must(cmd.StdinPipe())
			s.concurrently(func() {
				conn := s.attach(wire.Attach, nil)
				s.reply(s.next(wire.NewThread), ntstatus.InsufficientResources, nil)
				if c.hangUp != nil {
					c.hangUp(s, conn)
				} else {
					check.ErrorIs(t, check.Err(conn.Read(make([]byte, 1))), io.EOF, "the connection after Wait")
				}
			}, func() {
				p, err := s.Start(8, cmd)
				check.NoError(t, err)
				if c.hangUp != nil {
					<-p.hungUp
					_ = input.Close()
				}
				if err := p.Wait(); (err != nil) != (c.code != 0) {
					t.Errorf("Wait = %v, want an error: %t", err, c.code != 0)
				}
			})
			check.Equal(t, exitCode(cmd.ProcessState), c.code, "exit code")
		})
	}
}

// The end of a program ends its process with the exit code, if this program may end the process, and if the process of
// its id is still the one that was started. Every handle is closed (W-77).
func TestExitTerminatesOnlyItsProcess(t *testing.T) {
	const own, opened, id, made = winnt.Handle(0x40), winnt.Handle(0x60), winnt.Handle(0x44), 99
	for name, c := range map[string]struct {
		granted, opens ntstatus.Status
		id             winnt.Handle
		made           int64
	}{"it runs": {0, 0, id, made}, "another creation time": {0, 0, id, made - 1}, "another id": {0, 0, id + 4, made},
		"it ended": {0, ntstatus.InvalidCid, 0, 0}, "no right to end it": {ntstatus.AccessDenied, 0, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			s := scriptSocket(t)
			s.concurrently(func() {
				s.attach(wire.Attach, nil)
				s.inThread(func() {
					s.answer("NtDuplicateObject", copied(ending), c.granted, nt.DuplicateObjectOut{TargetHandle: own})
					if c.granted == ntstatus.Success {
						s.identity(own, id, made)
						s.answer("NtClose", nt.CloseIn{Handle: own}, 0, nt.CloseOut{})
					}
				})
				if c.granted != ntstatus.Success {
					return
				}
				s.inThread(func() {
					s.answer("NtOpenProcess", nt.OpenProcessIn{DesiredAccess: ending,
						ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), ClientID: nt.Cap(&nt.ClientID{UniqueProcess: id})},
						c.opens, nt.OpenProcessOut{ProcessHandle: opened})
					if c.opens != ntstatus.Success {
						return
					}
					s.identity(opened, c.id, c.made)
					if c.id == id && c.made == made {
						s.answer("NtTerminateProcess", nt.TerminateProcessIn{ProcessHandle: opened, ExitStatus: 7}, 0,
							nt.TerminateProcessOut{})
					}
					s.answer("NtClose", nt.CloseIn{Handle: opened}, 0, nt.CloseOut{})
				})
			}, func() {
				p := check.Must(s.Start(8, exec.Command("/bin/sh", "-c", "exit 7")))
				check.That(t, p.Wait() != nil, "Wait returns no error, want the exit code")
			})
			s.checkAlive()
		})
	}
}

// The process of a program that cannot be started ends with STATUS_UNSUCCESSFUL, and its connection is closed (W-77).
// A client of root learns only from the daemon's answer which uid the program needs, and the host may not know it
// (W-93).
func TestUnstartedProgramEndsItsProcess(t *testing.T) {
	const opened = winnt.Handle(0x60)
	for name, c := range map[string]struct {
		path    string
		uid     []byte // nil: the daemon does not name one
		granted ntstatus.Status
	}{
		"no such program": {"/not/there", nil, 0}, "no right to end it": {"/not/there", nil, ntstatus.AccessDenied},
		"no such user": {"/bin/true", []byte{0xfe, 0xff, 0xff, 0xee}, 0},
	} {
		if c.uid != nil && os.Geteuid() != 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := scriptSocket(t)
			s.concurrently(func() {
				kind := wire.Attach
				if c.uid != nil {
					s.reply(s.next(kind), ntstatus.PrivilegeNotHeld, nil)
					kind = wire.AttachAs
				}
				conn := s.attach(kind, c.uid)
				s.inThread(func() {
					s.answer("NtDuplicateObject", copied(winnt.PROCESS_TERMINATE), c.granted,
						nt.DuplicateObjectOut{TargetHandle: opened})
					if c.granted == ntstatus.Success {
						s.answer("NtTerminateProcess", nt.TerminateProcessIn{ProcessHandle: opened,
							ExitStatus: ntstatus.Unsuccessful}, 0, nt.TerminateProcessOut{})
						s.answer("NtClose", nt.CloseIn{Handle: opened}, 0, nt.CloseOut{})
					}
				})
				check.ErrorIs(t, check.Err(conn.Read(make([]byte, 1))), io.EOF, "the connection of the program")
			}, func() {
				cmd := &exec.Cmd{Path: c.path}
				p, err := s.Start(8, cmd)
				const of = "program of the process with handle 0x8: "
				check.That(t, p == nil && err != nil && strings.HasPrefix(err.Error(), of) && cmd.Process == nil,
					"Start = %v, %v; want nil and an error that begins with %q", p, err, of)
			})
			s.checkAlive()
		})
	}
}
