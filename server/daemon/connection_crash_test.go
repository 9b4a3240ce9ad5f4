package daemon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// able logs everybody on with the privileges that services require, except the one for permanent objects.
type able struct{}

// LogOn implements daemon.Identity.
func (able) LogOn(*peer.Peer, bool) (logon.Result, error) {
	tok, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-500","groups":["WD","BA"],"privileges":["SeTcbPrivilege",
		"SeAuditPrivilege","SeCreateTokenPrivilege","SeAssignPrimaryTokenPrivilege",
		"SeImpersonatePrivilege","SeDebugPrivilege","SeSecurityPrivilege"]}`))
	if err != nil {
		return logon.Result{}, err
	}
	return logon.Result{Token: tok.Spec()}, nil
}

// stage starts the daemon in which the states of killed.txt are played.
func stage(t *testing.T) *running {
	t.Helper()
	d := start(t, func(c *daemon.Config) { c.Identity, c.LSA = able{}, logon.Example(sid.SID{}) })
	if err := d.System().CreateFile("report", sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")); err != nil {
		t.Fatal(err)
	}
	d.counts = d.now()
	return d
}

// stageInTree starts the daemon in which the states of killedintree.txt are played.
func stageInTree(t *testing.T) *running {
	t.Helper()
	d := planted(t, hostfs.HandOutReads, func(c *daemon.Config) { c.Identity = able{} })
	if err := unix.Mkfifo(filepath.Join(d.tree, "a", "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestKillInEachStateLeavesNothing kills a program in each state of each service, and checks that nothing of it
// remains and that other clients are served (W-12, W-13).
func TestKillInEachStateLeavesNothing(t *testing.T) { killedIn(t, stage(t), states(killedText)) }

// TestKilledInTree is TestKillInEachStateLeavesNothing with files of the host.
func TestKilledInTree(t *testing.T) { killedIn(t, stageInTree(t), states(killedInTreeText)) }

func killedIn(t *testing.T, d *running, s script) {
	for _, name := range s.names {
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
				t.Errorf("the daemon's counts are %v with and without the program: it had no resources to release",
					before)
			}
			left := &running{T: t, Daemon: d.Daemon, socket: d.socket, counts: d.counts}
			left.settles()
			left.works()
			left.settles()
		})
	}
}

// TestCutInEachCall ends a program in the middle of each call of each state: after the daemon has received half of
// the call, and after all of it with the reply unread (W-12, W-13).
func TestCutInEachCall(t *testing.T) { cutIn(t, stage(t), states(killedText)) }

// TestCutInTree is TestCutInEachCall with files of the host.
func TestCutInTree(t *testing.T) { cutIn(t, stageInTree(t), states(killedInTreeText)) }

func cutIn(t *testing.T, d *running, s script) {
	played, open := map[string]bool{}, descriptors(t)
	for _, name := range s.names {
		t.Run(name, func(t *testing.T) {
			d := &running{T: t, Daemon: d.Daemon, socket: d.socket, counts: d.counts}
			for i, line := range s.lines[name] {
				key := strings.Join(s.lines[name][:i+1], "\n")
				if word, _, _ := strings.Cut(line, " "); played[key] || slices.Contains(others, word) {
					continue // another state begins so, too, or it is not a frame
				}
				played[key] = true
				d.cut(s.lines[name][:i], line, true)
				d.cut(s.lines[name][:i], line, false)
			}
		})
	}
	if len(played) < 3*len(s.names)/2 {
		t.Errorf("%d calls were cut, want at least %d", len(played), 3*len(s.names)/2)
	}
	// Descriptors about to be passed are closed too. The tree keeps the descriptor of the last
	// opened directory.
	for end := time.Now().Add(time.Minute); descriptors(t) > open+1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors are open, want %d", descriptors(t), open)
		}
	}
}

// descriptors returns the number of this program's open descriptors.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this host does not list descriptors: ", err)
	}
	return len(list)
}

// others are the words of script lines that are not frames.
var others = []string{"bytes", "batch", "unread"}

// cut plays lines and sends the frame of another one, or half of it.
func (r *running) cut(before []string, line string, half bool) {
	t := r.T
	p, err := dialPlayer(r.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			t.Log(line)
		}
	}()
	defer r.settles()
	defer p.close()
	for _, l := range before {
		if err := p.play(l); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
	}
	if l, ok := strings.CutPrefix(line, "inside "); ok {
		if err := p.enterInside(); err != nil {
			t.Fatal(err)
		}
		p, line = p.inside, l
	}
	f, _, err := p.frame(line)
	if err != nil {
		t.Fatal(err)
	}
	p.number++
	f.Request = p.number
	b := wire.AppendFrame(nil, &f)
	if half {
		b = b[:len(b)/2]
	}
	if _, err := p.conn.Write(b); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

// TestEveryServiceIsKilled checks that for each user-mode service there is a state in which its caller is killed.
func TestEveryServiceIsKilled(t *testing.T) {
	var called []string
	for line := range strings.Lines(killedText + killedInTreeText) {
		for i, words := 0, strings.Fields(line); i+1 < len(words) && i < 3; i++ {
			switch words[i] {
			case "call":
				called = append(called, words[i+1])
			case "fails", "wait":
				called = append(called, words[i+2])
			}
		}
	}
	for r := range nt.NtTable.All {
		if name := r.Info().Name; !slices.Contains(called, name) {
			t.Errorf("no program is killed that called %s", name)
		}
	}
}

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
		ask(t, c, inspect.Query{What: "calls"})
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

// TestNothingRemainsAfterDisconnect checks that nothing of a client remains, whatever it was doing when it
// disconnected (W-13).
func TestNothingRemainsAfterDisconnect(t *testing.T) {
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
