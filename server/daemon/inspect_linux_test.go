package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// lines stores the log lines of a daemon as objects.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// withMessage returns the lines with a message, without their times.
func (l *lines) withMessage(t *testing.T, message string) (found []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		m := map[string]any{}
		check.NoError(t, json.Unmarshal([]byte(line), &m))
		if delete(m, "time"); m["msg"] == message {
			found = append(found, m)
		}
	}
	return found
}

// TestSessionQueryFillsEveryField checks each field of each connection: of programs that connected, of a child
// program, and of one that the daemon's program attached (W-27, W-40). The log has the same
// numbers.
func TestSessionQueryFillsEveryField(t *testing.T) {
	who, log := make(roles, 1), &lines{}
	d := start(t, func(c *daemon.Config) {
		c.Identity = who
		c.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	begun := time.Now()
	admin, other := d.as(who, administrator), d.as(who, alice)
	child := childOf(t, admin)
	tok := check.Must(token.New(token.LocalSystem()))
	f := check.Must(d.Attach("worker", tok))
	inside := connectionOf(t, f)
	program := ownName(t)
	want := map[uint64]inspect.Session{}
	logged := map[string]map[string]any{}
	for _, c := range []struct {
		of   *client.Conn
		name string
		pid  int
		user string
	}{{admin, program, os.Getpid(), "S-1-5-21-1-2-3-500"}, {other, program, os.Getpid(), "S-1-5-21-1-2-3-1107"},
		{child, program + ".1", 0, "S-1-5-21-1-2-3-500"}, {inside, "worker", 0, "S-1-5-18"}} {
		id := uint64(c.of.Process())
		want[id] = inspect.Session{Process: id, Name: c.name, UID: uint32(os.Getuid()), PID: c.pid, User: c.user,
			Session: fmt.Sprintf("0x%x", uint64(information[nt.TokenStatistics](c.of.Thread(),
				winnt.TokenStatistics).AuthenticationID))}
		logged[fmt.Sprint(id)] = map[string]any{"level": "DEBUG", "msg": "connection", "uid": float64(os.Getuid()),
			"pid": float64(c.pid), "process": float64(id), "name": c.name}
	}
	got := map[uint64]inspect.Session{}
	last := uint64(0)
	for _, s := range ask(t, admin, inspect.Query{What: "sessions"}).Sessions {
		check.That(t, !s.Since.Before(begun.Add(-time.Second)) && !s.Since.After(time.Now()) && s.Process > last,
			"%+v, after process %d", s, last)
		last, s.Since = s.Process, time.Time{}
		got[s.Process] = s
	}
	check.That(t, reflect.DeepEqual(got, want), "W-27: sessions\n%+v, want\n%+v", got, want)
	for _, m := range log.withMessage(t, "connection") {
		id := fmt.Sprint(uint64(m["process"].(float64)))
		check.That(t, reflect.DeepEqual(m, logged[id]), "logged %v, want %v", m, logged[id])
		delete(logged, id)
	}
	check.That(t, len(logged) == 0, "these connections are not logged: %v, want each logged once", logged)
	for _, c := range []*client.Conn{child, inside, other, admin} {
		_ = c.Close()
	}
}

// TestTicketsAreShownToTheirUser checks that a user sees the tickets of its own logon sessions, and an administrator
// those of all, up to a limit (K-81, W-27). The query for impersonating threads names the ticket of the client.
func TestTicketsAreShownToTheirUser(t *testing.T) {
	d := start(t, nil)
	admin, a, b := d.dialAll()
	logOn := func(user, proof string) *token.Token {
		spec := token.StandardUser(sid.MustParse(user))
		tok, end, err := d.System().LogOn(logon.Result{Token: spec})
		check.NoError(t, err)
		t.Cleanup(end)
		check.Success(t, d.System().RecordLogon(kernel.LogonSource{Proof: proof}, winnt.LOGON32_LOGON_NETWORK, tok))
		return tok
	}
	hers := logOn(aliceSID, "ticket 7")
	want := []inspect.TicketSession{{Session: fmt.Sprintf("0x%x", uint64(hers.AuthenticationID())), User: aliceSID,
		Proof: "ticket 7"}}
	for name, c := range map[string]struct {
		of   *client.Conn
		want []inspect.TicketSession
	}{"the administrator": {admin, want}, "alice": {a, want}, "bob": {b, nil}} {
		check.SlicesEqual(t, ask(t, c.of, inspect.Query{What: "sessions"}).Tickets, c.want, "K-81: %s sees", name)
	}
	server := d.serverFor(hers)
	// SeDebugPrivilege suffices: the administrator may not open the client's token.
	h := check.Result(server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.WRITE_DAC, true))
	check.Success(t, server.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:(A;;GA;;;"+aliceSID+")")))
	v := check.Result(server.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation))
	threads := []uint64{uint64(v.(nt.ThreadBasic).ClientID.UniqueThread)}
	acting := ask(t, admin, inspect.Query{What: "acting", Threads: threads}).Acting
	check.That(t, len(acting) == 1 && acting[0].Proof == "ticket 7", "K-81: threads that act: %+v", acting)
	shown := ask(t, admin, inspect.Query{What: "token", Threads: threads}).Token
	check.That(t, shown != nil && shown.Proof == "ticket 7", "K-81: the token of the thread: %+v", shown)
	for range 4096 {
		logOn(bobSID, "ticket 8")
	}
	check.Equal(t, len(ask(t, admin, inspect.Query{What: "sessions"}).Tickets), 4096, "tickets of a reply")
}

// childOf creates a process with the token of a connection's process, and returns the connection of a program in it.
func childOf(t *testing.T, c *client.Conn) *client.Conn {
	t.Helper()
	own := check.Result(c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	defer c.Thread().NtClose(own)
	return childWith(t, c, own)
}

// childWith creates a process with a token, and returns the connection of a program in it.
func childWith(t *testing.T, c *client.Conn, tok winnt.Handle) *client.Conn {
	t.Helper()
	out, st := c.Thread().NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, Token: tok})
	check.Success(t, st)
	f := check.Must(c.Attach(out.ProcessHandle))
	return connectionOf(t, f)
}

// connectionOf returns the connection of a descriptor and takes ownership of it.
func connectionOf(t *testing.T, f *os.File) *client.Conn {
	t.Helper()
	conn, err := net.FileConn(f)
	_ = f.Close() // FileConn duplicated the descriptor
	check.NoError(t, err)
	c := check.Must(client.New(conn))
	return c
}
