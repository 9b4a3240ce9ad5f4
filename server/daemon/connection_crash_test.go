package daemon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// able is an Identity whose tokens have all privileges that services require, except SeCreatePermanentPrivilege.
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

// stage starts the daemon for the states of killed.txt.
func stage(t *testing.T) *running {
	t.Helper()
	d := start(t, func(c *daemon.Config) { c.Identity, c.LSA = able{}, logon.Example(sid.SID{}) })
	check.NoError(t, d.System().CreateFile("report", sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")))
	d.counts = d.present()
	return d
}

// stageInTree starts the daemon for the states of killedintree.txt.
func stageInTree(t *testing.T) *running {
	t.Helper()
	d := startWithTree(t, hostfs.HandOutReads, func(c *daemon.Config) { c.Identity = able{} })
	check.NoError(t, unix.Mkfifo(filepath.Join(d.tree, "a", "fifo"), 0o600))
	return d
}

// TestKillInEachStateLeavesNothing kills a program in each state of each service, and checks that nothing of it
// remains and that other clients are served (W-12, W-13).
func TestKillInEachStateLeavesNothing(t *testing.T) { killInStates(t, stage(t), states(killedText)) }

// TestKilledClientLeavesNoOpenFile is TestKillInEachStateLeavesNothing with files of the host (W-50).
func TestKilledClientLeavesNoOpenFile(t *testing.T) {
	killInStates(t, stageInTree(t), states(killedInTreeText))
}

func killInStates(t *testing.T, d *running, s script) {
	open := descriptors(t)
	for _, name := range s.names {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), rival+"=state "+d.socket+" "+name)
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.StdoutPipe()
			check.NoError(t, err)
			check.NoError(t, cmd.Start())
			_, err = out.Read(make([]byte, 8))
			before := d.present()
			_, _ = cmd.Process.Kill(), cmd.Wait()
			if err != nil {
				t.Fatal(said.String())
			}
			check.That(t, before != d.counts,
				"the daemon's counts are %v with and without the program: it had no resources to release", before)
			left := &running{T: t, Daemon: d.Daemon, socket: d.socket, counts: d.counts}
			left.awaitRelease()
			left.checkServed()
			left.awaitRelease()
			check.Eventually(t, func() bool { return d.Stats().Connections+d.Stats().Watchers == 0 },
				"connections or watchers remain")
		})
	}
	noDescriptorMoreThan(t, open)
}

// descriptors counts this program's open descriptors. It turns automatic garbage collection off for the test, because
// finalizers would close files that the daemon leaves open.
func descriptors(t *testing.T) int {
	t.Helper()
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	return check.OpenDescriptors(t)
}

// noDescriptorMoreThan checks that all descriptors of the file "plan" that were about to be passed are closed. Then it
// compares the number of open descriptors. The tree keeps that of the last opened directory, and pools keep those of
// timers until two collections.
func noDescriptorMoreThan(t *testing.T, open int) {
	t.Helper()
	check.Eventually(t, func() bool {
		list, _ := filepath.Glob("/proc/self/fd/*")
		return !slices.ContainsFunc(list, func(fd string) bool {
			to, _ := os.Readlink(fd)
			return strings.HasSuffix(to, "/plan")
		})
	}, "descriptors of the plan are open")
	check.Eventually(t, func() bool { runtime.GC(); return check.OpenDescriptors(t) <= open+1 },
		"more than %d descriptors are open", open)
}

// TestConnectionCutInAnyCallLeavesNothing ends a program in the middle of each call of each state: after the daemon has
// received half of the call, and after all of it with the reply unread (W-12, W-13).
func TestConnectionCutInAnyCallLeavesNothing(t *testing.T) {
	cutInStates(t, stage(t), states(killedText))
}

// TestCutConnectionLeavesNoOpenFile is TestConnectionCutInAnyCallLeavesNothing with files of the host.
func TestCutConnectionLeavesNoOpenFile(t *testing.T) {
	cutInStates(t, stageInTree(t), states(killedInTreeText))
}

func cutInStates(t *testing.T, d *running, s script) {
	played, open := map[string]bool{}, descriptors(t)
	for _, name := range s.names {
		t.Run(name, func(t *testing.T) {
			d := &running{T: t, Daemon: d.Daemon, socket: d.socket, counts: d.counts}
			for i, line := range s.lines[name] {
				key := strings.Join(s.lines[name][:i+1], "\n")
				if word, _, _ := strings.Cut(line, " "); played[key] || slices.Contains(others, word) {
					continue // another state begins with the same line, or it is not a frame
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
	noDescriptorMoreThan(t, open)
}

// others are the words of script lines that are not frames.
var others = []string{"bytes", "batch", "unread"}

// cut executes lines and then sends the frame of another line, or half of it.
func (r *running) cut(before []string, line string, half bool) {
	t := r.T
	p, err := dialPlayer(r.socket)
	check.NoError(t, err)
	defer func() {
		if t.Failed() {
			t.Log(line)
		}
	}()
	defer r.awaitRelease()
	defer p.close()
	for _, l := range before {
		if err := p.play(l); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
	}
	if l, ok := strings.CutPrefix(line, "inside "); ok {
		check.NoError(t, p.enterInside())
		p, line = p.inside, l
	}
	f, _, err := p.frame(line)
	check.NoError(t, err)
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
