package daemon_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// rival names the part that this program plays for a benchmark, and the socket.
const rival = "REFMON_TEST_RIVAL"

func TestMain(m *testing.M) {
	if part, socket, ok := strings.Cut(os.Getenv(rival), " "); ok {
		if err := parts[part](socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// parts has what the programs of a benchmark do until they are killed. Each says when it
// is ready.
var parts = map[string]func(socket string) error{
	"daemon": serveCalls,
	"echo":   echo,
	"state":  enter,
	"half":   halfCall,
	"files":  serveFiles,
	"asking": asking,
	"crowd":  crowd,
	"client": func(socket string) error { return calls(socket, 1) },
	"flood":  func(socket string) error { return calls(socket, 250) },
	"burn": func(string) error {
		for range runtime.GOMAXPROCS(0) {
			go func() {
				for n := 0; ; n++ {
				}
			}()
		}
		return ready()
	},
}

// ready says so and goes on, with what the program holds, until it is killed.
func ready(held ...any) error {
	fmt.Println("ready")
	select {}
}

// serveCalls is a daemon with a file that no client may write to.
func serveCalls(socket string) error {
	daemon.Spare()
	d, err := daemon.Start(daemon.Config{State: filepath.Join(filepath.Dir(socket), "state"), Socket: socket,
		Identity: peer.Accounts{}, Limits: daemon.Limits{PerUser: 1 << 20, Connections: 1 << 20, Threads: 1 << 20}})
	if err != nil {
		return err
	}
	sec, err := sddl.Parse("O:SYG:SYD:(D;;FW;;;WD)(A;;FR;;;WD)")
	if err != nil {
		return err
	}
	if err := d.System().CreateFile("report", sec); err != nil {
		return err
	}
	go func() { _ = d.Serve() }()
	return ready()
}

// echo sends back what it is sent.
func echo(socket string) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 4096)) }()
		}
	}()
	return ready()
}

// calls makes denied opens of so many threads at once.
func calls(socket string, threads int) error {
	c, err := client.Dial(socket)
	if err != nil {
		return err
	}
	for range threads {
		th, err := c.NewThread()
		if err != nil {
			return err
		}
		go func() {
			for {
				open(th)
			}
		}()
	}
	return ready()
}

// open is denied.
func open(th *nt.Thread) ntstatus.Status {
	_, st := th.NtOpenFile(winnt.FILE_WRITE_DATA, &nt.ObjectAttributes{ObjectName: "report"}, 0, 0)
	return st
}

// apart starts a program of a benchmark and returns it with its socket.
func apart(b *testing.B, part string) (*os.Process, string) {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "s")
	return play(b, socket, part), socket
}

// opponent is a program that competes; it is stopped unless it is measured against.
func opponent(b *testing.B, socket, part string) *os.Process {
	b.Helper()
	p := play(b, socket, part)
	_ = p.Signal(unix.SIGSTOP)
	return p
}

func play(b testing.TB, socket, part string) *os.Process {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	if nice, err := exec.LookPath("nice"); err == nil && (part == "daemon" || part == "files") && os.Getuid() == 0 {
		cmd = exec.Command(nice, "-n", "-10", os.Args[0]) // as refmond.service has it
	}
	cmd.Env = append(os.Environ(), rival+"="+part+" "+socket)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if _, err := out.Read(make([]byte, 8)); err != nil {
		b.Fatal(errors.Join(fmt.Errorf("%s is not ready", part), err))
	}
	return cmd.Process
}
