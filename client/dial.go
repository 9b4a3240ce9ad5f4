package client

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// DefaultSocket is where a daemon listens unless it is told otherwise.
const DefaultSocket = "/run/refmon/refmond.sock"

// Socket returns the address that the environment gives, REFMON_SOCKET, or
// DefaultSocket. A program that runs with more rights than its caller has must
// not ask the environment.
func Socket() string {
	if s := os.Getenv("REFMON_SOCKET"); s != "" {
		return s
	}
	return DefaultSocket
}

// inherited begins the address of a connection that the parent made: fd:3.
const inherited = "fd:"

// Dial connects to the daemon that listens on a Unix socket, which must belong to
// root or to this program's own user. An address such as fd:3 is a connection that
// this program inherited: its process was made before, with a token of its own.
func Dial(socket string) (*Conn, error) { return DialUser(socket, uint32(os.Geteuid())) }

// DialUser connects as Dial does to a daemon that runs as that uid, or as root.
// The server learns what is called, and its answers are believed: one that runs as
// another user is refused (W-24).
func DialUser(socket string, uid uint32) (*Conn, error) {
	if number, ok := strings.CutPrefix(socket, inherited); ok {
		return dialInherited(number)
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("refmond is not there: %w", err)
	}
	owner, known, err := serverUID(c.(*net.UnixConn))
	if err == nil && known && !trusted(owner, uid) {
		err = fmt.Errorf("the server of %s runs as uid %d, want 0 or %d", socket, owner, uid)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return New(c)
}

// trusted reports whether a server of one uid is believed by a client that names
// another (W-24).
func trusted(owner, uid uint32) bool { return owner == 0 || owner == uid }

func dialInherited(number string) (*Conn, error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("refmond: %s%s names no descriptor", inherited, number)
	}
	f := os.NewFile(uintptr(fd), "refmond")
	c, err := net.FileConn(f)
	_ = f.Close() // FileConn made a copy
	if err != nil {
		return nil, fmt.Errorf("refmond: %s%s: %w", inherited, number, err)
	}
	return New(c)
}
