package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/winnt"
)

// watched starts to trace the calls of all clients. The returned function returns those since then.
func (p *program) watched() func() string {
	p.Helper()
	c := p.dial(p.admin)
	query := func(after uint64) inspect.Reply {
		p.Helper()
		q := check.Must(json.Marshal(inspect.Query{What: "calls", After: after}))
		b, err := c.Inspect(q)
		check.NoError(p, err)
		var a inspect.Reply
		check.NoError(p, json.Unmarshal(b, &a))
		return a
	}
	from := query(0).Next
	return func() string {
		p.Helper()
		var text strings.Builder
		for _, call := range query(from).Calls {
			text.WriteString(strings.Join(call.Lines, "\n") + "\n")
		}
		return text.String()
	}
}

// checkUntraced checks that a trace has the logon and none of the secrets in any encoding.
func (p *program) checkUntraced(text string, secrets ...[]byte) {
	p.Helper()
	check.That(p, strings.Contains(text, "LsaLogonUser") && strings.Contains(text, "***"),
		"the trace has no logon with stars:\n%s", text)
	for i, s := range secrets {
		for _, form := range []string{string(s), base64.StdEncoding.EncodeToString(s), hex.EncodeToString(s)} {
			check.That(p, !strings.Contains(strings.ToLower(text), strings.ToLower(form)), "L-1: the trace has secret %d", i)
		}
	}
}

// leavesNoCore checks that a daemon cannot dump core (K-83).
func (p *program) leavesNoCore(pid int) {
	p.Helper()
	b := check.Must(os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "limits")))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			if f := strings.Fields(rest); len(f) < 2 || f[0] != "1" || f[1] != "1" {
				p.Errorf("K-83: the limits of core files are %v, want a soft and a hard limit of 1", f)
			}
			return
		}
	}
	p.Error("K-83: the host reports no core file limit")
}

// TestTraceReportsOneLostCall checks that a slow trace reports lost calls even if the reply counts a single one, as
// every reply does for users without SeDebugPrivilege. A later trace leaves earlier calls out.
func TestTraceReportsOneLostCall(t *testing.T) {
	cfg := demoRuns(t)
	c, err := client.Dial(cfg.Socket)
	check.NoError(t, err)
	defer c.Close()
	l, err := (&inspectFlags{Socket: cfg.Socket}).open()
	check.NoError(t, err)
	defer l.close()
	first, err := l.query(inspect.Query{What: "calls"}) // the daemon now keeps the newest 2048 calls
	check.NoError(t, err)
	for range 2100 {
		c.Thread().NtClose(4)
	}
	var out strings.Builder
	_, n, err := l.calls(&streams{out: &out}, inspect.Query{What: "calls", After: first.Next}, false,
		math.MaxUint64)
	check.NoError(t, err)
	const want = "… 1 or more calls were lost here\n"
	check.That(t, n == 2048 && strings.HasPrefix(out.String(), want) && strings.Count(out.String(), want) == 1,
		"%d calls, %.200q, want 2048 after %q", n, out.String(), want)
	code, text, errs := runLine("trace", "--socket", cfg.Socket, "--for", "300ms")
	check.That(t, code == exitSuccess && text == "", "a trace after the calls: exit code %d %s, %.200q", code, errs, text)
}

// denying is an output during whose writes a client is denied a call.
type denying struct {
	*client.Conn
	text strings.Builder
}

func (d *denying) deny() {
	_, _ = d.Thread().NtOpenProcess(winnt.PROCESS_ALL_ACCESS, nil, &nt.ClientID{UniqueProcess: 4})
}

func (d *denying) Write(b []byte) (int, error) {
	d.deny()
	return d.text.Write(b)
}

// TestListEndsWhileClientsCall checks that why and trace end although clients make calls faster than they are printed.
func TestListEndsWhileClientsCall(t *testing.T) {
	cfg := demoRuns(t)
	c, err := client.Dial(cfg.Socket)
	check.NoError(t, err)
	defer c.Close()
	other, err := client.Dial(cfg.Socket)
	check.NoError(t, err)
	defer other.Close()
	go func() { // so that the trace has a first call to print
		for other.Err() == nil {
			(&denying{Conn: other}).deny()
			time.Sleep(time.Millisecond)
		}
	}()
	code, text, errs := runLine("trace", "--process", fmt.Sprint(uint64(c.Process())), "--for", "500ms", "--socket",
		cfg.Socket)
	check.That(t, code == exitSuccess && text == "", "a trace of a process without calls: exit code %d %s, %.200q", code,
		errs, text)
	for want, args := range map[string][]string{"NtOpenProcess": {"why"}, "": {"trace", "--for", "500ms"}} {
		out := denying{Conn: c}
		out.deny()
		code := run(append(args, "--socket", cfg.Socket), &streams{out: &out, err: &out})
		check.That(t, code == exitSuccess && strings.Contains(out.text.String(), want), "%q: exit code %d, %.200q", args,
			code, out.text.String())
	}
}

// TestEmptyDenialListNamesAdminSocket checks that an empty list names the administrators' socket to root, who sees
// only root's own denials at the ordinary socket.
func TestEmptyDenialListNamesAdminSocket(t *testing.T) {
	if got, want := noDenial("/run/refmon/admin.sock"), "No recent denial that you may see."; got != want {
		t.Errorf("with --socket: %q, want %q", got, want)
	}
	if got, want := noDenial(""), "--socket /run/refmon/admin.sock"; !strings.Contains(got, want) {
		t.Errorf("without --socket: %q, want text containing %q", got, want)
	}
}
