package client

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/winnt"
)

// AttachAs works like [Conn.Attach], for a process of another account and a caller that runs as
// root. It also returns the uid with which the new program must run. The daemon refuses a hello
// from another uid and ends the process (W-93, W-94). AttachAs fails with
// STATUS_PRIVILEGE_NOT_HELD if this program does not run as root, the daemon starts no programs
// for others, or the account has no uid.
func (c *Conn) AttachAs(process winnt.Handle) (f *os.File, uid uint32, err error) {
	return c.attachAs(process, "")
}

// attachAs asks the server for the connection of a process in which another account's program will run. It returns the
// connection and the uid of that account. An answer without a uid is an error and ends c.
func (c *Conn) attachAs(process winnt.Handle, program string) (f *os.File, uid uint32, err error) {
	frame := &wire.Frame{Kind: wire.AttachAs, Thread: 1, Body: wire.AppendAttach(nil, process, program)}
	f, rest, err := c.descriptorWith(frame)
	if err != nil {
		return nil, 0, fmt.Errorf("connection of the process with handle %s: %w", process, err)
	}
	who, err := wire.DecodeHost(rest)
	if err != nil {
		_ = f.Close()
		return nil, 0, c.lose(err)
	}
	return f, who.UID, nil
}

// attachTo returns a connection of a process of another account, and sets the uid and groups of cmd to those of the
// account. The caller must close the file. After an error cmd may be changed in part, and no file is open.
func (c *Conn) attachTo(process winnt.Handle, cmd *exec.Cmd) (*os.File, error) {
	f, uid, err := c.attachAs(process, filepath.Base(cmd.Path))
	if err != nil {
		return nil, err
	}
	if err := runAs(cmd, uid); err != nil {
		c.endUnstarted(process, f)
		return nil, fmt.Errorf("program of the process with handle %s: %w", process, err)
	}
	return f, nil
}
