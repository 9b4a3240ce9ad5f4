package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// TestUnmountDuringRequests drops the mounts' tokens and reads metrics while the daemon stops. The race detector finds
// an access without the lock.
func TestUnmountDuringRequests(t *testing.T) {
	s := &service{mounted: []string{"share"}}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				s.dropTokens()
			}
		})
	}
	if err := s.unmount(); err != nil {
		t.Error(err)
	}
	all.Wait()
	if mounts, names := s.currentMounts(); len(mounts) != 0 || len(names) != 0 {
		t.Errorf("after unmount: %d mounts, names %q, want none", len(mounts), names)
	}
}

// ownMount mounts as a user that every Debian system has, because fusermount3 requires a name, in a
// mount namespace where users may open /dev/fuse. It prints the access of each user, and mounts
// once more after kill -9.
const ownMount = `
mknod "$D/fuse" c 10 229 && chmod 666 "$D/fuse" && mount --bind "$D/fuse" /dev/fuse
games() { setpriv --reuid games --regid games --clear-groups "$@" 2>&1; }
start() {
	rm -f "$D/log"; : >"$D/log"
	setpriv --reuid games --regid games --clear-groups \
		"$BIN" mount --attribute user.NTACL "$D/tree" "$D/at" >"$D/log" 2>&1 & server=$!
	while ! grep -q msg=ready "$D/log"; do kill -0 $server 2>/dev/null || { cat "$D/log"; exit 1; }; sleep 0.02; done
}
start
grep -o 'for=.*' "$D/log"
games cat "$D/at/plan"
games sh -c 'echo more >> "$0"' "$D/at/plan" | grep -o 'Permission denied'
cat "$D/at/plan" 2>&1 | grep -o 'Permission denied'
setpriv --reuid bin --regid bin --clear-groups cat "$D/at/plan" 2>&1 | grep -o 'Permission denied'
{ kill -9 $server; wait $server; } 2>/dev/null
games cat "$D/at/plan" | grep -o 'Transport endpoint is not connected'
start
games cat "$D/at/plan"
kill -TERM $server; wait $server && ls -A "$D/at" && echo gone`

// games is the uid of that user on Debian.
const games = 5

// ownMounts checks that an ordinary user can mount a tree by fusermount3, that no other user can enter it, and that
// the mount of a killed server is removed (M-26, M-8).
func ownMounts(t *testing.T, p *program) {
	w := newTreeWorld(t)
	at := filepath.Join(w.dir, "at")
	w.must(os.WriteFile(filepath.Join(w.root, "plan"), []byte("the plan\n"), 0o600))
	for _, name := range []string{"fusermount3", "unshare", "setpriv"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	if u, err := user.LookupId(strconv.Itoa(games)); err != nil || u.Username != "games" {
		t.Skipf("uid %d is not the user games: %v", games, err)
	}
	w.must(os.Chmod(p.dir, 0o755))
	for name, text := range map[string]string{"": "D:P(A;OICI;FA;;;S-1-22-1-5)", "plan": "D:P(A;;FR;;;WD)"} {
		a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse("O:S-1-22-1-5G:SY" + text)}
		value, err := a.Append(nil)
		w.must(err)
		w.must(os.Chown(filepath.Join(w.root, name), games, games))
		if err := unix.Setxattr(filepath.Join(w.root, name), "user.NTACL", value, 0); err != nil {
			t.Skipf("no attribute of users can be set in %s: %v", w.root, err)
		}
	}
	w.must(os.Mkdir(at, 0o755))
	w.must(os.Chown(at, games, games))
	cmd := exec.Command("unshare", "-m", "/bin/bash", "-c", ownMount)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "D="+w.dir, "BIN="+p.bin)
	out, err := cmd.CombinedOutput()
	const denied = "Permission denied\n"
	const first = "for=\"uid 5 alone\"\nthe plan\n" + denied + denied + denied
	const want = first + "Transport endpoint is not connected\nthe plan\ngone\n"
	if got := string(out); err != nil || got != want {
		t.Errorf("M-26: %v:\n%s\nwant\n%s", err, strings.TrimSpace(got), want)
	}
}
