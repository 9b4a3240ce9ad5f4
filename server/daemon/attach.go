package daemon

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/wire"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/token"
)

// Attach makes a process with that token and returns the connection to it, for a
// program that the caller starts: it inherits the descriptor, say as fd:3. Who
// holds the descriptor is that process (W-40). The caller closes the file once the program
// has it.
func (d *Daemon) Attach(name string, tok *token.Token) (*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connection of %s: %w", name, err)
	}
	theirs := os.NewFile(uintptr(pair[0]), name)
	f := os.NewFile(uintptr(pair[1]), name)
	conn, err := net.FileConn(f)
	_ = f.Close() // FileConn made a copy
	if err != nil {
		_ = theirs.Close()
		return nil, fmt.Errorf("connection of %s: %w", name, err)
	}
	c := &connection{d: d, conn: conn, token: tok, end: func() {},
		peer: &peer.Peer{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Name: name}}
	c.account = d.counted(c.peer.UID)
	c.served = wire.NewServer(conn, c)
	if err := d.admit(c); err != nil {
		_, _ = theirs.Close(), conn.Close()
		return nil, fmt.Errorf("connection of %s: %w", name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		delete(d.connections, c)
		d.change(c.account, -1, 0)
		_, _ = theirs.Close(), conn.Close()
		return nil, fmt.Errorf("connection of %s: the daemon stops", name)
	}
	d.serving.Go(func() {
		defer d.forget(c)
		d.over(c, c.run())
	})
	return theirs, nil
}
