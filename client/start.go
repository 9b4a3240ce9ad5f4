package client

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Start starts a program in a process that NtCreateUserProcess made: the program
// inherits a connection that is that process, with its token and the handles that
// were put into it, and finds it by REFMON_SOCKET ([Dial], librefmon, the client in
// Python). The handle has PROCESS_CREATE_THREAD, PROCESS_VM_OPERATION and
// PROCESS_VM_WRITE. The process ends at [Program.Wait] with the exit code, 128 and the
// signal's number where one killed the program, or, once this program is gone, with the
// last program that holds the connection; a process that is ended takes its program with
// it. The exit code is told where the process grants PROCESS_TERMINATE and
// PROCESS_QUERY_LIMITED_INFORMATION to this program.
//
// Between programs of one user of the host the token is advisory: such a program can
// dial again. STATUS_PRIVILEGE_NOT_HELD is the error for a process of another account
// than this program's (W-53), unless this is a program of root's and the daemon lets it start
// programs for others: then it is started under that account's uid with its groups (W-93).
func (c *Conn) Start(process winnt.Handle, cmd *exec.Cmd) (*Program, error) {
	f, err := c.attach(process, filepath.Base(cmd.Path))
	if errors.Is(err, ntstatus.PrivilegeNotHeld.Err()) && os.Geteuid() == 0 {
		if other, fault := c.attachTo(process, cmd); !errors.Is(fault, ntstatus.NotSupported.Err()) {
			f, err = other, fault
		}
	}
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	const first = 3 // the descriptor of the first of ExtraFiles
	cmd.Env = append(cmd.Env, fmt.Sprintf("REFMON_SOCKET=%s%d", inherited, first+len(cmd.ExtraFiles)-1))
	if err := cmd.Start(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("program of the process with handle %s: %w", process, err)
	}
	p := &Program{cmd: cmd, conn: c, connection: f, gone: make(chan struct{})}
	p.id, p.made = c.known(process)
	go p.endWith()
	return p, nil
}

// known returns the id of a process and when it was made: what names it after its handle
// is closed. 0, 0: this program may not end it.
func (c *Conn) known(process winnt.Handle) (id winnt.Handle, made int64) {
	_ = c.aside(func(th *nt.Thread) {
		h, st := th.NtDuplicateObject(winnt.NtCurrentProcess, process, winnt.NtCurrentProcess, ending, 0, 0)
		if st != ntstatus.Success {
			return
		}
		id, made = identity(th, h)
		_ = th.NtClose(h)
	})
	return id, made
}

// ending holds the rights that it takes to end a process that is known by its id.
const ending = winnt.PROCESS_TERMINATE | winnt.PROCESS_QUERY_LIMITED_INFORMATION

func identity(th *nt.Thread, process winnt.Handle) (id winnt.Handle, made int64) {
	basic, _ := th.NtQueryInformationProcess(process, nt.ProcessBasicInformation)
	times, _ := th.NtQueryInformationProcess(process, nt.ProcessTimes)
	b, _ := basic.(nt.ProcessBasic)
	t, _ := times.(nt.KernelUserTimes)
	return b.UniqueProcessID, t.CreateTime
}

// aside calls f with a thread that impersonates no client, whatever the threads of the
// program do. The error says that the server is gone, or has no room.
func (c *Conn) aside(f func(*nt.Thread)) error {
	th, err := c.NewThread()
	if err != nil {
		return err
	}
	defer th.Close()
	f(th)
	return nil
}

// Program is a program that [Conn.Start] started.
type Program struct {
	cmd        *exec.Cmd     // immutable
	conn       *Conn         // immutable
	connection *os.File      // the process lasts as long as it is held (W-51)
	gone       chan struct{} // closed when the connection has been hung up
	id         winnt.Handle  // of the process; 0: this program may not end it
	made       int64         // when the process was made
	ended      atomic.Bool   // the program has ended
}

// Wait waits until the program has ended, as [exec.Cmd.Wait] does, and ends its process
// with the exit code (W-77). It is called once.
func (p *Program) Wait() error {
	err := p.cmd.Wait()
	p.ended.Store(true)
	select {
	case <-p.gone: // the process ended before, and its id may be another's by now
	default:
		if p.id != 0 {
			_ = p.conn.aside(func(th *nt.Thread) { p.exit(th, ntstatus.Status(uint32(exitCode(p.cmd.ProcessState)))) })
		}
	}
	hangUp(p.connection)
	<-p.gone
	return errors.Join(err, p.connection.Close())
}

// exit ends the process.
func (p *Program) exit(th *nt.Thread, status ntstatus.Status) {
	h, st := th.NtOpenProcess(ending, nil, &nt.ClientID{UniqueProcess: p.id})
	if st != ntstatus.Success {
		return
	}
	if id, made := identity(th, h); id == p.id && made == p.made {
		_ = th.NtTerminateProcess(h, status)
	}
	_ = th.NtClose(h)
}

// endWith ends the program when its process has been ended (W-77). It lasts where the
// server is gone: that says nothing about the process.
func (p *Program) endWith() {
	defer close(p.gone)
	untilHungUp(p.connection)
	if !p.ended.Load() && p.conn.aside(func(*nt.Thread) {}) == nil {
		_ = p.cmd.Process.Kill() // it may have ended by itself
	}
}

// exitCode returns how a program ended as one number.
func exitCode(s *os.ProcessState) int {
	if s == nil {
		return 0 // another part of this program waited for it
	}
	if w, ok := s.Sys().(interface {
		Signaled() bool
		Signal() syscall.Signal
	}); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

// Attach returns the connection that [Conn.Start] gives a program, for those who start
// programs otherwise. Who holds the file is that process (W-40); it ends with the last
// of them.
func (c *Conn) Attach(process winnt.Handle) (*os.File, error) { return c.attach(process, "") }

// attach asks for the connection of a program with that name (W-79).
func (c *Conn) attach(process winnt.Handle, program string) (*os.File, error) {
	f := &wire.Frame{Kind: wire.Attach, Thread: 1, Body: wire.AppendAttach(nil, process, program)}
	file, err := c.descriptor(f)
	if err != nil {
		return nil, fmt.Errorf("connection of the process with handle %s: %w", process, err)
	}
	return file, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
