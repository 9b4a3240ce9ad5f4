package daemon_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// raw connects without a hello.
func (r *running) raw() *net.UnixConn {
	r.Helper()
	c := check.Must(net.DialUnix("unix", nil, &net.UnixAddr{Name: r.socket, Net: "unix"}))
	r.Cleanup(func() { _ = c.Close() })
	return c
}

var hello = wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})

// checkServed makes a call as a well-behaved client.
func (r *running) checkServed() {
	r.Helper()
	c := r.dial()
	defer c.Close()
	if h, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.Success {
		r.Errorf("a well-behaved client: %#x, %s, want %s", h, st, ntstatus.Success)
	}
}

// TestMalformedInputLeavesOthersServed sends malformed input: others are served, and nothing of the
// sender remains (W-2, W-6, W-13).
func TestMalformedInputLeavesOthersServed(t *testing.T) {
	d := start(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	long := binary.LittleEndian.AppendUint32(nil, ^uint32(0))
	after := func(b []byte) []byte { return append(append([]byte{}, hello...), b...) }
	for _, sent := range [][]byte{
		nil, noise, noise[:3], long, hello[:20], hello, after(noise), after(long), after(hello),
	} {
		c := d.raw()
		_, _ = c.Write(sent)
		d.checkServed()
		_ = c.Close()
	}
}

// TestUnexpectedDescriptorsAreClosed passes unexpected descriptors, before and after the hello. The daemon keeps none
// of them (W-25).
func TestUnexpectedDescriptorsAreClosed(t *testing.T) {
	d := start(t, nil)
	r, w, err := os.Pipe()
	check.NoError(t, err)
	defer r.Close()
	rights := unix.UnixRights(int(w.Fd()), int(w.Fd()), int(w.Fd()))
	for _, first := range [][]byte{hello[:1], hello} {
		c := d.raw()
		if _, _, err := c.WriteMsgUnix(first, rights, nil); err != nil {
			t.Fatal(err)
		}
		check.NoError(t, check.Err(c.Write(hello[1:2])))
	}
	d.checkServed()
	_ = w.Close()
	// Reading the pipe ends when neither this process nor another one holds its write end.
	_ = r.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := r.Read(make([]byte, 1)); n != 0 || os.IsTimeout(err) {
		t.Errorf("read from the pipe = %d, %v, want EOF: the daemon still has a passed descriptor", n, err)
	}
}

// openMany opens n connections. Half of them send nothing, the daemon serves the others.
func openMany(args string) error {
	socket, count, _ := strings.Cut(args, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("unix", socket)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		conns[i] = c
		if i%2 == 0 {
			continue
		}
		if _, err = c.Write(hello); err == nil {
			_, err = wire.ReadFrame(c)
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return reportReady(conns)
}

// TestKillOf10000ConnectionsLeavesNothing kills a program with 10,000 connections, or a tenth, and checks that another
// one is served meanwhile and that nothing remains (W-13, W-17).
func TestKillOf10000ConnectionsLeavesNothing(t *testing.T) {
	var limit unix.Rlimit
	check.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	n := randtest.Size(10_000)
	if limit.Cur < uint64(n)+500 { // Go raised it to the hard limit
		t.Skipf("RLIMIT_NOFILE is %d, want %d", limit.Cur, n+500)
	}
	d := start(t, func(c *daemon.Config) {
		c.Limits = daemon.Limits{PerUser: 1 << 20, Threads: 1 << 20, Quota: 1 << 30, Total: 1 << 32}
	})
	p := startProcess(t, d.socket+" "+strconv.Itoa(n), "crowd")
	d.checkServed()
	check.NoError(t, p.Kill())
}

// stranger is a uid without an account.
const stranger = 54321

// TestPassedConnectionActsAsItsOpener checks that a connection is a capability: a program of another user that receives
// its descriptor acts as the process that connected, with its token (W-40).
func TestPassedConnectionActsAsItsOpener(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	d := start(t, nil)
	c := d.raw()
	passed := check.Must(c.File())
	_ = c.Close() // the passed descriptor keeps the connection open
	defer passed.Close()
	got := check.Must(asuser.Run(stranger, stranger, func() (string, error) { return userOf(passed) }))
	if want := "S-1-22-1-" + strconv.Itoa(os.Getuid()); !strings.Contains(got, `"SID":"`+want+`"`) {
		t.Errorf("the program that got the descriptor: %s, want %s", got, want)
	}
}

// userOf returns the user that a connection reports.
func userOf(conn *os.File) (string, error) {
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
