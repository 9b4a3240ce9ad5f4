package daemon_test

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// rival names the environment variable with this program's part in a benchmark, and the socket.
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

// parts maps names to the programs of a benchmark, which run until they are killed. Each reports when it is ready.
var parts = map[string]func(socket string) error{
	"daemon": serveCalls,
	"echo":   echo,
	"state":  enter,
	"files":  serveFiles,
	"crowd":  openMany,
	"client": func(socket string) error { return calls(socket, 1) },
	"flood":  func(socket string) error { return calls(socket, 250) },
	"burn": func(string) error {
		for range runtime.GOMAXPROCS(0) {
			go func() {
				for n := 0; ; n++ {
				}
			}()
		}
		return reportReady()
	},
}

// reportReady reports that the program is ready and keeps its resources until it is killed.
func reportReady(held ...any) error {
	fmt.Println("ready")
	select {}
}

// serveCalls runs a daemon with a file that no client may write.
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
	return reportReady()
}

// echo sends back its input.
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
	return reportReady()
}

// calls makes denied opens from that many threads concurrently.
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
	return reportReady()
}

// open is denied.
func open(th *nt.Thread) ntstatus.Status {
	_, st := th.NtOpenFile(winnt.FILE_WRITE_DATA, &nt.ObjectAttributes{ObjectName: "report"}, 0, 0)
	return st
}

// startPart starts a program of a benchmark and returns it with its socket.
func startPart(b *testing.B, part string) (*os.Process, string) {
	b.Helper()
	socket := filepath.Join(b.TempDir(), "s")
	return startProcess(b, socket, part), socket
}

// startRival is a competing program. It is stopped except while a benchmark measures against it.
func startRival(b *testing.B, socket, part string) *os.Process {
	b.Helper()
	p := startProcess(b, socket, part)
	_ = p.Signal(unix.SIGSTOP)
	return p
}

func startProcess(b testing.TB, socket, part string) *os.Process {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	var unit programs.Unit
	if (part == "daemon" || part == "files") && os.Getuid() == 0 {
		unit = programs.ReadUnit(b, "../systemd/refmond.service")
	}
	cmd.Env = append(os.Environ(), rival+"="+part+" "+socket)
	cmd.Stderr = os.Stderr
	out := check.Must(cmd.StdoutPipe())
	check.NoError(b, programs.StartApart(cmd))
	unit.Weigh(b, cmd)
	b.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	if _, err := out.Read(make([]byte, 8)); err != nil {
		b.Fatal(errors.Join(fmt.Errorf("%s is not ready", part), err))
	}
	return cmd.Process
}

// script has the states of a script file in their order, and the lines of each.
type script struct {
	names []string
	lines map[string][]string
}

//go:embed testdata/killed.txt
var killedText string

//go:embed testdata/killedintree.txt
var killedInTreeText string

// states parses a script and replaces references to other lines.
func states(text string) script {
	s, lets := script{lines: map[string][]string{}}, map[string][]string{}
	var to map[string][]string
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "let "); ok {
			to, name = lets, n
		} else if n, ok := strings.CutPrefix(line, "= "); ok {
			to, name, s.names = s.lines, n, append(s.names, n)
			s.lines[n] = nil
		} else if line != "" && line[0] != '#' {
			if l, ok := lets[line]; ok {
				to[name] = append(to[name], l...)
			} else if l, ok := lets[strings.TrimPrefix(line, "2 ")]; ok {
				for _, l := range l {
					to[name] = append(to[name], "2 "+l)
				}
			} else {
				to[name] = append(to[name], line)
			}
		}
	}
	return s
}

// player is a client that a test brings into a state by JSON frames.
type player struct {
	conn   *net.UnixConn
	from   *bufio.Reader
	number uint64
	held   []int   // received descriptors
	client string  // the last ClientId
	inside *player // at the connection of a program that it starts
}

// dialPlayer connects and sends the hello.
func dialPlayer(socket string) (*player, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, err
	}
	return newPlayer(conn)
}

func newPlayer(conn *net.UnixConn) (*player, error) {
	p := &player{conn: conn}
	p.from = bufio.NewReader(p)
	_, err := p.ask(wire.Frame{Kind: wire.Hello, Body: []byte(`{"Magic":"refmon","Version":1}`)})
	return p, err
}

