package client

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/winnt"
)

// Start starts a program in a process that NtCreateUserProcess made: the program
// inherits a connection that is that process, with its token and the handles that
// were put into it, and finds it by REFMON_SOCKET ([Dial], librefmon, the client in
// Python). The handle has PROCESS_CREATE_THREAD, PROCESS_VM_OPERATION and
// PROCESS_VM_WRITE. The process ends when the last program that holds the connection
// ends, which may be long after this one.
//
// Between programs of one user of the host the token is advisory: such a program can
// dial again. STATUS_PRIVILEGE_NOT_HELD is the error for a process of another account
// than this program's (W-53).
func (c *Conn) Start(process winnt.Handle, cmd *exec.Cmd) error {
	f, err := c.Attach(process)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // the program has its own: with ours the process would outlive it
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	const first = 3 // the descriptor of the first of ExtraFiles
	cmd.Env = append(cmd.Env, fmt.Sprintf("REFMON_SOCKET=%s%d", inherited, first+len(cmd.ExtraFiles)-1))
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("program of the process with handle %s: %w", process, err)
	}
	return nil
}

// Attach returns the connection that [Conn.Start] gives a program, for those who start
// programs otherwise. Who holds the file is that process (W-40); it ends with the last
// of them.
func (c *Conn) Attach(process winnt.Handle) (*os.File, error) {
	f := &wire.Frame{Kind: wire.Attach, Thread: 1, Body: wire.AppendHandle(nil, process)}
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
