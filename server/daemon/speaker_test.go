package daemon

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
)

// TestSpeakerReturnsUIDOfFirstByte checks that the sender of the first byte is returned without consuming the byte, and
// that a closed connection, one without SO_PASSCRED and a non-socket have no sender (W-94).
func TestSpeakerReturnsUIDOfFirstByte(t *testing.T) {
	pair := func(asks bool) (net.Conn, *os.File) {
		t.Helper()
		ours, theirs, err := wire.Pair("speaker")
		check.NoError(t, err)
		if asks {
			err = passCredentials(ours)
		}
		check.NoError(t, err)
		t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
		return ours, theirs
	}
	ours, theirs := pair(true)
	check.NoError(t, check.Err(theirs.WriteString("hello")))
	for range 2 { // the byte is peeked, not consumed
		if uid, err := speaker(ours); err != nil || uid != uint32(os.Getuid()) {
			t.Errorf("uid %d, %v, want %d", uid, err, os.Getuid())
		}
	}
	b := make([]byte, 10)
	if n, err := ours.Read(b); err != nil || string(b[:n]) != "hello" {
		t.Errorf(`%q is there, %v, want "hello", no error`, b[:n], err)
	}
	gone, held := pair(true)
	_ = held.Close()
	shut, _ := pair(true)
	_ = shut.Close()
	silent, speaks := pair(false)
	check.NoError(t, check.Err(speaks.WriteString("x")))
	late, _ := pair(true)
	_ = late.SetReadDeadline(time.Unix(1, 0))
	for name, c := range map[string]struct {
		conn net.Conn
		want error
	}{"no program holds it": {gone, io.EOF},
		"closed socket": {shut, net.ErrClosed}, "no credentials requested": {silent, unix.EPROTO},
		"its time is over": {late, os.ErrDeadlineExceeded}} {
		if uid, err := speaker(c.conn); !errors.Is(err, c.want) || uid != 0 {
			t.Errorf("%s: uid %d, %v, want %v", name, uid, err, c.want)
		}
	}
	pipe, end := net.Pipe()
	defer func() { _, _ = pipe.Close(), end.Close() }()
	check.That(t, check.Err(speaker(pipe)) != nil, "speaker(pipe) succeeds, want an error")
	check.That(t, passCredentials(pipe) != nil, "passCredentials(pipe) succeeds, want an error")
	check.That(t, passCredentials(shut) != nil, "passCredentials(closed socket) succeeds, want an error")
}
