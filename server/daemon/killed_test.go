package daemon_test

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
)

//go:embed testdata/killed.txt
var killedText string

// states returns the lines of each state, what stands for others in them.
func states() (names []string, lines map[string][]string) {
	lines, lets := map[string][]string{}, map[string][]string{}
	var to map[string][]string
	name := ""
	for line := range strings.Lines(killedText) {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "let "); ok {
			to, name = lets, n
		} else if n, ok := strings.CutPrefix(line, "= "); ok {
			to, name, names = lines, n, append(names, n)
			lines[n] = nil
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
	return names, lines
}

// player is a program that comes into a state, in frames of JSON.
type player struct {
	conn   net.Conn
	from   *bufio.Reader
	number uint64
}

// enter comes into a state, and says when it is there: what waits does so then.
func enter(socket string) error {
	socket, name, _ := strings.Cut(socket, " ")
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	p := &player{conn: conn, from: bufio.NewReader(conn)}
	if _, err := p.ask(wire.Frame{Kind: wire.Hello, Body: []byte(`{"Magic":"refmon","Version":1}`)}); err != nil {
		return err
	}
	_, lines := states()
	for _, line := range lines[name] {
		if err := p.play(line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return ready()
}

// play does what a line says.
func (p *player) play(line string) error {
	thread := uint32(1)
	if l, ok := strings.CutPrefix(line, "2 "); ok {
		line, thread = l, 2
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "bytes":
		b, err := hex.DecodeString(rest)
		if err == nil {
			_, err = p.conn.Write(b)
		}
		return err
	case "batch":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		f := call("NtClose", `{"In":{"Handle":"4000"}}`)
		one := wire.AppendFrame(nil, &f)
		_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second)) // the daemon reads no further than it can answer
		if _, err = p.conn.Write(append(bytes.Repeat(one, n), one[:9]...)); errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
		return err
	case "call":
		row, in, _ := strings.Cut(rest, " ")
		f := call(row, `{"In":`+in+`,"Why":true}`)
		f.Thread = thread
		return p.succeeds(f)
	case "wait", "connected":
		f := wire.Frame{Kind: wire.Connected, Thread: thread, Body: []byte(rest)}
		if word == "wait" {
			status, row, in := cut3(rest)
			st, ok := ntstatus.Parse(status)
			if !ok {
				return fmt.Errorf("no status %s", status)
			}
			f = call(row, "")
			f.Kind, f.Thread = wire.Wait, thread
			handle := in[strings.Index(in, `Handle":`)+len(`Handle":`):]
			handle = handle[:strings.IndexAny(handle, ",}")]
			f.Body = fmt.Appendf(nil, `{"Handle":%s,"NotYet":%d,"In":%s}`, handle, uint32(st), in)
		}
		return p.parks(f)
	case "thread":
		return p.succeeds(wire.Frame{Kind: wire.NewThread})
	case "save":
		return p.succeeds(wire.Frame{Kind: wire.Save, Thread: thread})
	case "end":
		return p.succeeds(wire.Frame{Kind: wire.EndThread, Thread: thread})
	case "look":
		return p.succeeds(wire.Frame{Kind: wire.Look, Thread: thread, Body: []byte(rest)})
	}
	return errors.New("no such line")
}

func cut3(s string) (a, b, c string) {
	a, s, _ = strings.Cut(s, " ")
	b, c, _ = strings.Cut(s, " ")
	return a, b, c
}

// ask sends a frame and reads what comes back.
func (p *player) ask(f wire.Frame) (*wire.Frame, error) {
	p.number++
	f.Request = p.number
	if _, err := p.conn.Write(wire.AppendFrame(nil, &f)); err != nil {
		return nil, err
	}
	answer, err := wire.ReadFrame(p.from)
	if err == nil && answer.Request != f.Request {
		err = fmt.Errorf("an answer to request %d, want %d: %s", answer.Request, f.Request, answer.Body)
	}
	return answer, err
}

func (p *player) succeeds(f wire.Frame) error {
	answer, err := p.ask(f)
	if err != nil {
		return err
	}
	head, _, err := wire.DecodeAnswerJSON(answer.Body)
	if err == nil && !head.Status.IsSuccess() {
		err = fmt.Errorf("%s", answer.Body)
	}
	return err
}

// parks sends a frame that waits: the next call of its thread is answered, and it is not.
func (p *player) parks(f wire.Frame) error {
	p.number++
	f.Request = p.number
	if _, err := p.conn.Write(wire.AppendFrame(nil, &f)); err != nil {
		return err
	}
	next := call("NtClose", `{"In":{"Handle":"4000"}}`)
	next.Thread = f.Thread
	_, err := p.ask(next)
	return err
}

// TestKilledInState kills a program in each state of each service, twice: nothing of it
// is left, and others are served meanwhile (W-12, W-13).
func TestKilledInState(t *testing.T) {
	d := start(t, func(c *daemon.Config) { c.LSA = logon.Example(sid.SID{}) })
	if err := d.System().CreateFile("report", sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")); err != nil {
		t.Fatal(err)
	}
	d.counts = d.now()
	names, _ := states()
	if len(names) < 35 {
		t.Errorf("%d states", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), rival+"=state "+d.socket+" "+name)
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_, err = out.Read(make([]byte, 8))
			before := d.now()
			_, _ = cmd.Process.Kill(), cmd.Wait()
			if err != nil {
				t.Fatal(said.String())
			}
			if before == d.counts {
				t.Error("the program held nothing")
			}
			left := &running{T: t, Daemon: d.Daemon, socket: d.socket, counts: d.counts}
			left.settles()
			left.works()
			left.settles()
		})
	}
}
