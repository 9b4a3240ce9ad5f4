package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/logon"
	auth "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/server/watch/feed"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// watcher is a refmon-index that runs as a user without a right on any file.
type watcher struct {
	*treeWorld
	program *program
	bin     string
	people  string
	socket  string
}

// index starts an index as a user, and returns its output and its end.
func (w *watcher) index(uid uint32, more ...string) (*exec.Cmd, *bufio.Scanner) {
	w.Helper()
	state := fmt.Sprintf("%s/state%d", w.people, uid)
	args := append([]string{"run", "--tree", w.root, "--directory", w.people + "/firm.yaml", "--state", state,
		"--watch", w.socket, "--traverse", "privilege"}, more...)
	cmd := exec.Command(w.bin, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.StderrPipe()
	w.must(err)
	w.must(cmd.Start())
	w.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// awaitAnswer waits until the index returns the wanted answer about a file.
func (w *watcher) awaitAnswer(uid uint32, file, who, want string) {
	w.Helper()
	var got string
	for ends := time.Now().Add(time.Minute); time.Now().Before(ends); {
		got, _ = shell(uid, fmt.Sprintf("%s can-read %s %s --state %s/state%d --limit 2s", w.bin,
			filepath.Join(w.root, file), who, w.people, uid))
		if strings.HasPrefix(got+"\n", want) {
			return
		}
		time.Sleep(50 * time.Millisecond) // each query is a process
	}
	w.Fatalf("%s %s: after a minute still %q, want %q", file, who, got, want)
}

// given is an identity that gives every peer the same token.
type given token.Spec

func (g given) LogOn(*auth.Peer, bool) (logon.Result, error) {
	return logon.Result{Token: token.Spec(g)}, nil
}

// TestWatchReadsDescriptorsAsTreeServesThem checks that each setting of a tree about its descriptors reaches its watch.
func TestWatchReadsDescriptorsAsTreeServesThem(t *testing.T) {
	for _, c := range []struct {
		settings treeSettings
		traverse fileaccess.Traverse
		want     tree.Options
	}{
		{treeSettings{Path: "/t"}, fileaccess.TraversePrivilege, tree.Options{Attribute: "security.NTACL", Required: true}},
		{treeSettings{Path: "/t", Attribute: "user.NTACL", IgnorePosix: true, Missing: "synthesise"},
			fileaccess.TraverseAlways, tree.Options{Attribute: "user.NTACL", IgnoreSystemACLs: true}},
		{treeSettings{Path: "/t", Missing: "synthesise", Traverse: "privilege"},
			fileaccess.TraversePrivilege, tree.Options{Attribute: "security.NTACL"}},
	} {
		config := check.Must(c.settings.check("t"))
		got := config.watchOptions()
		got.Accounts = nil
		check.That(t, reflect.DeepEqual(got, c.want), "%+v, want %+v", got, c.want)
		// A directory that is closed by its mode also closes the files below it (F-115).
		check.Equal(t, config.Policy.Traverse, c.traverse, "F-115: traverse of %+v", c.settings)
	}
}

// TestWatchHasShareOfTree checks that the watch of a tree has the tree's share and the default rule for folders. A
// start that fails at the watch socket leaves nothing running. A revocation ends a watch.
func TestWatchHasShareOfTree(t *testing.T) {
	w := newTreeWorld(t)
	keys, std := "    share: 'D:(A;;FR;;;WD)'\nwatch: {socket: %s}\nprivileges: {0: [SeBackupPrivilege]}\n",
		&streams{out: io.Discard, err: io.Discard}
	_, err := start(w.configure(fmt.Sprintf(keys, w.dir+"/none/w")), std)
	check.That(t, err != nil && strings.Contains(err.Error(), "watch: "), "refmond starts without a folder: %v", err)
	s := check.Must(start(w.configure(fmt.Sprintf(keys, w.dir+"/w")), std)) // takes the lock of the state folder
	defer serving(t, s)()
	got := s.watching.Load().server.Trees[w.root]
	check.Equal(t, [2]string{got.Share, got.Traverse}, [2]string{"D:(A;;FR;;;WD)", "privilege"}, "share and rule")
	check.Equal(t, got.Options.Accounts(alice, false), s.store.UserSID(alice), "the account of a uid")
	out, lost := make(chan watch.Batch, 100), make(chan error, 100)
	f := feed.Follower{Socket: w.dir + "/w", Root: w.root, Share: got.Share, Traverse: got.Traverse,
		Warn: func(err error) { lost <- err }}
	go func() { lost <- f.Run(t.Context(), out) }()
	select {
	case <-out:
	case err := <-lost:
		t.Fatal(err)
	}
	s.revokeRest(func(*token.Token, string) bool { return true })
	check.Eventually(t, func() bool { return len(lost) > 0 }, "W-98: a revoked watch goes on")
}

// TestWatchingNeedsPrivilegeOrEnabledGroup checks that an administrator's limited token, in which the group is for deny
// entries only, may not watch (N-17).
func TestWatchingNeedsPrivilegeOrEnabledGroup(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	l := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}))
	defer l.Close()
	client := check.Must(net.Dial("unix", name))
	defer client.Close()
	c, err := l.AcceptUnix()
	check.NoError(t, err)
	defer c.Close()
	s := &service{Daemon: new(daemon.Daemon), log: slog.New(slog.DiscardHandler)}
	for _, row := range []struct {
		privileges winnt.PrivilegeSet
		attributes uint32
		want       bool
	}{{0, 0, false}, {0, winnt.SE_GROUP_USE_FOR_DENY_ONLY, false}, {0, token.GroupDefault, true},
		{winnt.SeBackupPrivilege.Bit(), 0, true}, {winnt.SeRestorePrivilege.Bit(), 0, false}} {
		spec := token.StandardUser(sid.MustParse("S-1-22-1-7"))
		spec.Privileges |= row.privileges
		spec.Groups = append(spec.Groups, token.Group{SID: sid.Administrators, Attributes: row.attributes})
		s.SetIdentity(given(spec))
		_, err := s.mayWatch(c)
		check.Equal(t, err == nil, row.want, "N-17: %+v: %v: may watch", row, err)
	}
}

