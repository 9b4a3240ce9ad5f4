package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/programs"
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

// answers waits until the answer about a file is one.
func (w *watcher) answers(uid uint32, file, who, want string) {
	w.Helper()
	var got string
	for ends := time.Now().Add(time.Minute); time.Now().Before(ends); {
		got, _ = shell(uid, fmt.Sprintf("%s can-read %s %s --state %s/state%d --limit 3s", w.bin,
			filepath.Join(w.root, file), who, w.people, uid))
		if strings.HasPrefix(got+"\n", want) {
			return
		}
	}
	w.Fatalf("%s %s: after a minute still %q, want %q", file, who, got, want)
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
		for said.Scan() { // it shall not stand still
		}
	}()
	w.answers(4811, "plan", "alice", "yes\n")
	w.answers(4811, "plan", "bob", "no\n")
	w.answers(4811, "open", "bob", "no: the document could not be read: it has no valid attribute")
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4712)")
	w.answers(4811, "plan", "bob", "yes\n")
	w.answers(4811, "plan", "alice", "no\n")
	w.must(refmond.Process.Signal(syscall.SIGSTOP)) // the stage that watches, alone
	w.answers(4811, "plan", "bob", "no: "+w.root+" had no heartbeat")
	w.must(refmond.Process.Signal(syscall.SIGCONT))
	w.answers(4811, "plan", "bob", "yes\n")
	end()
	w.answers(4811, "plan", "bob", "no: "+w.root+" had no heartbeat")
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")
	_, end = w.program.serve()
	defer end()
	w.answers(4811, "plan", "alice", "yes\n")
	w.answers(4811, "plan", "bob", "no\n")
}
