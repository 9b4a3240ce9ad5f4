package queries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	authunix "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/internal/subids"
)

// SocketName is the name of a run's socket in the folder of its index.
const SocketName = "query.sock"

// Config configures a server. Index and Socket are required.
type Config struct {
	Index  *index.Index
	Socket string
	// Private makes the socket accessible to its owner and root only. Otherwise every user of the host can connect.
	Private bool
	Ask     []uint32      // uids that may ask about everybody, besides root and the user of this process
	Limit   time.Duration // the greatest age of a heartbeat, which callers without trust cannot extend; 0: 10 s
	Warn    func(error)   // receives errors that do not end the server; nil: they are dropped

	peer    func(*net.UnixConn) (uid uint32, err error) // nil: the kernel's credentials; only tests set it
	subuids []string                                    // files of subordinate uids; nil: /etc/subuid; only tests set it
	tune    func(*http.Server)                          // may be nil; only tests set it
}

// Times after which a connection is closed.
const (
	headerTime = 5 * time.Second
	readTime   = 10 * time.Second // to receive a whole question
	writeTime  = 30 * time.Second // to send the answer, from the end of the question's header
	idleTime   = 30 * time.Second // between two questions
)

// Server answers questions until Close. [Listen] returns one.
type Server struct {
	config  Config // immutable
	callers callers
	subuids subids.Files
	http    http.Server
	folder  *os.File // the folder with the socket
	socket  *net.UnixListener
	ended   chan struct{}
	warned  time.Time // time of the last error passed to Warn; the accepting goroutine owns it
}

// Listen creates the socket and serves queries on it, in goroutines of its own, until [Server.Close]. It replaces a
// file at the path only if that is a socket on which no program listens. It returns an error if the socket cannot be
// created or its folder is missing. A Limit of 0 is the default.
func Listen(c Config) (*Server, error) {
	if c.Limit == 0 {
		c.Limit = defaultLimit
	}
	if c.peer == nil {
		c.peer = authunix.UID
	}
	if c.subuids == nil {
		c.subuids = subids.UIDs
	}
	s := &Server{config: c, subuids: subids.Files{Names: c.subuids}, ended: make(chan struct{})}
	var err error
	if s.folder, err = openFolder(c.Socket); err != nil {
		return nil, fmt.Errorf("socket %s: %w", c.Socket, err)
	}
	mode := os.FileMode(0o666)
	if c.Private {
		mode = 0o600
	}
	if s.socket, err = bind(short(s.folder, c.Socket), mode); err != nil {
		_ = s.folder.Close()
		return nil, fmt.Errorf("socket %s: %w", c.Socket, err)
	}
	s.http = http.Server{Handler: s, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime, MaxHeaderBytes: 4 << 10, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, callerKey{}, c.(*charged).caller)
		}}
	if c.tune != nil {
		c.tune(&s.http)
	}
	go func() {
		defer close(s.ended)
		if err := s.http.Serve(&accepting{UnixListener: s.socket, s: s}); !errors.Is(err, http.ErrServerClosed) {
			s.warn(fmt.Errorf("socket %s: %w", c.Socket, err))
		}
	}()
	return s, nil
}

// Close closes the socket and all connections, and removes the socket's file. It blocks until the server no longer
// accepts. Questions that are being answered get no answer. The index stays open.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.ended
	return errors.Join(err, s.folder.Close())
}

// warn passes on at most one error each second, because clients may cause some. Only one goroutine calls it.
func (s *Server) warn(err error) {
	if s.config.Warn != nil && time.Since(s.warned) >= time.Second {
		s.warned = time.Now()
		s.config.Warn(err)
	}
}

// openFolder opens the folder of a socket, so that short can name the socket by a path that fits the kernel's limit of
// 107 bytes.
func openFolder(socket string) (*os.File, error) {
	return os.OpenFile(filepath.Dir(socket), unix.O_PATH|unix.O_DIRECTORY, 0)
}

// short returns a path of the socket through the open folder's descriptor, because the socket's own path may be too
// long for the kernel.
func short(folder *os.File, socket string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(socket))
}

// dialTime is the longest wait for an existing socket to accept or refuse a connection.
const dialTime = 5 * time.Second

// bind listens on a new Unix socket name with the permissions mode. An existing socket is replaced only if it refuses
// connections; any other file of this name is an error. Closing the listener removes the name. If the permissions
// cannot be set, bind closes the socket and returns the error.
func bind(name string, mode os.FileMode) (*net.UnixListener, error) {
	at := &net.UnixAddr{Name: name, Net: "unix"}
	l, err := net.ListenUnix("unix", at)
	if errors.Is(err, unix.EADDRINUSE) {
		if info, err := os.Lstat(name); err != nil || info.Mode().Type() != os.ModeSocket {
			return nil, errors.New("a file that is not a socket has this name: move it")
		}
		// Only a refused connection proves that no program listens.
		c, dial := net.DialTimeout("unix", name, dialTime)
		if dial == nil {
			_ = c.Close()
			return nil, errors.New("another program listens on it")
		}
		if !errors.Is(dial, unix.ECONNREFUSED) {
			return nil, fmt.Errorf("it exists, and may be in use: %w", dial)
		}
		if err := os.Remove(name); err != nil {
			return nil, err
		}
		l, err = net.ListenUnix("unix", at)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(name, mode); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// callerKey is the key of a connection's caller in its context.
type callerKey struct{}

// accepting is the HTTP server's listener. It accepts connections of identified peers within their limits, and closes
// all others.
type accepting struct {
	*net.UnixListener
	s *Server
}

// Accept returns the next connection of an identified peer within its limits, and closes all others. It waits for one.
// After an error it continues, unless the socket is closed.
func (l *accepting) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil:
			l.s.warn(fmt.Errorf("socket %s: %w", l.s.config.Socket, err))
			time.Sleep(100 * time.Millisecond) // a lack of descriptors is temporary
			continue
		}
		if c := l.s.identify(conn); c.user != nil {
			return &charged{UnixConn: conn, caller: c, s: l.s}, nil
		}
		_ = conn.Close()
	}
}

// identify returns the caller on a connection, and counts the connection against that user's limits. The result has no
// user if the kernel does not name the uid, for the overflow uid, and for a user with too many connections. Only a
// failed query of the kernel goes to Warn.
func (s *Server) identify(conn *net.UnixConn) caller {
	uid, err := s.config.peer(conn)
	if err != nil {
		s.warn(fmt.Errorf("socket %s: %w", s.config.Socket, err))
		return caller{}
	}
	trust := uid == 0 || uid == uint32(os.Geteuid()) || slices.Contains(s.config.Ask, uid)
	c := caller{uid: uid, trust: trust, payer: payer{s.subuids.Charged(uid, subids.HostUID), trust}}
	// The uid 65534 stands for every user whom this user namespace does not map. So it identifies nobody, even if this
	// process has the same uid.
	if uid == unmapped {
		return caller{}
	}
	c.user = s.callers.connect(c)
	return c
}

// unmapped is the kernel's overflow uid.
const unmapped = 65534

// charged is a connection that counts against its caller's limits until it is closed.
type charged struct {
	*net.UnixConn
	caller caller
	s      *Server
	once   sync.Once
}

// Close closes the connection and uncounts it. A second call does not uncount it again, and returns the error of a
// closed connection.
func (c *charged) Close() error {
	c.once.Do(func() { c.s.callers.disconnect(c.caller) })
	return c.UnixConn.Close()
}
