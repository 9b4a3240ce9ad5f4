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

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// served is the process of a program that connects to the kernel of a test.
type served struct{ *kernel.Process }

func (served) Profile() nt.Profile        { return nt.Observed }
func (served) GiveBack(thread *nt.Thread) { thread.Close() }

// daemonSocket starts a kernel like the embedded one that programs connect to, each
// with the token that next gives, and returns its socket. At the end nothing of the
// programs is left.
func daemonSocket(t *testing.T, next func(*kernel.System) (*token.Token, error)) string {
	t.Helper()
	sys, own := boot()
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
		defer p.Close()
		// A program that was killed is no fault; one that breaks a rule of the wire is.
		err = wire.Serve(c, served{p})
		if errors.Is(err, wire.ErrFrame) || errors.Is(err, wire.ErrValue) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		own.Close()
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	return socket
}

// TestDaemon runs the tests of TestC with their calls over a socket (W-10).
func TestDaemon(t *testing.T) {
	folder := library(t)
	program := compile(t, folder, append(sources(t), "-lrefmon")...)
	socket := daemonSocket(t, func(sys *kernel.System) (*token.Token, error) {
		// It has another descriptor than the one that a program gives it by its name.
		if err := sys.CreateFile("report", sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;WD)")); err != nil {
			return nil, err
		}
		return logOnAdministrator(sys)
	})
	out := run(t, "REFMON_SOCKET="+socket, program)
	if !regexp.MustCompile(`(?m)^\d+ assertions, 0 failed$`).MatchString(out) {
		t.Errorf("the count is missing or tells of failures:\n%s", out)
	}
}

// TestDaemonStory has the pair of examples/pipes/c on one daemon: the server opens
// files as the client who asks, and as no more than that client allows (I-7, I-22).
func TestDaemonStory(t *testing.T) {
	folder := library(t)
	server := compile(t, folder, "../examples/pipes/c/server.c", "-lrefmon")
	client := compile(t, folder, "../examples/pipes/c/client.c", "-lrefmon")
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
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "listening") {
		t.Fatalf("%q, %v", line, err)
	}
	next.Store(alice)
	const success, denied, level = "0x00000000", "0xC0000022", "0xC00000A5" // STATUS_BAD_IMPERSONATION_LEVEL
	want := "report: " + success + "\npayroll: " + denied + "\nserver-secret: " + denied + "\n"
	if got := run(t, "REFMON_SOCKET="+socket, client, "report", "payroll", "server-secret"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := run(t, "REFMON_SOCKET="+socket, client, "-identify", "report"); got != "report: "+level+"\n" {
		t.Errorf("%q, want %s", got, level)
	}
}

// TestDaemonRefused: without its daemon a program ends and says why, and the
// environment of a program with more rights than its caller is not asked (W-24).
func TestDaemonRefused(t *testing.T) {
	program := compile(t, library(t), "tests/example.c", "-lrefmon")
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "REFMON_SOCKET="+filepath.Join(t.TempDir(), "none"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 70 || !strings.Contains(string(out), "REFMON_SOCKET: refmond is not there") {
		t.Errorf("%v: %s", err, out)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(program, &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 || os.Getuid() != 0 {
		return // only root can make a program that runs with another group, and not everywhere
	}
	if err := errors.Join(os.Chown(program, 0, 54321), os.Chmod(program, 0o755|os.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(program)
	cmd.Env = append(os.Environ(), "REFMON_SOCKET="+filepath.Join(t.TempDir(), "none"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("a program with another group than its caller asks the environment: %v\n%s", err, out)
	}
}
