package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/refmon/refmon/client"
	controls "github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// lookFlags are shared by the verbs that look into a running daemon.
type lookFlags struct {
	Socket string `help:"The daemon's socket, or for an administrator its adminSocket." placeholder:"SOCKET"`
	Owner  string `help:"The user that the daemon runs as, if it is neither root nor you." placeholder:"USER"`
}

// looker looks into a daemon. It is used by one goroutine.
type looker struct {
	conn  *client.Conn
	th    *nt.Thread
	names map[sid.SID]string // of accounts, as far as they were asked for
}

// open connects, and enables SeDebugPrivilege where the token has it.
func (f *lookFlags) open() (*looker, error) {
	socket := f.Socket
	if socket == "" {
		socket = client.Socket()
	}
	owner := uint32(os.Geteuid())
	if f.Owner != "" {
		var err error
		if owner, err = userID(f.Owner); err != nil {
			return nil, err
		}
	}
	c, err := client.DialUser(socket, owner)
	if err != nil {
		return nil, err
	}
	l := &looker{conn: c, th: c.Thread(), names: map[sid.SID]string{}}
	h, st := l.th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES|winnt.TOKEN_QUERY)
	if st == ntstatus.Success {
		// A token that lacks it stays as it is: its user sees himself.
		_, _ = l.th.NtAdjustPrivilegesToken(h, false, []nt.LUIDAndAttributes{
			{LUID: winnt.LUID(winnt.SeDebugPrivilege), Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
		l.th.NtClose(h)
	}
	return l, nil
}

func userID(name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("--owner: %w", err)
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(n), err
}

func (l *looker) close() { _ = l.conn.Close() }

// ask asks what no service tells.
func (l *looker) ask(q daemon.Question) (a daemon.Answer, err error) {
	b, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if b, err = l.conn.Look(b); err != nil {
		return a, fmt.Errorf("%s: %w", q.What, err)
	}
	err = json.Unmarshal(b, &a) // before a is read: a return has no order of its own
	return a, err
}

// name returns the name of an account, its SID where it has none.
func (l *looker) name(s sid.SID) string {
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

// named does the same for a SID that is text.
func (l *looker) named(text string) string {
	s, err := sid.Parse(text)
	if err != nil {
		return printable(text)
	}
	return l.name(s)
}

// text returns a fact about a process or thread that is a string, "?" where it is not told.
func text(v any, st ntstatus.Status) string {
	if s, ok := v.(string); ok && st == ntstatus.Success {
		return s
	}
	return "?"
}

// when prints a FILETIME as local time, shorter for today.
func when(filetime int64) string {
	if filetime == 0 {
		return ""
	}
	const unixEpoch = 116444736000000000
	return clock(time.Unix(0, 100*(filetime-unixEpoch)))
}

func clock(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// openProcess opens a process by its number; what was wrong is told in words.
func (l *looker) openProcess(id uint64, rights winnt.AccessMask) (winnt.Handle, error) {
	h, st := l.th.NtOpenProcess(rights, nil, &nt.ClientID{UniqueProcess: winnt.Handle(id)})
	switch {
	case st == ntstatus.InvalidCid:
		return 0, fmt.Errorf("no process has the number %d; refmond ps lists them", id)
	case st != ntstatus.Success:
		return 0, fmt.Errorf("process %d: %w: ask as its user, or as an administrator at adminSocket", id, st.Err())
	}
	return h, nil
}

// printable makes what a client has named safe to print.
func printable(s string) string { return controls.Text(s) }
