package client

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// DefaultSocket is the default address of a daemon.
const DefaultSocket = "/run/refmon/refmond.sock"

// Socket returns the address in the environment variable REFMON_SOCKET, or DefaultSocket if that is empty or not set.
// A program with more rights than its caller must not use the environment.
func Socket() string {
	if s := os.Getenv("REFMON_SOCKET"); s != "" {
		return s
	}
	return DefaultSocket
}

// ErrServerUser is the error of [Dial] and [DialUser] for a server that runs as another user than expected.
var ErrServerUser = errors.New("the server runs as another user")

// inherited is the prefix of addresses of inherited connections, such as fd:3.
const inherited = "fd:"

// Dial connects to the daemon that listens on a Unix socket, which must belong to root or to this program's own user.
// An address such as fd:3 is a connection that this program inherited. Its process already exists and has its own
// token. Dial then closes that descriptor, and a second Dial of the same address fails. The caller must close the
// Conn.
func Dial(socket string) (*Conn, error) { return DialUser(socket, uint32(os.Geteuid())) }

// DialUser works like Dial, for a daemon that runs as uid or as root. It refuses a server of another user with
// [ErrServerUser], because the program sends its calls to the server and trusts the answers (W-24). An inherited
// connection is not checked, nor any on a system that does not report the server's user.
func DialUser(socket string, uid uint32) (*Conn, error) {
	if number, ok := strings.CutPrefix(socket, inherited); ok {
		return dialInherited(number)
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("refmond is not running: %w", err)
	}
	owner, known, err := serverUID(c.(*net.UnixConn))
	if err == nil && known && !trusted(owner, uid) {
		wanted := "root"
		if uid != 0 {
			wanted = fmt.Sprintf("root or uid %d", uid)
		}
		err = fmt.Errorf("%w: %s runs as uid %d, want %s", ErrServerUser, socket, owner, wanted)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return New(c)
}

// trusted reports whether a client that expects a daemon of user uid trusts one that runs as owner: the same user or
// root (W-24).
func trusted(owner, uid uint32) bool { return owner == 0 || owner == uid }

// dialled has the numbers of the inherited descriptors that Dial has closed.
var dialled sync.Map

// dialInherited connects over the inherited descriptor with this number, and closes the descriptor. It fails if number
// names no descriptor, if it was used before, and if the descriptor is not a socket.
func dialInherited(number string) (*Conn, error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("refmond: %s%s names no descriptor", inherited, number)
	}
	if _, again := dialled.LoadOrStore(fd, true); again {
		// The number may be that of another file of this program now, which must not be read or closed (W-51).
		return nil, fmt.Errorf("refmond: %s%s was used before: an inherited connection cannot be dialled again", inherited,
			number)
	}
	f := os.NewFile(uintptr(fd), "refmond")
	c, err := net.FileConn(f)
	_ = f.Close() // FileConn made a copy
	if err != nil {
		return nil, fmt.Errorf("refmond: %s%s: %w", inherited, number, err)
	}
	return New(c)
}
