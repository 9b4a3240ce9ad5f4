package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestRefmondRestartsOverDeadMount checks that refmond with a mount over its own tree starts again twice after kill -9,
// while a program has a file open in the dead mount. doctor reports the working mounts, that for backup too, and
// afterwards their remains (M-8, M-39, M-40).
func TestRefmondRestartsOverDeadMount(t *testing.T) {
	w, p, at := newMountWorld(t)
	t.Cleanup(func() {
		for unix.Unmount(w.root, unix.MNT_DETACH) == nil {
		}
	})
	w.must(os.Chmod(p.dir, 0o755))
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n    backup: %s\n", w.root, w.root, at))
	doctor := func() (trees string) {
		t.Helper()
		out, _ := exec.Command(p.bin, "doctor", "--config", p.config).Output() // the exit code covers more than trees
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, " trees ") {
				trees += line
			}
		}
		return trees
	}
	for round := range 2 {
		cmd, end := p.serve()
		w.prints(alice, "the plan", "cat "+w.root+"/plan")
		w.prints(bob, "Permission denied", "cat "+w.root+"/plan")
		if got := doctor(); strings.Contains(got, "WRONG") ||
			!strings.Contains(got, "ok    trees        projects: "+w.root+" is mounted over its own tree and answers") ||
			!strings.Contains(got, "ok    trees        projects: "+at+" is mounted for backup and answers") {
			t.Errorf("round %d: the doctor about a refmond that works:\n%s", round, got)
		}
		release := w.holdOpen(filepath.Join(w.root, "plan"))
		w.must(cmd.Process.Kill())
		end()
		w.prints(alice, "Transport endpoint is not connected", "cat "+w.root+"/plan")
		if got := doctor(); !strings.Contains(got, "WRONG trees        projects: "+w.root+
			" is the mount of a refmond that was killed: start refmond, which removes it") ||
			!strings.Contains(got, "WRONG trees        projects: the tree is not mounted for backup at "+at) {
			t.Errorf("round %d: the doctor about a dead mount:\n%s", round, got)
		}
		defer release()
	}
	_, end := p.serve()
	w.prints(alice, "the plan", "cat "+w.root+"/plan")
	end()
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), " "+w.root+" ") {
		t.Errorf("the mount is left, %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(w.root, "plan")); err != nil || string(text) != "the plan\n" {
		t.Errorf("the file below: %q, %v, want %q, no error", text, err, "the plan\n")
	}
}

// TestKilledMountsAreReplaced kills refmond serve and refmond mount again and again, right after programs read the
// attributes of the mount's root, which the host's kernel then answers from its cache for a dead mount too. Each start
// leaves one mount, and a concurrent second start fails, as one of a tree that is itself the mount (M-8, M-39).
func TestKilledMountsAreReplaced(t *testing.T) {
	w, p, at := newMountWorld(t)
	w.must(os.Chmod(p.dir, 0o755))
	other := filepath.Join(w.dir, "other")
	w.must(os.Mkdir(other, 0o700))
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    exposed: true\n    mount: %s\n", at, other))
	w.must(os.Rename(p.config, p.config+".mount"))
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n", w.root, at))
	mounts := func() int {
		table, err := os.ReadFile("/proc/self/mountinfo")
		w.must(err)
		return strings.Count(string(table), " "+at+" ")
	}
	rounds := 3
	if !testing.Short() {
		rounds = 9
	}
	for name, start := range map[string]func() (*exec.Cmd, func()){
		"serve": p.serve,
		"mount": func() (*exec.Cmd, func()) { return p.started("mount", w.root, at) },
	} {
		for round := range rounds {
			cmd, end := start()
			w.prints(0, "", "stat "+at+" >/dev/null")
			w.prints(alice, "the plan", "ls -ld "+at+" >/dev/null; cat "+at+"/plan")
			if n := mounts(); n != 1 {
				t.Fatalf("M-39: %s, round %d: %d mounts, want 1", name, round, n)
			}
			w.prints(0, "", "stat "+at+" >/dev/null")
			w.must(cmd.Process.Kill())
			end()
		}
		_, end := start()
		out, err := p.mustFail("mount", w.root, at)
		if want := "a running refmond has mounted"; err == nil || !strings.Contains(out, want) || mounts() != 1 {
			t.Errorf("M-39: a second mount next to %s: %v, %d mounts, %s; want text containing %q", name, err, mounts(), out,
				want)
		}
		for _, args := range [][]string{{"mount", "--exposed", at, other}, {"serve", "--config", p.config + ".mount"}} {
			if args[0] == name && name == "serve" {
				continue // the state folder is in use
			}
			out, err := p.mustFail(args...)
			want := at + " is in the mount of refmond on " + at
			check.That(t, err != nil && strings.Contains(out, want), "M-39: %q: %v, %s; want %s", args, err, out, want)
		}
		w.prints(alice, "the plan", "cat "+at+"/plan")
		end()
	}
}

