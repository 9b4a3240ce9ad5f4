package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// inspectFlags has the flags of commands that inspect a running daemon.
type inspectFlags struct {
	Socket string `help:"${socket}" placeholder:"SOCKET"`
	Owner  string `help:"The user that refmond runs as, if it is neither root nor you." placeholder:"USER"`
}

// inspector is a client of the daemon that queries its processes, threads and tokens. One goroutine uses it.
type inspector struct {
	conn  *client.Conn
	th    *nt.Thread
	names map[sid.SID]string // names of accounts that were looked up
}

// atAdminSocket says in messages where administrators have their full token.
const atAdminSocket = "at adminSocket of the configuration, such as --socket /run/refmon/admin.sock"

// dialDaemon connects to refmond at a socket, which must belong to root or to the user owner; "" is the caller. The
// caller closes the connection. A daemon that does not run, and one of another user, are errors with advice.
func dialDaemon(socket, owner string) (*client.Conn, error) {
	uid := uint32(os.Geteuid())
	if owner != "" {
		var err error
		if uid, err = userID(owner); err != nil {
			return nil, fmt.Errorf("--owner: %w", err)
		}
	}
	c, err := client.DialUser(socket, uid)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%w; start refmond serve, or give the socket of a running one with --socket", err)
	case errors.Is(err, client.ErrServerUser):
		return nil, fmt.Errorf("%w; if refmond runs as that user, name it with --owner", err)
	}
	return c, err
}

// open connects to the daemon as dialDaemon does and returns an inspector, which the caller closes. open enables
// SeDebugPrivilege if the token has it; without it users see only their own processes.
func (f *inspectFlags) open() (*inspector, error) {
	socket := f.Socket
	if socket == "" {
		socket = client.Socket()
	}
	c, err := dialDaemon(socket, f.Owner)
	if err != nil {
		return nil, err
	}
	l := &inspector{conn: c, th: c.Thread(), names: map[sid.SID]string{}}
	h, st := l.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES|winnt.TOKEN_QUERY)
	if st == ntstatus.Success {
		// A failure is no error: without the privilege the user sees only their own processes.
		_, _ = l.th.NtAdjustPrivilegesToken(h, false, []nt.LUIDAndAttributes{
			{LUID: winnt.LUID(winnt.SeDebugPrivilege), Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
		l.th.NtClose(h)
	}
	return l, nil
}

// userID returns the uid that name is as a number, or otherwise the uid of the host's user with that name. An
// unknown name is an error.
func userID(name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(n), err
}

// close closes the connection to the daemon.
func (l *inspector) close() { _ = l.conn.Close() }

// query sends an inspection query and returns the reply. A status of the daemon is an error that names the kind of
// query. A reply that is not JSON is an error, too.
func (l *inspector) query(q inspect.Query) (a inspect.Reply, err error) {
	b, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if b, err = l.conn.Inspect(b); err != nil {
		return a, fmt.Errorf("%s: %w", q.What, err)
	}
	err = json.Unmarshal(b, &a) // a return statement with this call could copy a before the call
	return a, err
}

// name returns DOMAIN\name of an account, or its SID as text if the daemon knows no name. It keeps the result for later
// calls. A failed look-up is kept, too.
func (l *inspector) name(s sid.SID) string {
	if name, known := l.names[s]; known {
		return name
	}
	name := s.String()
	if h, st := l.th.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES); st == ntstatus.Success {
		if out, st := l.th.LsaLookupSids(h, s); st.IsSuccess() &&
			len(out.Names) == 1 {
			name = out.Names[0].Name
			if i := out.Names[0].DomainIndex; i >= 0 && int(i) < len(out.ReferencedDomains) {
				name = out.ReferencedDomains[i].Name + `\` + name
			}
		}
		l.th.LsaClose(h)
	}
	l.names[s] = name
	return name
}

// named returns the account name to print for a SID in a reply of the daemon, as name does. A text that is not a SID is
// returned itself, with control characters escaped.
func (l *inspector) named(text string) string {
	s, err := sid.Parse(text)
	if err != nil {
		return inLine(text)
	}
	return l.name(s)
}

// text returns the string in the result of a query, "?" if the query failed.
func text(v any, st ntstatus.Status) string {
	if s, ok := v.(string); ok && st == ntstatus.Success {
		return s
	}
	return "?"
}

// when formats a FILETIME as local time, without the date if it is today. 0 is "".
func when(at int64) string {
	if at == 0 {
		return ""
	}
	return clock(filetime.Time(at))
}

// clock returns t in local time: the time of day if it is today, otherwise the date and the minute.
func clock(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// openProcess opens a process by its number in refmond ps and returns a handle, which the caller may close.
// Errors say what to do: the number is unknown, or the caller does not have the rights.
func (l *inspector) openProcess(id uint64, rights winnt.AccessMask) (winnt.Handle, error) {
	h, st := l.th.NtOpenProcess(rights, nil, &nt.ClientID{UniqueProcess: winnt.Handle(id)})
	switch {
	case st == ntstatus.InvalidCid:
		return 0, fmt.Errorf("no process has the number %d; refmond ps lists them", id)
	case st != ntstatus.Success:
		return 0, fmt.Errorf("process %d: %w: run this as its user, or as an administrator %s", id, st.Err(), atAdminSocket)
	}
	return h, nil
}

// inLine makes a client's text safe to print in one line: it replaces control characters, and also line feeds, which
// would forge a line.
func inLine(s string) string { return printable.Line(s) }
