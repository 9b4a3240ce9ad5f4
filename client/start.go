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

// Start starts a program in a process that NtCreateUserProcess created. The program inherits
// the connection of that process, with its token and the handles in it. It finds the
// connection by REFMON_SOCKET ([Dial], librefmon, the client in Python). The handle needs
// PROCESS_CREATE_THREAD, PROCESS_VM_OPERATION and PROCESS_VM_WRITE. The process ends at
// [Program.Wait] with the program's exit code, or with 128 plus the number of the signal that
// killed it. If this program is gone by then, the process ends with the last program that
// holds the connection. Ending the process also ends its program. The process gets the exit
// code only if it grants PROCESS_TERMINATE and PROCESS_QUERY_LIMITED_INFORMATION to this
// program. If the program cannot be started, the process ends with STATUS_UNSUCCESSFUL. If
// the daemon refuses the connection, the process stays as it was, because it may already
// have a program.
//
// Between programs of one user of the host the token is advisory, because such a program can
// dial again. For a process of another account Start fails with STATUS_PRIVILEGE_NOT_HELD
// (W-53). If this program runs as root and the daemon allows it to start programs for others,
// Start instead starts the program with that account's uid and groups (W-93).
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
		cmd.Env = cmd.Environ() // with PWD, as Dir has it
	}
	const first = 3 // the descriptor of the first of ExtraFiles
	cmd.Env = append(cmd.Env, fmt.Sprintf("REFMON_SOCKET=%s%d", inherited, first+len(cmd.ExtraFiles)-1))
	if err := cmd.Start(); err != nil {
		c.endUnstarted(process, f)
		return nil, fmt.Errorf("program of the process with handle %s: %w", process, err)
	}
	p := &Program{cmd: cmd, conn: c, connection: f, hungUp: make(chan struct{})}
	p.id, p.made = c.known(process)
	go p.endWith()
	return p, nil
}

// endUnstarted ends a process whose program could not be started with STATUS_UNSUCCESSFUL, and closes its connection.
// It ignores errors.
func (c *Conn) endUnstarted(process winnt.Handle, connection *os.File) {
	_ = c.aside(func(th *nt.Thread) {
		const own = winnt.NtCurrentProcess
		h, st := th.NtDuplicateObject(own, process, own, winnt.PROCESS_TERMINATE, 0, 0)
		if st == ntstatus.Success {
			// If only the connection ended, the process would end with STATUS_SUCCESS (W-77).
			_, _ = th.NtTerminateProcess(h, ntstatus.Unsuccessful), th.NtClose(h)
		}
	})
	_ = connection.Close()
}

// known returns the id and creation time of a process, by which a Program finds the process after its handle is
// closed. It returns 0 and 0 if this program may not end the process, or on an error.
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

// identity returns the id and the creation time of a process by its handle, or 0 for each that it cannot query.
func identity(th *nt.Thread, process winnt.Handle) (id winnt.Handle, made int64) {
	basic, _ := th.NtQueryInformationProcess(process, nt.ProcessBasicInformation)
	times, _ := th.NtQueryInformationProcess(process, nt.ProcessTimes)
	b, _ := basic.(nt.ProcessBasic)
	t, _ := times.(nt.KernelUserTimes)
	return b.UniqueProcessID, t.CreateTime
}

// aside calls f with a new thread, which impersonates nobody, and ends the thread afterwards. The other threads are
// not affected. If the connection is lost or the daemon refuses a thread, it returns the error and does not call f.
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
	connection *os.File      // the process exists while the connection is held (W-51)
	hungUp     chan struct{} // closed when the connection has been hung up
	id         winnt.Handle  // of the process; 0: this program may not end it
	made       int64         // when the process was made
	ended      atomic.Bool   // the program has ended
}

// Wait blocks until the program has ended, as [exec.Cmd.Wait] does, and ends its process with the exit code (W-77).
// It returns the error of that Wait, such as an [exec.ExitError]. Call it exactly once. It also closes the program's
// connection.
func (p *Program) Wait() error {
	err := p.cmd.Wait()
	p.ended.Store(true)
	select {
	case <-p.hungUp: // the NT process has ended already, and its id may belong to another process now
	default:
		if p.id != 0 {
			_ = p.conn.aside(func(th *nt.Thread) { p.exit(th, ntstatus.Status(uint32(exitCode(p.cmd.ProcessState)))) })
		}
	}
	hangUp(p.connection)
	<-p.hungUp
	return errors.Join(err, p.connection.Close())
}

// exit ends the program's process with a status, through thread th. It does nothing if the process cannot be opened
// or its id belongs to another process by now.
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

// endWith waits until the process or the connection ends. If the process was ended, it kills the program (W-77). If
// the server is gone, the program continues.
func (p *Program) endWith() {
	defer close(p.hungUp)
	untilHungUp(p.connection)
	if p.ended.Load() {
		return
	}
	_ = p.conn.aside(func(*nt.Thread) {}) // any answer shows that the server is there
	if p.conn.Err() == nil {
		_ = p.cmd.Process.Kill() // it may have ended by itself
	}
}

// exitCode returns the exit code of a program, or 128 plus the number of the signal that killed it. It returns 0 for
// nil.
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

// Attach returns the connection that [Conn.Start] passes to a program, for callers that start programs in another
// way. The caller must close the file. Any program that holds the file acts as that process (W-40). The process ends
// with the last such program. The error is the status of a refusal.
func (c *Conn) Attach(process winnt.Handle) (*os.File, error) { return c.attach(process, "") }

// attach asks the daemon for a connection that belongs to a process, for a program with that displayed name (W-79).
// An empty name shows none. The caller must close the file.
func (c *Conn) attach(process winnt.Handle, program string) (*os.File, error) {
	f := &wire.Frame{Kind: wire.Attach, Thread: 1, Body: wire.AppendAttach(nil, process, program)}
	file, err := c.descriptor(f)
	if err != nil {
		return nil, fmt.Errorf("connection of the process with handle %s: %w", process, err)
	}
	return file, nil
}

// closeAll closes files and ignores errors.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
