package host

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestGetentOutputIsParsed checks the parser of getent's output with a fake getent.
func TestGetentOutputIsParsed(t *testing.T) {
	getent := filepath.Join(t.TempDir(), "getent")
	check.NoError(t, os.WriteFile(getent, []byte(`#!/bin/sh
case "$1 $2" in
"passwd alice" | "passwd 1000") echo alice:x:1000:100:Alice:/home/alice:/bin/sh ;;
"passwd odd") echo odd:x:-5:100::: ;;
"passwd two") echo two:x:1:1:::; echo two:x:2:2::: ;;
"passwd twice") echo twice:x:7:7::: ;;
"passwd bare") echo bare:x:9:9::: ;;
"initgroups bare") echo '8 9' ;;
"initgroups twice") echo 'twice                 8'; echo 9 ;;
"group wheel" | "group 10") echo wheel:x:10:alice ;;
"initgroups alice") echo 'alice                 10 100 27' ;;
"initgroups "*) echo "$2" ;; # an unknown user, and status 0
*) exit 2 ;;
esac
`), 0o700))
	for _, n := range []*Names{{getent: getent}, {getent: getent, socket: getent + ".none"}} {
		ctx := context.Background()
		uid, ok := n.UID(ctx, "alice")
		name, ok2 := n.UserName(ctx, 1000)
		gid, ok3 := n.GID(ctx, "wheel")
		in, ok4 := n.GroupName(ctx, 10)
		gids, ok5 := n.Groups(ctx, "alice")
		if !ok || !ok2 || !ok3 || !ok4 || !ok5 || uid != 1000 || name != "alice" || gid != 10 || in != "wheel" ||
			!reflect.DeepEqual(gids, []uint32{100, 10, 27}) {
			t.Errorf("%d %q %d %q %v", uid, name, gid, in, gids)
		}
		for _, name := range []string{"twice", "bare"} { // two lines, and one that does not begin with the name
			if gids, ok := n.Groups(ctx, name); ok {
				t.Errorf("Groups of %s = %v, want none", name, gids)
			}
		}
		for _, name := range []string{"zoe", "odd", "two", "1000"} {
			if uid, ok := n.UID(ctx, name); ok {
				t.Errorf("UID(%q) = %d, want none", name, uid)
			}
			if gids, ok := n.Groups(ctx, name); ok {
				t.Errorf("Groups(%q) = %v, want none", name, gids)
			}
		}
	}
}

// TestDefaultProgramsComeFromPath checks the defaults: the program in PATH, and the service of this host.
func TestDefaultProgramsComeFromPath(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"getent": "echo root:x:0:0:::", "wbinfo": "echo S-1-5-21-9-8-7-1103"} {
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	}
	t.Setenv("PATH", dir)
	if name, ok := (&Names{}).UserName(context.Background(), 0); !ok || name != "root" {
		t.Errorf(`uid 0 is %q, %t, want "root", true`, name, ok)
	}
	if id, ok, err := NewDomains().SIDOfUID(context.Background(), 7); !ok || err != nil || id.RID() != 1103 {
		t.Errorf("uid 7 is %v, %t, %v, want RID 1103, true, no error", id, ok, err)
	}
	n, getent := New(), filepath.Join(dir, "getent")
	if n.socket != "/run/systemd/userdb/io.systemd.Multiplexer" || n.getent != getent {
		t.Errorf(`New() uses the socket %q and the program %q, want "/run/systemd/userdb/io.systemd.Multiplexer", %q`,
			n.socket, n.getent, getent)
	}
	check.Equal(t, NewDomains().wbinfo, filepath.Join(dir, "wbinfo"), "wbinfo")
	t.Chdir(dir)
	t.Setenv("PATH", t.TempDir()+":.") // a program of the current directory does not count
	check.Equal(t, New().getent+NewDomains().wbinfo, "", "the programs without any in PATH")
}

