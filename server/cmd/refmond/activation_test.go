package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestSocketActivationSurvivesRestart restarts refmond while its service manager holds the socket. A client that
// connects meanwhile is served by the next refmond. The old connection reports its end, and a new connection is a new
// process (W-9, W-29). Between the two, the socket becomes that of the administrators.
func TestSocketActivationSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	bin, config, socket := filepath.Join(dir, "refmond"), filepath.Join(dir, "refmond.yaml"), filepath.Join(dir, "s")
	programs.Self(t, dir, programName)
	text := "state: " + filepath.Join(dir, "state") + "\nsocket: " + socket + "\nadminSocket: ''\nlog: {level: error}\n"
	check.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	l := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"}))
	defer l.Close()
	held, err := l.File()
	check.NoError(t, err)
	defer held.Close()
	serve := func() *exec.Cmd {
		cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve --config "$1"`, bin, config)
		cmd.ExtraFiles, cmd.Stderr = []*os.File{held}, os.Stderr
		check.NoError(t, cmd.Start())
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
	check.NoError(t, err)
	defer c.Close()
	end(first)
	if st := c.Thread().NtClose(4); st != ntstatus.PortDisconnected || c.Err() == nil {
		t.Errorf("a call of the old connection: %s, %v", st, c.Err())
	}
	dialled := make(chan error, 1)
	var again *client.Conn
	go func() { // before the next daemon starts
		var err error
		again, err = client.Dial(socket)
		dialled <- err
	}()
	swapped := strings.NewReplacer("\nsocket: "+socket, "\nsocket: "+socket+"2", "''", socket).Replace(text)
	check.NoError(t, os.WriteFile(config, []byte(swapped), 0o600)) // the socket is now the administrators'
	second := serve()
	defer end(second)
	check.NoError(t, <-dialled)
	defer again.Close()
	if _, st := again.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY); st != ntstatus.Success {
		t.Error(st)
	}
	check.NoError(t, os.WriteFile(config, []byte(strings.Replace(text, "socket: ", "socket: /other", 1)), 0o600))
	third := serve()
	check.That(t, third.Wait() != nil, "a daemon serves a socket that its configuration does not name")
}

// TestInheritedSocketsNeedMatchingListenPID checks that inherited sockets are used only if LISTEN_PID is this process
// and LISTEN_FDS matches (W-29).
func TestInheritedSocketsNeedMatchingListenPID(t *testing.T) {
	own := fmt.Sprint(os.Getpid())
	for _, c := range []struct {
		pid, count string
		bad        bool
	}{{own, "0", false}, {own, "17", true}, {own, "-1", true}, {own, "", true}, {own, "two", true}, {"1", "1", false},
		{"", "1", false}, {"1", "two", false}} {
		t.Setenv("LISTEN_PID", c.pid)
		t.Setenv("LISTEN_FDS", c.count)
		t.Setenv("LISTEN_FDNAMES", "x")
		list, err := inherited()
		check.That(t, err == nil || strings.Contains(err.Error(), "want a number of sockets"),
			"%+v: descriptors were looked at: %v", c, err)
		if (err != nil) != c.bad || len(list) > 0 || os.Getenv("LISTEN_PID")+os.Getenv("LISTEN_FDS")+
			os.Getenv("LISTEN_FDNAMES") != "" {
			t.Errorf("%+v: %v, %v, LISTEN_PID is %q afterwards", c, list, err, os.Getenv("LISTEN_PID"))
		}
	}
	file := check.Must(unix.Open(written(t, filepath.Join(t.TempDir(), "f"), ""), unix.O_RDONLY|unix.O_CLOEXEC, 0))
	if l, err := listener(uintptr(file)); err == nil { // closes the descriptor
		t.Errorf("a file is a socket: %v", l.Addr())
	}
}

// TestSystemdAcceptsShippedUnits checks that systemd accepts the shipped units, if it is installed.
func TestSystemdAcceptsShippedUnits(t *testing.T) {
	text := check.Must(os.ReadFile("../../systemd/refmond.service"))
	socket := check.Must(os.ReadFile("../../systemd/refmond.socket"))
	shipped, err := load("")
	check.NoError(t, err)
	for _, at := range []string{shipped.Socket, shipped.AdminSocket} {
		check.That(t, strings.Contains(string(socket), "ListenStream="+at+"\n"),
			"the socket unit does not listen at %s", at)
	}
	check.That(t, strings.Contains(string(text), "refmond serve --config"), "the unit does not start refmond serve")
	check.That(t, strings.Contains(string(text), "\nWants=refmond.socket\n"), "the unit does not start its sockets")
	trees := check.Must(os.ReadFile("../../systemd/refmond-trees.conf"))
	directory := check.Must(os.ReadFile("../../systemd/refmond-directory.conf"))
	for _, c := range ofTrees {
		check.Equal(t, strings.Count(string(trees), c.name), 2,
			"refmond-trees.conf does not give %s", c.name)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine")
	}
	program := filepath.Join(t.TempDir(), "refmond")
	check.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700))
	dir := t.TempDir()
	unit, sockets := filepath.Join(dir, "refmond.service"), filepath.Join(dir, "refmond.socket")
	shown := strings.ReplaceAll(string(text), "/usr/local/bin/refmond", program) + string(trees) + string(directory)
	check.NoError(t, errors.Join(os.WriteFile(unit, []byte(shown), 0o600), os.WriteFile(sockets, socket, 0o600)))
	// The unit of a mount without a daemon is a template: its instance is the escaped path of the tree.
	mount := check.Must(os.ReadFile("../../systemd/refmond-mount@.service"))
	mounts := filepath.Join(dir, "refmond-mount@srv-projects.service")
	check.NoError(t, os.WriteFile(mounts, []byte(strings.ReplaceAll(string(mount), "/usr/local/bin/refmond", program)),
		0o600))
	out, err := exec.Command(analyze, "verify", "--man=no", unit, sockets, mounts).CombinedOutput()
	check.That(t, !strings.Contains(string(out), "Unknown key") && !strings.Contains(string(out), "Failed to parse"),
		"%v\n%s", err, out)
}

// TestUnitsOfTreesAllowOpenat2 checks that the units that serve trees leave out RestrictSUIDSGID. With it, systemd lets
// openat2 fail with ENOSYS, and a tree cannot be served. The error then names the drop-in.
func TestUnitsOfTreesAllowOpenat2(t *testing.T) {
	for err, want := range map[error]bool{unix.ENOSYS: true, unix.EACCES: false} {
		got := adviseTrees(fmt.Errorf("openat2: %w", err))
		check.That(t, errors.Is(got, err) && strings.Contains(got.Error(), "refmond-trees.conf") == want, "%v", got)
	}
	for name, files := range map[string][]string{
		"refmond.service with trees": {"refmond.service", "refmond-trees.conf"},
		"refmond-mount@.service":     {"refmond-mount@.service"},
	} {
		restricted := "no"
		for _, f := range files {
			text := check.Must(os.ReadFile(filepath.Join("../../systemd", f)))
			for line := range strings.Lines(string(text)) {
				if value, ok := strings.CutPrefix(strings.TrimSpace(line), "RestrictSUIDSGID="); ok {
					restricted = value // the last one counts
				}
			}
		}
		check.That(t, restricted == "no",
			"%s: RestrictSUIDSGID=%s, want no: systemd then forbids openat2", name, restricted)
	}
}

// TestUnitsAreHardened checks that systemd-analyze rates the exposure of each unit at 3.0 or less, also of a refmond
// with trees, and of one with a directory, which has a network.
func TestUnitsAreHardened(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine")
	}
	if out, err := exec.Command(analyze, "security", "--offline=yes", "--help").CombinedOutput(); err != nil {
		t.Skipf("an old systemd-analyze: %s", out)
	}
	const units = "../../systemd"
	services := check.Must(filepath.Glob(units + "/*.service"))
	check.That(t, len(services) >= 9, "%d units, want at least 9", len(services))
	for _, unit := range append(services, units+"/refmond.service+trees", units+"/refmond.service+directory") {
		service, addition, more := strings.Cut(unit, "+")
		text := check.Must(os.ReadFile(service))
		if more {
			text = append(text, check.Must(os.ReadFile(units+"/refmond-"+addition+".conf"))...)
		}
		name := strings.Replace(filepath.Base(service), "@.", "@srv.", 1) // the instance of a template
		file := written(t, filepath.Join(t.TempDir(), name), string(text))
		out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold=30", "--no-pager", file).CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if last := lines[len(lines)-1]; err != nil || !strings.Contains(last, "Overall exposure level") {
			t.Errorf("%s: %v: %s", unit, err, last)
		} else {
			t.Log(last)
		}
	}
}

// TestOnlyUnixStreamSocketsAreListenedOn checks that a passed descriptor of another kind is an error, and that the
// descriptor is closed in every case.
func TestOnlyUnixStreamSocketsAreListenedOn(t *testing.T) {
	for _, c := range []struct {
		family, kind int
		at           unix.Sockaddr
		good         bool
	}{{unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}, true},
		{unix.AF_UNIX, unix.SOCK_SEQPACKET, &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}, false},
		{unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}, false}} {
		fd := check.Must(unix.Socket(c.family, c.kind|unix.SOCK_CLOEXEC, 0))
		check.NoError(t, unix.Bind(fd, c.at))
		check.NoError(t, unix.Listen(fd, 1))
		l, err := listener(uintptr(fd)) //nolint:gosec // a descriptor
		check.That(t, (err == nil) == c.good && (l != nil) == c.good, "family %d, kind %d: %v", c.family, c.kind, err)
		if l != nil {
			check.NoError(t, l.Close())
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0) //nolint:gosec // a descriptor
		check.ErrorIs(t, err, unix.EBADF, "family %d, kind %d: the passed descriptor", c.family, c.kind)
	}
}
