package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
)

// stranger is a uid without an account.
const stranger = 54321

// TestPassedOn: a connection is a capability. A program of another user that got
// the descriptor is the process that connected, with its token (W-40).
func TestPassedOn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	d := start(t, nil)
	c := d.raw()
	passed, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close() // the descriptor that was passed on holds the connection
	said := make(chan string)
	go func() {
		defer passed.Close()
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, another user until then
		user, err := asStranger(passed)
		said <- fmt.Sprint(user, err)
	}()
	if got, want := <-said, "S-1-22-1-"+strconv.Itoa(os.Getuid()); !strings.Contains(got, `"SID":"`+want+`"`) {
		t.Errorf("the program that got the descriptor: %s, want %s", got, want)
	}
	d.settles()
}

// asStranger becomes another user, for this thread alone, and asks who it is.
func asStranger(conn *os.File) (string, error) {
	for _, set := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
		if _, _, e := unix.RawSyscall(set, stranger, stranger, stranger); e != 0 {
			return "", e
		}
	}
	if uid, _, _ := unix.RawSyscall(unix.SYS_GETUID, 0, 0, 0); uid != stranger {
		return "", errors.New("the thread is no other user")
	}
	body := ""
	for _, f := range []wire.Frame{
		{Kind: wire.Hello, Body: []byte(`{"Magic":"refmon","Version":1}`)},
		call("NtOpenProcessToken", `{"In":{"ProcessHandle":"-1","DesiredAccess":8}}`),
		call("NtQueryInformationToken", `{"In":{"TokenHandle":"4","TokenInformationClass":1}}`),
	} {
		if _, err := conn.Write(wire.AppendFrame(nil, &f)); err != nil {
			return "", err
		}
		answer, err := wire.ReadFrame(conn)
		if err != nil {
			return "", err
		}
		body = string(answer.Body)
	}
	return body, nil
}

func call(row, body string) wire.Frame {
	return wire.Frame{Kind: wire.Call, Thread: 1, Service: uint16(nt.NtTable.Find(row).Info().Number), Body: []byte(body)}
}
