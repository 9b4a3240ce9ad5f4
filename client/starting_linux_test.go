package client

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestExitCodes: how a program ended is one number: its own exit code, 128 and the number of the signal that killed
// it, and 0 where another part of this program waited for it (W-77).
func TestExitCodes(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "exit 255": 255, "kill -9 $$": 137,
		"kill -TERM $$": 143} {
		cmd := exec.Command("/bin/sh", "-c", script)
		_ = cmd.Run() // the state tells
		if got := exitCode(cmd.ProcessState); got != want {
			t.Errorf("%s: %d, want %d", script, got, want)
		}
	}
	if got := exitCode(nil); got != 0 {
		t.Errorf("without a state: %d", got)
	}
}

// TestStartAsks: a program is started in a process by its connection; where that is another account's, a program of
// root's asks for it as that account's, and the first refusal stands where the daemon does not know that (W-93). A
// program that is refused is not started, and gets nothing in its environment.
func TestStartAsks(t *testing.T) {
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
		s.beside(func() {
			body := wire.AppendAttach(nil, 8, "echo")
			for i, st := range []ntstatus.Status{c.first, c.second} {
				if i == 1 && (st == 0 || !root) {
					break
				}
				f := s.next([]wire.Kind{wire.Attach, wire.AttachAs}[i])
				if f.Thread != 1 || !bytes.Equal(f.Body, body) {
					t.Errorf("thread %d asks with % x, want % x", f.Thread, f.Body, body)
				}
				s.tell(f, st, nil)
			}
		}, func() {
			if !root {
				want = c.first
			}
			if p, err := s.Start(8, cmd); p != nil || !errors.Is(err, want.Err()) {
				t.Errorf("%v and %v: %v, %v, want %v", c.first, c.second, p, err, want)
			}
		})
		if cmd.Process != nil || out.Len() > 0 || cmd.Env != nil || cmd.ExtraFiles != nil || cmd.SysProcAttr != nil {
			t.Errorf("%v and %v: the program is %+v", c.first, c.second, cmd)
		}
		s.stands()
	}
}

// TestProcessIsKnown: what names a process later is its id and when it was made, asked on a thread of its own by a
// handle that may end it; where that is not granted nothing is known (W-77).
func TestProcessIsKnown(t *testing.T) {
	for _, granted := range []bool{true, false} {
		s := script(t)
		made := append([]byte{9, 0, 0, 0, 1, 0, 0, 0}, 't') // thread 9 with its name
		s.beside(func() {
			answer := func(name string, st ntstatus.Status, want, out any) {
				f := s.next(wire.Call)
				r := wire.Rows()[nt.NtTable.Find(name).Info().Number]
				in, err := r.DecodeIn(f.Body[1:])
				if f.Service != s.services[name] || f.Thread != 9 || err != nil || want != nil && in != want {
					t.Errorf("service %d of thread %d: %+v, %v, want %s %+v", f.Service, f.Thread, in, err, name, want)
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
				t.Errorf("thread %d ends", f.Thread)
			} else {
				s.tell(f, 0, nil)
			}
		}, func() {
			id, at := s.known(8)
			if granted && (id != 0x44 || at != 99) || !granted && (id != 0 || at != 0) {
				t.Errorf("granted %t: %v, %d", granted, id, at)
			}
		})
		s.stands()
	}
}
