package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockFile is locked while a daemon runs on a state folder.
const lockFile = "lock"

// State is the lock of a state folder. Its zero value holds nothing.
type State struct{ file *os.File }

// Close gives the lock back.
func (s *State) Close() error { return s.file.Close() }

// LockState makes the state folder, which is the owner's alone, and takes its
// lock. The lock goes with the process that took it, however that ends. Who keeps
// something in the folder opens it after this, and gives the lock to [Start].
func LockState(dir string) (*State, error) {
	if dir == "" {
		return nil, errors.New("state folder: none given")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return nil, fmt.Errorf("state folder %s: %w", dir, err)
	}
	// What others can write to proves nothing: not the lock, nor accounts, nor the trail (W-16).
	if st.Mode&0o022 != 0 {
		return nil, fmt.Errorf("state folder %s: others can write to it (mode %o): chmod go-w it", dir, st.Mode&0o777)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("state folder %s: another refmond works on it: %w", dir, err)
	}
	return &State{f}, nil
}

// dialTimeout is how long a socket that is there may take to say whether a program
// listens on it.
const dialTimeout = 5 * time.Second

// listen returns the socket of a path: the one that a service manager made, or a new
// one.
func (c *Config) listen(socket string) (*net.UnixListener, error) {
	for _, l := range c.Inherited {
		// What a service manager holds stays when the daemon ends: clients that come
		// meanwhile wait for the next one. W-29
		if l.Addr().String() == socket {
			return l, nil
		}
	}
	return listen(socket)
}

// Listen binds a socket beside those of a daemon, as the daemon binds its own: only a socket
// that is known to be stale is replaced. The state's lock must be held.
func Listen(socket string) (*net.UnixListener, error) { return listen(socket) }

// listen binds the socket, after the state's lock was taken. Every user of the
// host may connect: who a peer is decides what it may do.
func listen(socket string) (*net.UnixListener, error) {
	l, err := bind(socket)
	if errors.Is(err, unix.EADDRINUSE) {
		// A file that is no socket refuses connections, too: it is another program's (W-16).
		if info, err := os.Lstat(socket); err != nil || info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("socket %s: a file that is no socket is in the way: move it", socket)
		}
		// Only a refused connection proves that no program listens; anything else is left alone (W-16).
		c, dial := net.DialTimeout("unix", socket, dialTimeout)
		if dial == nil {
			_ = c.Close()
			return nil, fmt.Errorf("socket %s: another program listens on it", socket)
		}
		if !errors.Is(dial, unix.ECONNREFUSED) {
			return nil, fmt.Errorf("socket %s: in the way, and not known to be stale: %w", socket, dial)
		}
		if err := os.Remove(socket); err != nil {
			return nil, fmt.Errorf("stale socket: %w", err)
		}
		l, err = bind(socket)
	}
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	return l, nil
}

func bind(socket string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
}