// TestSignalBeforeReadyEndsMount sends SIGTERM to refmond mount as soon as the mount exists. Each time the program ends
// with success, and no mount remains.
func TestSignalBeforeReadyEndsMount(t *testing.T) {
	w, p, at := newMountWorld(t)
	mounted := func() bool {
		return strings.Contains(string(check.Must(os.ReadFile("/proc/self/mountinfo"))), " "+at+" ")
	}
	for round := range 5 {
		cmd := exec.Command(p.bin, "mount", w.root, at)
		w.must(cmd.Start())
		check.Eventually(t, mounted, "round %d: no mount", round)
		w.must(cmd.Process.Signal(unix.SIGTERM))
		if err := cmd.Wait(); err != nil || mounted() {
			t.Fatalf("round %d: %v, mounted %t, want success and no mount", round, err, mounted())
		}
	}
}

// holdOpen starts a program of alice's that has a file open until release.
func (w *treeWorld) holdOpen(name string) (release func()) {
	w.Helper()
	cmd := exec.Command("setpriv", "--reuid", fmt.Sprint(alice), "--regid", fmt.Sprint(alice), "--clear-groups",
		"/bin/sh", "-c", `exec 3<"$0" && echo open && read end`, name)
	in, err := cmd.StdinPipe()
	w.must(err)
	out, err := cmd.StdoutPipe()
	w.must(err)
	w.must(cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		w.Fatalf("a program opens %s: %q, %v, want %q", name, line, err, "open\n")
	}
	return func() {
		_ = in.Close()
		_ = cmd.Wait() // the program reads until the end of its input
	}
}

// TestDeadMountOfOthersIsNotRemoved checks that refmond does not remove the dead mount of another file system or tree,
// and that the error and doctor say what to do (M-39).
func TestDeadMountOfOthersIsNotRemoved(t *testing.T) {
	w, p, at := newMountWorld(t)
	w.must(os.Chmod(p.dir, 0o755))
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n", w.root, at))
	for kind, source := range map[string]string{"fuse.sshfs": "projects", "fuse.refmon": "others"} {
		w.deadMount(at, kind, source)
		out, err := p.mustFail("serve", "--config", p.config)
		if err == nil || !strings.Contains(out, fmt.Sprintf(
			"a dead mount of another server is there (%s, %s): end it with umount -l %s", kind, source, at)) {
			t.Errorf("%s of %s: %v\n%s", kind, source, err, out)
		}
		var s unix.Stat_t
		check.ErrorIs(t, unix.Stat(at, &s), unix.ENOTCONN, "%s of %s was removed", kind, source)
		var found bytes.Buffer
		tree := &treeConfig{name: "projects", mount: at, Config: hostfs.Config{Path: w.root}}
		hides := (&checkUp{std: &streams{out: &found}}).covered(tree)
		want := "WRONG trees        projects: " + at + " is a dead mount of another server: end it with umount -l " + at
		check.That(t, hides && strings.Contains(found.String(), want), "the doctor about %s of %s: hidden %t, %s", kind,
			source, hides, found.String())
		w.must(unix.Unmount(at, unix.MNT_DETACH))
	}
}

// TestDeadMountsAreRemovedBeforeTreesOpen checks that a start removes the mounts of a killed refmond, that for backup
// too, so that it can open a tree in a directory below one (M-8).
func TestDeadMountsAreRemovedBeforeTreesOpen(t *testing.T) {
	w, _, at := newMountWorld(t)
	for _, c := range []treeConfig{{name: "projects", mount: at}, {name: "projects", backup: at}} {
		w.deadMount(at, "fuse.refmon", "projects")
		w.must(removeStale([]treeConfig{c}))
		check.NoError(t, check.Err(os.ReadDir(at)))
	}
}

// TestLostMountIsLogged checks that refmond logs that another program unmounted a tree, and does not for its own
// unmount.
func TestLostMountIsLogged(t *testing.T) {
	w, p, at := newMountWorld(t)
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n", w.root, at))
	for round := range 2 {
		_, end := p.serve()
		if round == 0 {
			w.must(unix.Unmount(at, 0))
			p.log.await(t, 0, "another program unmounted the tree: restart refmond")
		}
		end()
	}
	check.Equal(t, strings.Count(p.log.text(), "another program"), 1, "lines about a lost mount")
}

// deadMount mounts a file system whose server is gone.
func (w *treeWorld) deadMount(at, kind, source string) {
	w.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	w.must(err)
	w.must(unix.Mount(source, at, kind, unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("rootmode=40000,user_id=0,group_id=0,fd=%d", fd)))
	w.must(unix.Close(fd))
}

// mustFail runs a verb that must exit with an error. A verb that keeps running is killed and counts as success.
func (p *program) mustFail(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(p.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.bin, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = nil
	}
	return string(out), err
}

// TestMissingMountPointNamesRemedy checks that a missing mount point, or one that is a file, is rejected with a message
// that says what to do (M-39).
func TestMissingMountPointNamesRemedy(t *testing.T) {
	w, p, _ := newMountWorld(t)
	file := filepath.Join(w.dir, "file")
	w.must(os.WriteFile(file, nil, 0o600))
	for at, want := range map[string]string{w.dir + "/none": "none does not exist: make the directory first",
		file: "file is not a directory: name one"} {
		p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n", w.root, at))
		for _, args := range [][]string{{"serve", "--config", p.config}, {"mount", w.root, at}} {
			out, err := p.mustFail(args...)
			check.That(t, err != nil && strings.Contains(out, want), "%q: %v, %s; want %s", args, err, out, want)
		}
	}
}
