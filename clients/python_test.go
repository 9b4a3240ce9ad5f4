package clients

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/ntostest"
	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// python returns the interpreter, or skips the test.
func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	old := exec.Command(path, "-c", "import sys; sys.exit(sys.version_info < (3, 9))")
	if out, err := old.CombinedOutput(); err != nil {
		t.Skipf("python3 is older than 3.9 (%v) %s", err, out)
	}
	return path
}

// TestPythonPrintsEqualTranscripts runs the transcripts with the user-mode calls made by the Python client: a fifth of
// their cases, or all with REFMON_DEEP=1. The output is equal, byte by byte (W-10, W-36).
func TestPythonPrintsEqualTranscripts(t *testing.T) {
	p := startProgram(t)
	ntostest.WalkThrough(t, "../internal/test/ntostest/testdata", p.dial)
}

// program is tests/transport.py.
type program struct {
	dir string
	mu  sync.Mutex
	// +checklocks:mu
	in *json.Encoder // guarded by mu
	// +checklocks:mu
	out *bufio.Reader // guarded by mu
	// +checklocks:mu
	last int // number of the newest connection; guarded by mu
}

func startProgram(t *testing.T) *program {
	t.Helper()
	cmd := exec.Command(python(t), filepath.Join("python", "tests", "transport.py"))
	cmd.Stderr = os.Stderr
	in := check.Must(cmd.StdinPipe())
	out := check.Must(cmd.StdoutPipe())
	check.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		check.NoError(t, cmd.Wait())
	})
	return &program{dir: t.TempDir(), in: json.NewEncoder(in), out: bufio.NewReader(out)}
}

// do has the program do something and decodes its answer.
func (p *program) do(answer any, op string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.in.Encode(append([]any{op}, args...)); err != nil {
		return err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	var a struct {
		Answer json.RawMessage
		Error  string
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return err
	}
	if a.Error != "" {
		return errors.New("python: " + a.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(a.Answer, answer)
}

// connection is a connection of the program. It implements [wired.Client].
type connection struct {
	p      *program
	number int
	first  *nt.Thread
	made   made // the first thread; immutable

	mu sync.Mutex
	// +checklocks:mu
	err error // the first fault; guarded by mu
}

type made struct {
	Number   uint32
	Name     string
	Observed bool // the profile of the connection
}

// dial has the program connect to the other end of a stream, by a socket between.
func (p *program) dial(stream net.Conn) (wired.Client, error) {
	p.mu.Lock()
	p.last++
	c := &connection{p: p, number: p.last}
	p.mu.Unlock()
	l, err := net.Listen("unix", filepath.Join(p.dir, fmt.Sprint(c.number)))
	if err != nil {
		return nil, err
	}
	defer l.Close()
	go func() {
		socket, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(stream, socket)
			_ = stream.Close()
		}()
		_, _ = io.Copy(socket, stream)
		_ = socket.Close()
	}()
	m := &c.made
	if err := p.do(m, "connect", c.number, l.Addr().String()); err != nil {
		return nil, err
	}
	c.first = nt.NewRemoteThread(&thread{c, m.Number}, m.Name)
	return c, nil
}

func (c *connection) Thread() *nt.Thread { return c.first }

func (c *connection) NewThread() (*nt.Thread, error) {
	var m made
	err := c.do(&m, "thread")
	return nt.NewRemoteThread(&thread{c, m.Number}, m.Name), err
}

func (c *connection) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *connection) Close() error { return c.do(nil, "close") }

// do notes the first fault.
func (c *connection) do(answer any, op string, args ...any) error {
	err := c.p.do(answer, op, append([]any{c.number}, args...)...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	return err
}

// thread makes calls through the program. It implements [nt.Transport].
type thread struct {
	c      *connection
	number uint32
}

func (t *thread) Call(row *nt.Row, in any, why bool) (any, ntstatus.Status, nt.Why) {
	return t.call(row, in, why)
}

func (t *thread) CallWhenReady(row *nt.Row, in any, w nt.Wait) (any, ntstatus.Status) {
	out, st, _ := t.call(row, in, false, w.Handle, w.NotYet)
	return out, st
}

func (t *thread) call(row *nt.Row, in any, why bool, wait ...any) (out any, st ntstatus.Status, reason nt.Why) {
	r := wire.Rows()[row.Info().Number]
	params, err := r.AppendInJSON(nil, in)
	var answer json.RawMessage
	if err == nil {
		args := append([]any{t.number, row.Info().Name, json.RawMessage(params), why}, wait...)
		err = t.c.do(&answer, "call", args...)
	}
	var head wire.AnswerHead
	if err == nil {
		var rest []byte
		head, rest, err = wire.DecodeAnswerJSON(answer)
		if err == nil && rest != nil {
			out, err = r.DecodeOutJSON(rest)
		}
	}
	if out == nil {
		out = r.Nothing()
	}
	if err != nil {
		t.c.fail(err)
		return out, ntstatus.PortDisconnected, nt.Why{Because: err.Error()}
	}
	return out, head.Status, head.Reason()
}

func (c *connection) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

func (t *thread) NewThread() (nt.Transport, string, ntstatus.Status) {
	var m made
	if err := t.c.do(&m, "thread"); err != nil {
		return nil, "", ntstatus.PortDisconnected
	}
	return &thread{t.c, m.Number}, m.Name, ntstatus.Success
}

func (t *thread) SaveImpersonation() (nt.Ticket, ntstatus.Status) {
	var k nt.Ticket
	if err := t.c.do(&k, "save", t.number); err != nil {
		return 0, ntstatus.PortDisconnected
	}
	return k, ntstatus.Success
}

func (t *thread) RestoreImpersonation(k nt.Ticket) { _ = t.c.do(nil, "restore", t.number, k) }

func (t *thread) EndThread() { _ = t.c.do(nil, "end", t.number) }

func (t *thread) Profile() nt.Profile {
	if t.c.made.Observed {
		return nt.Observed
	}
	return nt.Documented
}
