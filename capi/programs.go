//go:build cgo && linux

package main

/*
#define _GNU_SOURCE
#include <unistd.h>
*/
import "C"

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// program is a program that CreateProcess starts in a process of the daemon.
type program struct {
	cmd     *exec.Cmd
	process winnt.Handle // its own handle of the process, for a program in programs
	thread  winnt.Handle // id of the first one
}

// programs maps process ids to the programs that start when their first threads are resumed. Whoever deletes a
// program from it closes its handle.
var programs sync.Map

// programAt reads the program to start: application name, command line, folder and environment. Without an
// application name, PATH is searched for the first word of the command line. Unless environment is true, the program
// gets this process's environment. A missing program, a directory and an empty command line without an application
// are STATUS_OBJECT_NAME_NOT_FOUND. A folder that does not exist is STATUS_NOT_A_DIRECTORY.
func (c *call) programAt(at user, size uint32, environment bool) (*program, ntstatus.Status) {
	b, st := c.Block(at, int(size), 1)
	if st != ntstatus.Success {
		return nil, st
	}
	texts := strings.Split(string(b), "\x00")
	application, line, folder, env := texts[0], texts[1], texts[2], texts[3:len(texts)-1]
	args := win32.Arguments(line)
	if application == "" && len(args) == 0 {
		return nil, ntstatus.ObjectNameNotFound // the command line has blanks only
	}
	if application == "" {
		// Search PATH for the first word of the command line, not for an application name (O-166).
		if application = search(args[0]); application == "" {
			return nil, ntstatus.ObjectNameNotFound
		}
	} else if len(args) == 0 {
		args = []string{application}
	}
	// A relative name belongs to the folder of this program, not to that of the new one (O-166).
	application, err := filepath.Abs(application)
	if info, lost := os.Stat(application); err != nil || lost != nil || info.IsDir() {
		return nil, ntstatus.ObjectNameNotFound
	}
	if info, err := os.Stat(folder); folder != "" && (err != nil || !info.IsDir()) {
		return nil, ntstatus.NotADirectory // the program could not start in this folder (O-166)
	}
	if !environment {
		env = environ()
	}
	return &program{cmd: &exec.Cmd{Path: application, Args: args, Dir: folder, Env: env,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}}, ntstatus.Success
}

// search returns the file of a program: a name with a slash itself, and any other from the first absolute directory of
// the C program's PATH that has it. It returns "" if there is none that this process may execute.
func search(name string) string {
	if strings.Contains(name, "/") {
		found, _ := exec.LookPath(name)
		return found
	}
	for _, variable := range environ() {
		list, ok := strings.CutPrefix(variable, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
				return found
			}
		}
	}
	return ""
}

// environ returns the environment of the C program. Go only has the environment from when the library was loaded.
func environ() (env []string) {
	for p := unsafe.Pointer(C.environ); p != nil; p = unsafe.Add(p, unsafe.Sizeof(uintptr(0))) {
		s := *(**C.char)(p)
		if s == nil {
			break
		}
		env = append(env, C.GoString(s))
	}
	return env
}

// begin starts the program of a new process, or with CREATE_SUSPENDED remembers it until the first thread is resumed.
// If the program cannot start, the process ends, and begin closes its handles and returns the status.
func (c *call) begin(p *program, o *win32.CreateProcessOut) ntstatus.Status {
	var st ntstatus.Status
	if c.u32(4)&winnt.CREATE_SUSPENDED == 0 {
		st = p.start(o.Process)
	} else if p.process, st = c.nt.NtDuplicateObject(winnt.NtCurrentProcess, o.Process, winnt.NtCurrentProcess, 0, 0,
		winnt.DUPLICATE_SAME_ACCESS); st == ntstatus.Success {
		// The process may grant nobody an open by its id.
		p.thread = winnt.Handle(o.ThreadID)
		programs.Store(winnt.Handle(o.ProcessID), p)
	}
	if st != ntstatus.Success {
		_ = c.nt.NtTerminateProcess(o.Process, ntstatus.Unsuccessful)
		_, _ = c.nt.NtClose(o.Thread), c.nt.NtClose(o.Process)
	}
	return st
}

// start runs the program in its process at the daemon. If it cannot start, it returns a status, and the process may go
// on without a program.
func (p *program) start(process winnt.Handle) ntstatus.Status {
	started, err := daemon().Start(process, p.cmd)
	p.cmd.Env = nil
	if err != nil {
		return statusOf(err)
	}
	// A program that reaps its children itself gets the exit code; the daemon does not.
	go func() { _ = started.Wait() }()
	return ntstatus.Success
}

// statusOf returns the NT status of an error of [client.Conn.Start]. An error without one is STATUS_UNSUCCESSFUL.
func statusOf(err error) ntstatus.Status {
	otherwise := ntstatus.Unsuccessful
	switch {
	case errors.Is(err, fs.ErrNotExist):
		otherwise = ntstatus.ObjectNameNotFound
	case errors.Is(err, fs.ErrPermission):
		otherwise = ntstatus.AccessDenied
	}
	return ntstatus.Of(err, otherwise)
}

// another reports whether a token belongs to another account than this program's, unless this program runs as root.
// CreateProcess then creates no process, because no program could start in it (W-53, W-93).
func (c *call) another(token winnt.Handle) bool {
	if os.Geteuid() == 0 {
		return false // the daemon refuses the start if the program may not run for that account
	}
	its, st := c.nt.NtQueryInformationToken(token, winnt.TokenUser)
	own, fault := c.nt.NtQueryInformationToken(winnt.NtCurrentProcessToken, winnt.TokenUser)
	return st.IsSuccess() && fault.IsSuccess() && its.(tokens.Group).SID != own.(tokens.Group).SID
}

// resumed starts the program whose first thread has just been resumed (O-167). It does nothing for a thread of no
// such program. If the program cannot start, its process ends with an error status.
func (c *call) resumed(thread winnt.Handle) {
	id, st := c.threadID(thread)
	if st != ntstatus.Success {
		return
	}
	programs.Range(func(process, v any) bool {
		p := v.(*program)
		if p.thread != id {
			return true
		}
		if programs.CompareAndDelete(process, p) {
			if p.start(p.process) != ntstatus.Success {
				_ = c.nt.NtTerminateProcess(p.process, ntstatus.Unsuccessful)
			}
			_ = c.nt.NtClose(p.process)
		}
		return false
	})
}

// forget removes the program of a process that ended before its first thread was resumed: it never starts (O-167). It
// does nothing for any other process, nor for a handle without the right to query.
func forget(th *nt.Thread, h winnt.Handle) {
	programs.Range(func(any, any) bool { // once, and only if there is a program
		own, _ := th.NtQueryInformationProcess(h, nt.ProcessBasicInformation)
		basic, _ := own.(nt.ProcessBasic)
		if p, ok := programs.LoadAndDelete(basic.UniqueProcessID); ok {
			_ = th.NtClose(p.(*program).process)
		}
		return false
	})
}

// threadID returns the id of the thread of a handle.
func (c *call) threadID(h winnt.Handle) (winnt.Handle, ntstatus.Status) {
	out, st := c.sys.NtQueryInformationThread(nt.QueryInformationThreadIn{ThreadHandle: h,
		ThreadInformationClass: nt.ThreadBasicInformation, ThreadInformationLength: ^uint32(0)})
	basic, _ := out.ThreadInformation.(nt.ThreadBasic)
	return basic.ClientID.UniqueThread, st
}
