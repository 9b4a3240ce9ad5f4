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

// lockFile is the file in the state directory that a running daemon locks.
const lockFile = "lock"

// State is the lock of a state directory. Its zero value holds no lock, and the zero value's Close returns
// os.ErrInvalid.
type State struct{ file *os.File }

// Close releases the lock on the state directory. A second call returns os.ErrClosed.
func (s *State) Close() error { return s.file.Close() }

// LockState creates the state directory with mode 0700 if needed and takes an exclusive lock in it. It does not
// wait: a directory that another daemon uses is an error, and so is one that others can write to, and an empty
// dir. The caller closes the lock or passes it to [Start]; it also ends with the process. Take it before opening
// other files in the directory.
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
	// A folder that others can write to cannot be trusted: not its lock, accounts or audit log
	// (W-16).
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

// dialTimeout is the longest wait for an existing socket to accept or refuse a connection.
const dialTimeout = 5 * time.Second

// listen returns the listener for a socket path: the passed socket in Inherited that is bound to it, and otherwise a
// new one.
func (c *Config) listen(socket string) (*net.UnixListener, error) {
	for _, l := range c.Inherited {
		// A service manager's socket stays open when the daemon ends, so that new clients wait for
		// the next daemon (W-29).
		if l.Addr().String() == socket {
			return l, nil
		}
	}
	return listen(socket)
}

// Listen binds an additional socket with mode 0666, as the daemon binds its own, so the caller must check each
// peer's identity. The caller closes the listener and must hold the state's lock. Listen replaces an existing
// file only if it is a socket on which no program listens. Any other file, and a socket in use, is an error.
func Listen(socket string) (*net.UnixListener, error) { return listen(socket) }

// ListenPrivate binds a socket with mode 0600, so that only its owner and root can connect. Otherwise it is like
// [Listen].
func ListenPrivate(socket string) (*net.UnixListener, error) { return listenMode(socket, 0o600) }

// listen binds the socket with mode 0666, because the peer's identity decides its rights. The state's lock must be
// held.
func listen(socket string) (*net.UnixListener, error) { return listenMode(socket, 0o666) }

// listenMode listens on a Unix socket whose file gets the mode. listenMode replaces a socket that refuses
// connections. Any other file at the path and a missing folder are errors. If the mode cannot be set, the listener is
// closed. The caller must hold the state's lock.
func listenMode(socket string, mode os.FileMode) (*net.UnixListener, error) {
	l, err := bind(socket)
	if errors.Is(err, unix.EADDRINUSE) {
		// A file that is not a socket also refuses connections, but belongs to another program
		// (W-16).
		if info, err := os.Lstat(socket); err != nil || info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("socket %s: a file that is not a socket is in the way: move it", socket)
		}
		// Only a refused connection proves that no program listens. Otherwise leave the socket
		// alone (W-16).
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
	switch folder := filepath.Dir(socket); {
	case errors.Is(err, unix.ENOENT):
		return nil, fmt.Errorf("socket %s: its folder does not exist: run install -d %s as refmond's user or root", socket,
			folder)
	case errors.Is(err, unix.EINVAL) && len(socket) > longestSocket:
		return nil, fmt.Errorf("socket %s: the path has %d bytes: choose one of at most %d", socket, len(socket),
			longestSocket)
	case err != nil:
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	if err := os.Chmod(socket, mode); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	return l, nil
}

// longestSocket is the longest path of a socket, in bytes (unix(7)).
const longestSocket = len(unix.RawSockaddrUnix{}.Path) - 1

// bind listens on a Unix socket. It is an error if the path exists.
func bind(socket string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
}
