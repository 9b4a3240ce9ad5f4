//go:build cgo && linux

package main

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// daemonSocket starts a daemon with a kernel like the embedded one and returns its socket. next returns the token of
// each connecting program. At the end of the test the kernel must not leak.
func daemonSocket(t *testing.T, next func(*kernel.System) (*token.Token, error)) string {
	t.Helper()
	sys, own := boot()
	host := &wired.Host{System: sys, Profile: sys.Profile()}
	socket, stop := wired.Listen(t, func(c net.Conn) {
		tok, err := next(sys)
		if err != nil {
			t.Error(err)
			return
		}
		p, err := sys.NewProcess("librefmon", tok)
		if err != nil {
			t.Error(err)
			return
		}
		// A killed program is not an error, a protocol violation is.
		err = host.Serve(c, p)
		check.That(t, !errors.Is(err, wire.ErrFrame) && !errors.Is(err, wire.ErrValue), "%v", err)
	})
	t.Cleanup(func() {
		stop()
		host.Wait()
		own.Close()
		check.NoError(t, sys.Close())
	})
	return socket
}

// The C tests pass with their calls over a socket (W-10).
func TestCTestsPassWithDaemon(t *testing.T) {
	program := testsInC(t)
	socket := daemonSocket(t, func(sys *kernel.System) (*token.Token, error) {
		// This descriptor differs from the one that a program sets by name.
		err := sys.CreateFile("report", sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;WD)"))
		if err != nil && !errors.Is(err, ntstatus.ObjectNameCollision.Err()) { // a program that the first one starts
			return nil, err
		}
		return logOnAdministrator(sys)
	})
	installPrograms(t)
	out := run(t, "REFMON_SOCKET="+socket, program)
	check.That(t, regexp.MustCompile(`(?m)^\d+ assertions, 0 failed$`).MatchString(out),
		"the output has no line \"N assertions, 0 failed\":\n%s", out)
}

// installPrograms puts the programs that the tests start into the test's folder and into PATH. They run until they are
// terminated.
func installPrograms(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	const script = "#!/bin/sh\nexec sleep 600 >/dev/null 2>&1\n"
	for _, name := range []string{"a", "program"} {
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Chdir(dir)
}

// CreateProcess starts programs that run in the process that was created for them (W-51, W-52, O-166, O-167).
func TestDaemonRunsCreatedPrograms(t *testing.T) {
	folder := library(t)
	program := compile(t, folder, "tests/programs/main.c", "-lrefmon")
	socket := daemonSocket(t, logOnAdministrator)
	installPrograms(t)
	out := run(t, "REFMON_SOCKET="+socket, program)
	check.That(t, strings.HasSuffix(out, "0 failed\n"), "output %s, want it to end with %q", out, "0 failed\n")
}

// The name of a daemon's computer is the host's, which may be longer than 15 characters. Look-ups on that computer
// succeed all the same.
func TestDaemonComputerMayHaveLongName(t *testing.T) {
	own := authority
	defer func() { authority = own }()
	authority = func() logon.Authority {
		return check.Must(logon.NewMemory(logon.Settings{Computer: "IP-172-31-45-123"}))
	}
	program := compile(t, library(t), "tests/naming/main.c", "-lrefmon")
	out := run(t, "REFMON_SOCKET="+daemonSocket(t, logOnAdministrator), program)
	check.That(t, strings.HasSuffix(out, " 0 failed\n"), "output %s, want it to end with %q", out, " 0 failed\n")
}

// Kernel-mode routines need the program's own kernel. With a daemon the program exits with a message that says what
// to do (W-4).
func TestDaemonRejectsKernelMode(t *testing.T) {
	program := compile(t, library(t), "tests/ending/kernel.c", "-lrefmonk", "-lrefmon")
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "REFMON_SOCKET="+daemonSocket(t, logOnAdministrator))
	out, err := cmd.CombinedOutput()
	const want = "kernel mode is not available while REFMON_SOCKET names a daemon: unset it"
	if cmd.ProcessState.ExitCode() != 70 || !strings.Contains(string(out), want) {
		t.Errorf("exit code %d, %v: %s; want 70 and %q", cmd.ProcessState.ExitCode(), err, out, want)
	}
}

