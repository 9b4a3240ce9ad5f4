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
	"slices"
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
	cmd *exec.Cmd
	// The library's own handles of the process and its first thread, for a program in suspended.
	process, thread winnt.Handle
}

// suspended has each program that starts when its first thread is resumed. Whoever removes a program from it closes its
// handles. To compare or wait needs the mutex: the number of a closed handle can already belong to another object.
var suspended struct {
	sync.Mutex
	programs []*program
}

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
	forget(c.nt)
	var st ntstatus.Status
	if c.u32(4)&winnt.CREATE_SUSPENDED == 0 {
		st = p.start(o.Process)
	} else {
		st = p.suspend(c.nt, o)
	}
	if st != ntstatus.Success {
		_ = c.nt.NtTerminateProcess(o.Process, ntstatus.Unsuccessful)
		_, _ = c.nt.NtClose(o.Thread), c.nt.NtClose(o.Process)
	}
	return st
}

// suspend remembers the program until its first thread is resumed (O-167).
func (p *program) suspend(th *nt.Thread, o *win32.CreateProcessOut) (st ntstatus.Status) {
	// The caller may close its handles, and the process may grant nobody an open by its id.
	const self = winnt.NtCurrentProcess
	if p.process, st = th.NtDuplicateObject(self, o.Process, self, 0, 0, winnt.DUPLICATE_SAME_ACCESS); !st.IsSuccess() {
		return st
	}
	if p.thread, st = th.NtDuplicateObject(self, o.Thread, self, 0, 0, winnt.DUPLICATE_SAME_ACCESS); !st.IsSuccess() {
		_ = th.NtClose(p.process)
		return st
	}
	suspended.Lock()
	defer suspended.Unlock()
	suspended.programs = append(suspended.programs, p)
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
	// The handle may only grant THREAD_SUSPEND_RESUME. To compare objects needs no right.
	for _, p := range remove(func(p *program) bool {
		return c.nt.NtCompareObjects(thread, p.thread) == ntstatus.Success
	}) {
		if p.start(p.process) != ntstatus.Success {
			_ = c.nt.NtTerminateProcess(p.process, ntstatus.Unsuccessful)
		}
		p.close(c.nt)
	}
}

// forget removes each program whose process ended before its first thread was resumed: it never starts (O-167). This
// makes one call to the daemon for each suspended program, in each CreateProcess and TerminateProcess.
func forget(th *nt.Thread) {
	for _, p := range remove(func(p *program) bool {
		_, st := th.NtWaitForSingleObject(p.process, false) // an exit status can also be STATUS_PENDING after the end
		return st == ntstatus.Success
	}) {
		p.close(th)
	}
}

// remove removes the programs from suspended for which f returns true, and returns them.
func remove(f func(*program) bool) (removed []*program) {
	suspended.Lock()
	defer suspended.Unlock()
	suspended.programs = slices.DeleteFunc(suspended.programs, func(p *program) bool {
		found := f(p)
		if found {
			removed = append(removed, p)
		}
		return found
	})
	return removed
}

// close closes the library's handles of a program that was removed from suspended.
func (p *program) close(th *nt.Thread) { _, _ = th.NtClose(p.thread), th.NtClose(p.process) }
