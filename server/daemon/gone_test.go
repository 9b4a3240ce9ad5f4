package daemon_test

import (
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/winnt"
)

// gone are states of each family of services in which a client can end.
var gone = map[string]func(t *testing.T, d *running, c *client.Conn) ntstatus.Status{
	"a token opened and duplicated": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		h, st := c.Thread().NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
		if st == ntstatus.Success {
			_, st = c.Thread().NtDuplicateToken(h, winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenPrimary)
		}
		return st
	},
	"impersonating": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		return c.Thread().NtImpersonateAnonymousToken(winnt.NtCurrentThread)
	},
	"named objects": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		_, st := c.Thread().NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{
			ObjectName: `\BaseNamedObjects\gone`}, nt.NotificationEvent, false)
		return st
	},
	"a process of its own, suspended": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		_, st := c.Thread().NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED})
		return st
	},
	"listening at a pipe": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		l, err := c.Thread().ListenPipe("gone", nt.PipeConfig{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = l.AcceptPipe() }() // it ends with the connection
		return ntstatus.Success
	},
	"both ends of a pipe, a message on its way": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		l, err := c.Thread().ListenPipe("gone", nt.PipeConfig{Message: true})
		if err != nil {
			t.Fatal(err)
		}
		other, err := c.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		p, err := other.DialPipe("gone", nil)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.AcceptPipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte("unread")); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = p.Read(make([]byte, 1)) }() // it waits
		_ = server
		return ntstatus.Success
	},
	"the policy open": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		_, st := c.Thread().LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
		return st
	},
	"a handle of its own process in itself": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		_, st := c.Thread().NtGetNextProcess(0, winnt.PROCESS_ALL_ACCESS, 0, 0)
		return st
	},
	"watching calls": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		ask(t, c, daemon.Question{What: "calls"})
		return c.Thread().NtImpersonateAnonymousToken(winnt.NtCurrentThread)
	},
	"many threads, each with a call under way": func(t *testing.T, _ *running, c *client.Conn) ntstatus.Status {
		for range 50 {
			th, err := c.NewThread()
			if err != nil {
				t.Fatal(err)
			}
			go open(th)
		}
		return ntstatus.Success
	},
}

// TestGone: whatever a client was doing when it went, nothing of it is left (W-13).
func TestGone(t *testing.T) {
	d := start(t, nil)
	for name, do := range gone {
		t.Run(name, func(t *testing.T) {
			c, err := client.Dial(d.socket)
			if err != nil {
				t.Fatal(err)
			}
			if st := do(t, d, c); st != ntstatus.Success {
				t.Error(st)
			}
			_ = c.Close()
			d.settles()
			for end := time.Now().Add(time.Minute); d.Stats().Connections+d.Stats().Watchers > 0; {
				if time.Now().After(end) {
					t.Fatalf("left: %+v", d.Stats())
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}
