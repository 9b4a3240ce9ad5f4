package mount

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	auth "github.com/refmon/refmon/server/auth/unix"
)

// contained runs a line in the mount by the shell of a container without privileges, which
// alice started: her uid is 0 in it, and her 1,000 subordinate uids from 200000 follow.
func (w *world) contained(uid uint32, line string) (string, error) {
	w.Helper()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: alice, Size: 1}, {ContainerID: 1, HostID: 200000, Size: 1000}}
	cmd := exec.Command("/bin/sh", "-c", "cd "+w.at+" && "+line)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		w.Skipf("no user namespace can be made: %v", err)
	}
	return strings.TrimSpace(string(out)), err
}

// TestContainer: in a container with subordinate uids each uid is that of the host which
// stands behind it; who is root there is the user who started it, here too where
// the tree is mounted once more (M-1).
func TestContainer(t *testing.T) {
	w := newWorld(t)
	w.file("hers", "of alice", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("his", "of bob", "O:BAG:SYD:P(A;;FA;;;"+user(bob)+")")
	w.file("sub", "of 200032", "O:BAG:SYD:P(A;;FA;;;"+user(200032)+")")
	w.file("supers", "of 0", "O:BAG:SYD:P(A;;FA;;;"+user(0)+")")
	for _, c := range []struct {
		uid  uint32
		can  string
		cant string
	}{{0, "hers", "his"}, {0, "hers", "sub"}, {0, "hers", "supers"}, {33, "sub", "hers"}, {33, "sub", "supers"}} {
		if got, err := w.contained(c.uid, "cat "+c.can); err != nil || !strings.HasPrefix(got, "of ") {
			t.Errorf("M-1: uid %d of the container, %s: %q, %v", c.uid, c.can, got, err)
		}
		if got, err := w.contained(c.uid, "cat "+c.cant); err == nil || !strings.Contains(got, "Permission denied") {
			t.Errorf("M-1: uid %d of the container, %s: %q, %v; want a refusal", c.uid, c.cant, got, err)
		}
	}
	// Root of the container has every capability in it, none of which counts here.
	for _, line := range []string{"chown 33 hers", "chmod 4755 hers", "mknod dev c 1 3",
		"mount --bind . /mnt && cat /mnt/his", "mount -o remount,bind,suid,dev ."} {
		if got, err := w.contained(0, line); err == nil {
			t.Errorf("M-1: root of the container: %s: %q, want a refusal", line, got)
		}
	}
	if got, err := w.contained(0, "mount --bind . /mnt && cat /mnt/hers"); err != nil || got != "of alice" {
		t.Errorf("M-1: mounted once more: %q, %v", got, err)
	}
}

// TestSetUID: a set-uid program of the tree runs as the user who starts it, for the mount knows no
// such bits; one from elsewhere acts with the account of the user whom it belongs to, and
// the group of the one who started it (M-1, M-12).
func TestSetUID(t *testing.T) {
	w := newWorld(t)
	w.file("id", "", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	w.file("hers", "of alice", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("his", "of bob", "O:BAG:SYD:P(A;;FA;;;"+user(bob)+")")
	w.file("group", "of bob's group", "O:BAG:SYD:P(A;;FR;;;S-1-22-2-61002)")
	copied := func(program, to string) {
		b, err := os.ReadFile(program)
		w.must(err)
		w.must(os.WriteFile(to, b, 0o600))
		w.must(os.Chown(to, alice, alice))
		w.must(unix.Chmod(to, 0o6755))
	}
	copied("/usr/bin/id", filepath.Join(w.root, "id"))
	w.sees(bob, "61002", "./id", "-u")
	cat := filepath.Join(filepath.Dir(w.root), "cat")
	copied("/bin/cat", cat)
	w.must(unix.Chmod(cat, 0o4755))
	var s unix.Statfs_t
	w.must(unix.Statfs(cat, &s))
	if s.Flags&unix.ST_NOSUID != 0 {
		t.Skipf("%s is on a file system without set-uid bits", cat)
	}
	w.sees(bob, "of alice", cat, "hers")
	w.refused(bob, "Permission denied", cat, "his")
	w.sees(bob, "of bob's group", cat, "group")
	w.refused(alice, "Permission denied", cat, "group")
}

// TestNumbers: the host's number for unknown users is Anonymous, who is not Everyone, and
// the superuser is a user without privilege (M-1).
func TestNumbers(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts = Hosted{Peers: auth.Accounts{}, Hosts: host{}}
	})
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)(A;;0x1200a9;;;AN)")
	w.file("all", "everybody's", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file("nobodys", "anonymous", "O:BAG:SYD:P(A;;FR;;;AN)")
	w.file("rights", "of administrators", "O:BAG:SYD:P(A;;FA;;;BA)(A;;FA;;;SY)")
	w.sees(65534, "anonymous", "cat", "nobodys")
	w.refused(65534, "Permission denied", "cat", "all")
	w.sees(0, "everybody's", "cat", "all")
	w.refused(0, "Permission denied", "cat", "rights")
	w.refused(0, "Permission denied", "cat", "nobodys")
}

// stopped is a clock.
func stopped() time.Time { return time.Unix(0, 0) }

// lines counts the lines of a log that have a word.
type lines struct {
	mu sync.Mutex
	// +checklocks:mu
	text bytes.Buffer // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) with(word string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

// TestRefusalIsToldOnce: the log has one line for a user who is refused a hundred times
// by one logon, and another after the next (M-23).
func TestRefusalIsToldOnce(t *testing.T) {
	log := &lines{}
	from := &counted{}
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.Accounts, c.now, c.Log = from, stopped, slog.New(slog.NewTextHandler(log, nil))
	})
	for range 50 {
		for _, uid := range []uint32{61999, 61998} {
			h := header(uid, rootID)
			_, _ = w.m.GetXAttr(nil, &h, ntfsACL, nil) // 61998 may, as far as the log goes
		}
	}
	if n, logons := log.with("uid=61999"), from.n.Load(); n != 1 || logons != 2 {
		t.Errorf("M-23: %d lines, %d logons, want 1 and 2", n, logons)
	}
	w.m.DropAccounts(61999, false)
	w.refused(61999, "can't cd", "true")
	if n := log.with("uid=61999"); n != 2 || log.with("61998") != 0 {
		t.Errorf("M-23: %d lines after another logon, want 2", n)
	}
}
