package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/examples/pipes"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// demoFiles has the files of the demo. The domain is alice's and bob's.
var demoFiles = []struct{ name, sddl string }{
	{"report", "O:SYG:SYD:(A;;FR;;;DU)(A;;FA;;;SY)"},
	{"payroll", "O:SYG:SYD:(D;;FR;;;DU)(A;;FR;;;WD)(A;;FA;;;SY)"},
	{"server-secret", "O:NSG:NSD:(A;;FR;;;NS)(A;;FA;;;SY)"},
}

// demoTokens has the token of each program in the demo.
var demoTokens = map[string]string{
	"server": `{"user":"NS","groups":["WD","AU","BU"],"privileges":["SeChangeNotifyPrivilege","SeImpersonatePrivilege"]}`,
	"alice":  `{"user":"S-1-5-21-1-2-3-1107","groups":["DU","WD","AU"]}`,
	"bob":    `{"user":"S-1-5-21-1-2-3-1108","groups":["WD","AU"]}`,
}

// demoRole is the environment variable with the part that a child process of the demo plays.
const demoRole = "REFMOND_DEMO"

// demo starts a daemon in a temporary folder, runs three programs that show impersonation across processes, and
// serves until SIGTERM or SIGINT, until its terminal closes, or until its output is a pipe that closes. An error of the
// programs ends it at once. It removes the folder.
func demo(std *streams) (err error) {
	// The kernel kills the demo's programs when the thread that started them ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir, err := os.MkdirTemp("", "refmond-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, cfg, err := demoDaemon(dir, std)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGPIPE)
	if !signal.Ignored(unix.SIGHUP) { // nohup(1) ignores SIGHUP
		signal.Notify(signals, unix.SIGHUP)
	}
	defer signal.Stop(signals)
	fmt.Fprintf(std.out, "refmond plays a kernel on %s; its state is in %s.\n\n", cfg.Socket, cfg.State)
	return s.play(cfg.Socket, std, signals, served)
}

// play runs the demo's programs, waits for a signal or for the result of serving, and stops the service. It leaves no
// program behind. served must get the result of serving once.
func (s *service) play(socket string, std *streams, signals <-chan os.Signal, served <-chan error) error {
	server, err := s.story(std)
	ended := false
	if err == nil {
		fmt.Fprintf(std.out, demoNext, socket)
		select {
		case <-signals:
		case err = <-served:
			ended = true
		}
	}
	if server != nil {
		_ = server.Process.Kill()
		_ = server.Wait()
	}
	err = errors.Join(err, s.stop())
	if !ended {
		err = errors.Join(err, <-served)
	}
	return err
}

const demoNext = `
Now you, in another terminal:

  export REFMON_SOCKET=%s
  go run ./examples/pipes/client report payroll       # as yourself
  go run ./examples/pipes/client -identify report     # the server may know you, not act for you

docs/refmond.md goes on from here. Ctrl-C ends the demo and removes its folder.
`

// demoDaemon starts the demo's daemon in the folder dir. The demo's files exist only in the configuration, not in dir.
// The caller stops the service. After an error there is no service; if only the start failed, the configuration is
// still returned.
func demoDaemon(dir string, std *streams) (*service, *config, error) {
	cfg, err := load("")
	if err != nil {
		return nil, nil, err
	}
	cfg.State, cfg.Socket = filepath.Join(dir, "state"), filepath.Join(dir, "refmond.sock")
	cfg.AdminSocket = filepath.Join(dir, "admin.sock")
	cfg.Log.Level = "error"
	if err := cfg.check(); err != nil {
		return nil, nil, err
	}
	for _, f := range demoFiles {
		d, err := sddl.Parse(f.sddl, sddl.Options{Domain: sid.MustParse("S-1-5-21-1-2-3")})
		if err != nil {
			return nil, nil, err
		}
		cfg.files[f.name] = d
	}
	s, err := start(cfg, std)
	return s, cfg, err
}

// story runs the programs of the demonstration one after another and prints their output. It returns the server
// program, which keeps running, also with an error; nil if it did not start. The first program that fails ends the
// story.
func (s *service) story(std *streams) (*exec.Cmd, error) {
	server, out, err := s.actor("server", "server")
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		return server, fmt.Errorf("the demo's server: %w", err)
	}
	fmt.Fprintf(std.out, "Program 1, NETWORK SERVICE with SeImpersonatePrivilege: %s", line)
	go func() { _, _ = io.Copy(io.Discard, lines) }() // the log would mix with the clients' output
	for i, c := range []struct {
		user, text string
		args       []string
	}{
		{"alice", "lets the server act for her; what it opens, it opens as alice",
			[]string{"act", "report", "payroll", "server-secret"}},
		{"bob", "is another user: the same server, the same code, other answers", []string{"act", "report", "payroll"}},
		{"alice", "lets the server know who she is, and no more", []string{"identify", "report"}},
	} {
		fmt.Fprintf(std.out, "\nProgram %d, %s, %s:\n", i+2, c.user, c.text)
		cmd, out, err := s.actor(c.user, c.args...)
		if err != nil {
			return server, err
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintf(std.out, "  %s\n", lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			return server, fmt.Errorf("the demo's %s: %w", c.user, err)
		}
	}
	return server, nil
}

// actor starts one program of the demonstration: this program again as a child, with a connection whose process has the
// named token. The program is killed when this thread ends. The caller waits for it. After an error no program runs.
func (s *service) actor(who string, args ...string) (*exec.Cmd, io.Reader, error) {
	tok, err := token.Parse([]byte(demoTokens[who]))
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	f, err := s.Attach(who, tok)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // the program has a duplicate
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), demoRole+"="+who, "REFMON_SOCKET=fd:3")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return cmd, out, cmd.Start()
}

// act runs one program of the demo. args[0] selects it: "server", or a client that requests the files in the other
// arguments. The client "identify" asks at SecurityIdentification, any other at SecurityImpersonation. A daemon that
// cannot be reached is an error. args must not be empty.
func act(args []string, std *streams) error {
	conn, err := client.Dial(client.Socket())
	if err != nil {
		return err
	}
	switch {
	case args[0] == "server":
		return pipes.Serve(conn, std.out)
	case args[0] == "identify":
		return pipes.Ask(conn, winnt.SecurityIdentification, args[1:], std.out)
	}
	return pipes.Ask(conn, winnt.SecurityImpersonation, args[1:], std.out)
}