// TestWatcherNeedsBackupPrivilege checks that a user with SeBackupPrivilege and no rights on the files can maintain a
// live index through refmond's watch socket, and that others cannot. Queries fail while refmond is down, and work
// again when it is back (N-17, N-18).
func TestWatcherNeedsBackupPrivilege(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs")
	}
	w := &watcher{treeWorld: newTreeWorld(t), program: build(t)}
	w.must(os.WriteFile(filepath.Join(w.root, "plan"), nil, 0o600))
	w.must(os.WriteFile(filepath.Join(w.root, "open"), nil, 0o644))
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")
	w.bin, w.people, w.socket = w.program.dir+"/refmon-index", t.TempDir(), w.program.dir+"/w"
	w.must(errors.Join(os.Chmod(w.people, 0o777), os.Chmod(filepath.Dir(w.people), 0o755),
		os.Chmod(w.program.dir, 0o755), os.Chmod(filepath.Dir(w.program.dir), 0o755)))
	programs.Install(t, w.program.dir, "refmon-index")
	const firm = "users:\n- {name: alice, sid: S-1-22-1-4711}\n- {name: bob, sid: S-1-22-1-4712}\n"
	w.must(os.WriteFile(w.people+"/firm.yaml", []byte(firm), 0o644))
	w.program.configure(fmt.Sprintf("watch: {socket: %s}\nprivileges: {4811: [SeBackupPrivilege]}\n"+
		"trees:\n  docs: {path: %s}\n", w.socket, w.root))
	refmond, end := w.program.serve()

	cmd, said := w.index(4812)
	text := ""
	for said.Scan() {
		text += said.Text()
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(text, "uid 4812 holds no SeBackupPrivilege") {
		t.Errorf("a user without the privilege watches: %v %s", err, text)
	}

	if out, err := shell(4811, "ls "+w.root); err == nil {
		t.Fatalf("the user of the index sees the files: %s", out)
	}
	_, said = w.index(4811)
	for said.Scan() && !strings.Contains(said.Text(), "were looked at") {
	}
	go func() {
		for said.Scan() { // the index must make progress
		}
	}()
	w.awaitAnswer(4811, "plan", "alice", "yes\n")
	w.awaitAnswer(4811, "plan", "bob", "no\n")
	w.awaitAnswer(4811, "open", "bob", "no: the document could not be read: it has no valid attribute")
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4712)")
	w.awaitAnswer(4811, "plan", "bob", "yes\n")
	w.awaitAnswer(4811, "plan", "alice", "no\n")
	w.must(refmond.Process.Signal(syscall.SIGSTOP)) // the watching stage alone
	w.awaitAnswer(4811, "plan", "bob", "no: "+w.root+" had no heartbeat")
	w.must(refmond.Process.Signal(syscall.SIGCONT))
	w.awaitAnswer(4811, "plan", "bob", "yes\n")
	end()
	w.awaitAnswer(4811, "plan", "bob", "no: "+w.root+" had no heartbeat")
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")
	_, end = w.program.serve()
	defer end()
	w.awaitAnswer(4811, "plan", "alice", "yes\n")
	w.awaitAnswer(4811, "plan", "bob", "no\n")
}