// TestGetentOutputMustBeOneLine checks that getent's output is one line, at most as long as a reply of the service.
func TestGetentOutputMustBeOneLine(t *testing.T) {
	dir := t.TempDir()
	n := &Names{getent: filepath.Join(dir, "getent")}
	for text, want := range map[string]string{"a\n": "a", "": "", "a": "", "a\nb\n": "", "\n": "", "a\n\n": "",
		strings.Repeat("n", maxReply-1) + "\n": strings.Repeat("n", maxReply-1), strings.Repeat("n", maxReply) + "\n": ""} {
		check.NoError(t, os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o600))
		check.NoError(t, os.WriteFile(n.getent, []byte("#!/bin/sh\ncat "+dir+"/text\n"), 0o700))
		line, ok, err := n.run(context.Background(), anyName, "passwd", "a")
		check.That(t, ok == (want != "" || text == "\n") && line == want && ok != (err != nil),
			"%.9q of %d bytes: a line of %d bytes, %t, %v, want %d bytes", text, len(text), len(line), ok, err, len(want))
	}
}

// TestFailedLookupIsNotAnUnknownUser checks that a user has no groups only if getent certainly knows no such user: it
// exits with 2, or the host has no getent. After every other failure the groups are unknown, and so are those of a user
// that the host knew before: the name service may be down (L-56).
func TestFailedLookupIsNotAnUnknownUser(t *testing.T) {
	getent := filepath.Join(t.TempDir(), "getent")
	check.NoError(t, os.WriteFile(getent, []byte(`#!/bin/sh
case "$1 $2" in
"passwd 1") echo one:x:1:100::: ;;
"passwd one") echo one:x:1:100::: ;;
"initgroups one") echo 'one 100 7' ;;
"passwd 3") exit 1 ;;
"passwd 4") kill -9 $$ ;;
"passwd 5") echo five:x:5: ;;
"passwd 6") echo other:x:7:7::: ;;
"passwd 7") echo seven:x:7:7::: ;;
"passwd 8") exec sleep 60 ;;
*) exit 2 ;;
esac
`), 0o700))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	n := &Names{getent: getent}
	for _, c := range []struct {
		what string
		n    *Names
		uid  uint32
		want []uint32
		ok   bool
	}{
		{"user with groups", n, 1, []uint32{100, 7}, true},
		{"no such user", n, 2, nil, true},
		{"no getent in PATH", &Names{getent: "no-such-program-of-this-host"}, 1, nil, true},
		{"another exit status", n, 3, nil, false},
		{"killed getent", n, 4, nil, false},
		{"line with too few fields", n, 5, nil, false},
		{"line of another user", n, 6, nil, false},
		{"user whose name is unknown afterwards", n, 7, nil, false},
		{"slow getent", n, 8, nil, false},
	} {
		if got, ok := c.n.GroupsOf(ctx, c.uid); ok != c.ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("L-56: %s: %v, %t, want %v, %t", c.what, got, ok, c.want, c.ok)
		}
	}
	check.NoError(t, os.WriteFile(getent, []byte("#!/bin/sh\nexit 2\n"), 0o700))
	for uid, want := range map[uint32]bool{1: false, 7: false, 2: true} {
		_, ok := n.GroupsOf(t.Context(), uid)
		check.Equal(t, ok, want, "L-56: while the name service is down: uid %d", uid)
	}
}

// TestLookupsGoOnAfterStalledGetent checks that lookups by a stalled getent release their slots, even if a child of it
// keeps the pipes open (L-85).
func TestLookupsGoOnAfterStalledGetent(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	check.NoError(t, unix.Mkfifo(fifo, 0o600))
	n := &Names{getent: filepath.Join(dir, "getent")}
	check.NoError(t, os.WriteFile(n.getent, []byte("#!/bin/sh\n[ $2 != one ] || exec echo one:x:1:100:::\ncat "+fifo+
		" & wait\n"), 0o700))
	stalled, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	for i := range maxRunning {
		all.Go(func() { n.UserName(stalled, uint32(i)) })
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	uid, ok := n.UID(ctx, "one")
	check.That(t, ok && uid == 1, "L-85: after %d stalled lookups: uid %d, %t, want 1, true", maxRunning, uid, ok)
	for range maxRunning { // ends the reading children
		if f, err := os.OpenFile(fifo, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			_ = f.Close()
		}
	}
}
