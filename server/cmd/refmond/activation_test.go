package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestActivation: refmond serves at a socket that its service manager holds. It ends, a
// client connects, and the next refmond serves it; the old connection says that it is
// over, and a new one is a new process (W-9, W-29).
func TestActivation(t *testing.T) {
	dir := t.TempDir()
	bin, config, socket := filepath.Join(dir, "refmond"), filepath.Join(dir, "refmond.yaml"), filepath.Join(dir, "s")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := "state: " + filepath.Join(dir, "state") + "\nsocket: " + socket + "\nadminSocket: ''\nlog: {level: error}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	held, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	serve := func() *exec.Cmd {
		cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --config "$1"`, bin, config)
		cmd.ExtraFiles, cmd.Stderr = []*os.File{held}, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	end := func(cmd *exec.Cmd) {
		if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	first := serve()
	c, err := client.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	end(first)
	if st := c.Thread().NtClose(4); st != ntstatus.PortDisconnected || c.Err() == nil {
		t.Errorf("a call of the old connection: %s, %v", st, c.Err())
	}
	dialled := make(chan error, 1)
	var again *client.Conn
	go func() { // before the next daemon is there
		var err error
		again, err = client.Dial(socket)
		dialled <- err
	}()
	second := serve()
	defer end(second)
	if err := <-dialled; err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, st := again.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.Success {
		t.Error(st)
	}
}