// Both programs in examples/pipes/c run with one daemon. The server opens files as its client, and only with the
// client's rights (I-7, I-22). It alone serves its pipe. Clients that leave at once and too many
// clients do not end it.
func TestDaemonServesPipeExamples(t *testing.T) {
	folder := library(t)
	server := compile(t, folder, "../examples/pipes/c/server.c", "-lrefmon")
	asker := compile(t, folder, "../examples/pipes/c/client.c", "-lrefmon")
	const (
		service = `{"user":"NS","groups":["WD","BU"],"privileges":["SeImpersonatePrivilege"]}`
		alice   = `{"user":"S-1-5-21-1-2-3-1107","groups":["WD","AU"]}`
	)
	var next atomic.Value // token of the program that connects next
	next.Store(service)
	socket := daemonSocket(t, func(sys *kernel.System) (*token.Token, error) {
		if next.Load() == service {
			for name, text := range map[string]string{
				"report":  "O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)",
				"größe 😀": "O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)",
				"payroll": "O:SYG:SYD:(A;;FR;;;BA)", "server-secret": "O:NSG:NSD:(A;;FR;;;NS)",
			} {
				if err := sys.CreateFile(name, sddl.MustParse(text)); err != nil {
					return nil, err
				}
			}
		}
		return token.Parse([]byte(next.Load().(string)))
	})
	cmd := exec.Command(server)
	cmd.Env = append(os.Environ(), "REFMON_SOCKET="+socket)
	out := check.Must(cmd.StdoutPipe())
	check.NoError(t, cmd.Start())
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening") {
		t.Fatalf(`output of the server: %q, %v; want text starting with "listening"`, line, err)
	}
	next.Store(alice)
	const success, denied, level = "0x00000000", "0xC0000022", "0xC00000A5" // STATUS_BAD_IMPERSONATION_LEVEL
	want := "report: " + success + "\npayroll: " + denied + "\nserver-secret: " + denied +
		"\ngröße 😀: " + success + "\n\xff: 0xC0000033\n" // STATUS_OBJECT_NAME_INVALID
	if got, err := exec.Command("env", "REFMON_SOCKET="+socket, server).CombinedOutput(); string(got) !=
		"the pipe: error 5\n" {
		t.Errorf("a client serves the same pipe: %s, %v; want ERROR_ACCESS_DENIED", got, err)
	}
	conn := check.Must(client.Dial(socket))
	defer conn.Close()
	for _, stays := range []bool{false, true} {
		var all []*nt.PipeConn
		for range 300 { // more than a pipe has instances
			c, err := conn.Thread().DialPipe("orders", nil)
			switch {
			case err != nil:
				check.ErrorIs(t, err, ntstatus.PipeNotAvailable.Err(), "connecting")
			case stays:
				all = append(all, c)
			default:
				check.NoError(t, c.Close())
			}
		}
		for _, c := range all {
			check.NoError(t, c.Close())
		}
	}
	check.Equal(t, run(t, "REFMON_SOCKET="+socket, asker, "report", "payroll", "server-secret", "größe 😀", "\xff"),
		want, "output of the client")
	if got := run(t, "REFMON_SOCKET="+socket, asker, "-identify", "report"); got != "report: "+level+"\n" {
		t.Errorf("output of the client with -identify: %q, want status %s", got, level)
	}
	// A client's name cannot control the terminal of the server.
	run(t, "REFMON_SOCKET="+socket, asker, "\x1b[2J\"")
	for name := ""; !strings.Contains(name, "2J"); {
		line, err := lines.ReadString('\n')
		check.RequireThat(t, err == nil, "reading the output of the server: %v", err)
		name, _ = strings.CutPrefix(line, "asked for ")
		check.That(t, !strings.Contains(name, "2J") || name == `"\x1b[2J\x22": 0xC0000034`+"\n",
			"the server printed %q, want the name escaped", line)
	}
}

// A program whose daemon cannot be reached exits with the reason.
func TestProgramExitsWithoutDaemon(t *testing.T) {
	program := compile(t, library(t), "tests/example.c", "-lrefmon")
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "REFMON_SOCKET="+filepath.Join(t.TempDir(), "none"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 70 || !strings.Contains(string(out), "REFMON_SOCKET: refmond is not running") {
		t.Errorf("exit code %d, %v: %s; want 70 and a message that refmond is not running", cmd.ProcessState.ExitCode(),
			err, out)
	}
}

// A program whose daemon has ended gets no SID of its computer.
func TestComputerOfEndedDaemonIsUnknown(t *testing.T) {
	c := newCaller(t)
	defer c.leave()
	conn := check.Must(client.Dial(daemonSocket(t, logOnAdministrator)))
	own := daemon
	daemon = func() *attached { return &attached{Conn: conn, own: conn.Thread()} }
	defer func() { daemon = own }()
	at := c.bytes(make([]byte, 8))
	check.Success(t, c.call("RmComputer", at))
	check.NoError(t, conn.Close())
	check.Equal(t, c.call("RmComputer", at), ntstatus.PortDisconnected, "computer of an ended daemon")
}

// noID is a connection on which the query for a thread's id fails.
type noID struct {
	nt.Transport
	st    ntstatus.Status
	ended int
}

// Call implements nt.Transport.
func (n *noID) Call(*nt.Row, any, bool) (any, ntstatus.Status, nt.Why) {
	return nt.QueryInformationThreadOut{}, n.st, nt.Why{}
}

// EndThread implements nt.Transport.
func (n *noID) EndThread() { n.ended++ }

// attachTo ends a thread whose id the daemon does not return, because it would have the id 0 (W-10).
func TestAttachNeedsThreadID(t *testing.T) {
	for _, st := range []ntstatus.Status{ntstatus.PortDisconnected, ntstatus.Success} {
		tr := &noID{st: st}
		id := attachTo(tr, nt.Observed)
		check.That(t, id == 0 && tr.ended == 1,
			"attachTo with %v and no id: thread %d, ended %d times; want thread 0, ended once", st, id, tr.ended)
		detach(id)
	}
}