// Read implements io.Reader. It keeps received descriptors.
func (p *player) Read(b []byte) (int, error) {
	oob := make([]byte, 512)
	n, oobn, _, _, err := p.conn.ReadMsgUnix(b, oob)
	if oobn == 0 || err != nil {
		return n, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	for i := range messages {
		fds, rights := unix.ParseUnixRights(&messages[i])
		p.held, err = append(p.held, fds...), errors.Join(err, rights)
	}
	return n, err
}

// close ends the program as a kill does: it closes the descriptors without a message.
func (p *player) close() {
	if p.inside != nil {
		p.inside.close()
	}
	for _, fd := range p.held {
		_ = unix.Close(fd)
	}
	_ = p.conn.Close()
}

// enter enters a state and reports it. A program that will block reports before it blocks.
func enter(socket string) error {
	socket, name, _ := strings.Cut(socket, " ")
	p, err := dialPlayer(socket)
	if err != nil {
		return err
	}
	lines, ok := states(killedText).lines[name]
	if !ok {
		lines = states(killedInTreeText).lines[name]
	}
	for _, line := range lines {
		if err := p.play(line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return reportReady()
}

// play executes one line.
func (p *player) play(line string) error {
	if l, ok := strings.CutPrefix(line, "inside "); ok {
		if err := p.enterInside(); err != nil {
			return err
		}
		return p.inside.play(l)
	}
	word, rest, _ := strings.Cut(strings.TrimPrefix(line, "2 "), " ")
	switch word {
	case "bytes", "batch", "unread":
		return p.write(word, rest)
	}
	f, want, err := p.frame(line)
	if err != nil {
		return err
	}
	if want == nil {
		return p.sendWaiting(f)
	}
	answer, err := p.ask(f)
	if err != nil {
		return err
	}
	var head struct {
		Status ntstatus.Status
		Out    struct{ ClientID json.RawMessage }
	}
	if err = json.Unmarshal(answer.Body, &head); err == nil && !want(head.Status) {
		err = fmt.Errorf("%s: %s", head.Status, answer.Body)
	}
	if head.Out.ClientID != nil {
		p.client = string(head.Out.ClientID)
	}
	return err
}

// write sends lines and reads no replies.
func (p *player) write(word, rest string) error {
	if word == "bytes" {
		b, err := hex.DecodeString(rest)
		if err == nil {
			_, err = p.conn.Write(b)
		}
		return err
	}
	f := call("NtClose", `{"In":{"Handle":"4000"}}`)
	count, line, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(count)
	if err == nil && word == "unread" {
		f, _, err = p.frame(line)
	}
	if err != nil {
		return err
	}
	one := wire.AppendFrame(nil, &f)
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second / 4)) // the daemon stops reading when it cannot send replies
	if _, err = p.conn.Write(append(bytes.Repeat(one, n), one[:9]...)); errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return err
}

// frame returns the frame of a line, and a function that accepts the expected status. It is nil for a call that waits.
func (p *player) frame(line string) (f wire.Frame, want func(ntstatus.Status) bool, err error) {
	line = strings.ReplaceAll(line, "$client", p.client)
	thread, want := uint32(1), ntstatus.Status.IsSuccess
	if l, ok := strings.CutPrefix(line, "2 "); ok {
		line, thread = l, 2
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "call":
		row, in, _ := strings.Cut(rest, " ")
		f = call(row, `{"In":`+in+`,"Why":true}`)
	case "with":
		f = call("NtOpenFile", `{"In":`+rest+`,"Why":true}`)
		f.Kind = wire.CallWith
	case "fails", "wait":
		status, row, in := cut3(rest)
		st, ok := ntstatus.Parse(status)
		if !ok {
			return f, nil, fmt.Errorf("no status %s", status)
		}
		f, want = call(row, `{"In":`+in+`,"Why":true}`), func(got ntstatus.Status) bool { return got == st }
		if word == "wait" {
			handle := in[strings.Index(in, `Handle":`)+len(`Handle":`):]
			handle = handle[:strings.IndexAny(handle, ",}")]
			f.Kind, want = wire.Wait, nil
			f.Body = fmt.Appendf(nil, `{"Handle":%s,"NotYet":%d,"In":%s}`, handle, uint32(st), in)
		}
	case "any":
		f, want = wire.Frame{Kind: wire.WaitAny, Body: []byte(rest)}, nil
	case "connected":
		f, want = wire.Frame{Kind: wire.Connected, Body: []byte(rest)}, nil
	case "thread":
		return wire.Frame{Kind: wire.NewThread}, want, nil
	case "save", "end", "inspect", "attach", "handout":
		f = wire.Frame{Kind: map[string]wire.Kind{"save": wire.Save, "end": wire.EndThread, "inspect": wire.Inspect,
			"attach": wire.Attach, "handout": wire.HandOut}[word], Body: []byte(rest)}
	default:
		return f, nil, errors.New("no such line")
	}
	f.Thread = thread
	return f, want, nil
}

func cut3(s string) (a, b, c string) {
	a, s, _ = strings.Cut(s, " ")
	b, c, _ = strings.Cut(s, " ")
	return a, b, c
}

// enterInside sends the hello at the most recent connection.
func (p *player) enterInside() error {
	if p.inside != nil {
		return nil
	}
	if len(p.held) == 0 {
		return errors.New("there is no connection to be inside of")
	}
	last := len(p.held) - 1
	f := os.NewFile(uintptr(p.held[last]), "inside")
	p.held = p.held[:last]
	conn, err := net.FileConn(f)
	_ = f.Close()
	if err == nil {
		p.inside, err = newPlayer(conn.(*net.UnixConn))
	}
	return err
}

// send sends a frame.
func (p *player) send(f *wire.Frame) error {
	p.number++
	f.Request = p.number
	_, err := p.conn.Write(wire.AppendFrame(nil, f))
	return err
}

// ask sends a frame and reads the reply.
func (p *player) ask(f wire.Frame) (*wire.Frame, error) {
	if err := p.send(&f); err != nil {
		return nil, err
	}
	answer, err := wire.ReadFrame(p.from)
	if err == nil && answer.Request != f.Request {
		err = fmt.Errorf("an answer to request %d, want %d: %s", answer.Request, f.Request, answer.Body)
	}
	return answer, err
}

// sendWaiting sends a call that waits without a reply, and checks that the next call of its thread gets a reply.
func (p *player) sendWaiting(f wire.Frame) error {
	if err := p.send(&f); err != nil {
		return err
	}
	next := call("NtClose", `{"In":{"Handle":"4000"}}`)
	next.Thread = f.Thread
	_, err := p.ask(next)
	return err
}

// ownName returns the process name of this test binary, which depends on go test -o and -cover.
func ownName(t *testing.T) string {
	t.Helper()
	comm := check.Must(os.ReadFile("/proc/self/comm"))
	return strings.TrimSpace(string(comm))
}
