package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// newMountWorld makes a tree, a directory for a mount, and a program.
func newMountWorld(t *testing.T) (*treeWorld, *program, string) {
	t.Helper()
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse: ", err)
	}
	w := newTreeWorld(t)
	w.must(os.WriteFile(filepath.Join(w.root, "plan"), []byte("the plan\n"), 0o600))
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")
	at := filepath.Join(w.dir, "mount")
	w.must(os.Mkdir(at, 0o755))
	p := build(t)
	t.Cleanup(func() { // after a failed test; a successful one has unmounted it
		for unix.Unmount(at, unix.MNT_DETACH) == nil {
		}
	})
	return w, p, at
}

// shell runs a line in a shell as a user of the host.
func shell(uid uint32, line string) (string, error) {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// prints checks the end of the output of a line that runs as a user. If want is "", there must be no output.
func (w *treeWorld) prints(uid uint32, want, line string) {
	w.Helper()
	if got, err := shell(uid, line+" 2>&1"); !strings.HasSuffix(got, want) || want == "" && got != "" {
		w.Errorf("uid %d: %s: %q, %v; want %q", uid, line, got, err, want)
	}
}

// TestMountCommandAndConfigKeyMountTree mounts a tree by the verb and by the configuration key.
func TestMountCommandAndConfigKeyMountTree(t *testing.T) {
	w, p, at := newMountWorld(t)
	w.byKey(p, at)
	w.forBackup(p, at)
	if !testing.Short() { // it builds a program
		w.byName(p)
	}
	w.byVerb(p, at)
	t.Run("own", func(t *testing.T) { ownMounts(t, p) })
}

// byVerb checks that refmond mount shows a tree to each user as its descriptors allow, over the
// tree itself too, rejects a tree that can be reached without the mount, and starts again after
// kill -9 (M-1, M-8).
func (w *treeWorld) byVerb(p *program, at string) {
	cmd, end := p.started("mount", w.root, at)
	w.prints(alice, "the plan", "cat "+at+"/plan")
	w.prints(bob, "Permission denied", "cat "+at+"/plan")
	w.prints(bob, "plan", "ls "+at)
	w.prints(alice, "Too many levels of symbolic links", fmt.Sprintf("ln -s plan %[1]s/l; cat %[1]s/l; rm %[1]s/l", at))
	// A relative source would be completed by mount(8) with the current directory.
	w.prints(alice, w.root, "df --output=source "+at)
	if !testing.Short() { // it builds a program
		w.acl(at)
	}
	loaded := w.load(at)
	w.must(cmd.Process.Kill())
	end()
	loaded()
	w.prints(alice, "Transport endpoint is not connected", "cat "+at+"/plan")
	cmd, end = p.started("mount", "--hide-unreadable", "--follow-links", "--list-descriptors", "--mode", "refuse",
		"--traverse", "always", w.root, at)
	w.prints(alice, "the plan", "cat "+at+"/plan")
	w.prints(alice, "", "ls -A "+at+" | grep -vx -e plan -e 'load[0-3]' -e 'moved[0-3]'")
	w.prints(alice, "", "rm -f "+at+"/load? "+at+"/moved?")
	w.optionsHold(at)
	w.must(cmd.Process.Signal(unix.SIGHUP)) // its terminal is closed
	end()
	if names, err := os.ReadDir(at); err != nil || len(names) != 0 {
		w.Errorf("after the mount ended its directory has %v, %v, want it empty, no error", names, err)
	}
	// Where others can search the tree, a mount elsewhere leaves the way past it open, and
	// one over it does not.
	w.must(os.Chmod(w.root, 0o755))
	out, err := exec.Command(p.bin, "mount", w.root, at).CombinedOutput()
	check.That(w, err != nil && strings.Contains(string(out), "can reach the files without the mount"),
		`exposed: %s, %v, want text containing "can reach the files without the mount", an error`, out, err)
	near := w.root[:len(w.root)-1] // the name of the tree begins with it, but it does not cover the tree
	w.must(os.Mkdir(near, 0o755))
	tree := check.Must(hostfs.Open(hostfs.Config{Path: w.root}))
	check.That(w, (&mountCmd{}).closed(tree, near) != nil, "a mount on %s covers %s", near, w.root)
	w.must(tree.Close())
	_, end = p.started("mount", "--exposed", w.root, at)
	w.prints(alice, "the plan", "cat "+at+"/plan")
	end()
	_, end = p.started("mount", w.root, w.root)
	w.prints(bob, "Permission denied", "cat "+w.root+"/plan")
	w.prints(alice, "the plan", "cat "+w.root+"/plan")
	end()
	w.byPolicy(p)
}

// byPolicy checks the options of refmond mount that decide about access: a share for reading, descriptors
// from modes, names in any case, and descriptors that count after chmod.
func (w *treeWorld) byPolicy(p *program) {
	for name, mode := range map[string]os.FileMode{"bare": 0o644, "sealed": 0o640} {
		w.must(os.WriteFile(filepath.Join(w.root, name), []byte(name), 0o600))
		w.must(os.Chmod(filepath.Join(w.root, name), mode))
	}
	sealed := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse("O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")}
	w.must(sealed.Seal(ntacl.Info{Mode: 0o600}, nil, nil)) // not the mode of the file
	value, err := sealed.Append(nil)
	w.must(err)
	w.must(unix.Setxattr(filepath.Join(w.root, "sealed"), ntacl.Name, value, 0))
	_, end := p.started("mount", "--share", "D:(A;;0x1200a9;;;WD)", "--missing", "synthesise", "--case-insensitive",
		"--ignore-posix", w.root, w.root)
	defer end()
	w.prints(alice, "the plan", "cat "+w.root+"/PLAN")
	w.prints(alice, "Permission denied", "echo x >>"+w.root+"/plan")
	w.prints(bob, "bare", "cat "+w.root+"/bare")
	w.prints(alice, "sealed", "cat "+w.root+"/sealed")
}

// optionsHold checks a mount that hides unreadable entries, follows links, lists descriptors, rejects chmod and checks
// the parent directories of a file.
func (w *treeWorld) optionsHold(at string) {
	w.Helper()
	closed := filepath.Join(w.root, "closed")
	w.must(errors.Join(os.Mkdir(closed, 0o700), os.WriteFile(closed+"/f", nil, 0o600)))
	w.describe("closed", "O:BAG:SYD:P")
	w.describe("closed/f", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")
	w.prints(alice, "Permission denied", "cat "+at+"/closed/f")
	w.prints(alice, "no", "test -x "+at+"/closed && echo yes || echo no")
	w.must(os.RemoveAll(closed))
	w.prints(alice, "the plan", fmt.Sprintf("ln -s plan %[1]s/l; cat %[1]s/l; rm %[1]s/l", at))
	if !testing.Short() { // it builds a program
		// A descriptor of a link's target does not decide with the folder of the link (B-24).
		w.prints(alice, "it is a symbolic link", fmt.Sprintf("ln -s plan %[1]s/l; %[2]s why %[1]s/l --as 4711 2>&1 | "+
			"grep -o 'it is a symbolic link'; rm %[1]s/l", at, w.refmon()))
	}
	w.prints(alice, "Operation not permitted", "chmod 600 "+at+"/plan")
	w.prints(alice, "user.ntfs_acl", "tar -C "+at+" --xattrs -cf - plan | grep -a -o user.ntfs_acl")
	w.prints(bob, "", "ls -A "+at)
}

// load starts four programs that write, read, rename and remove files of a mount until an operation fails. The returned
// function waits until all have exited, so none may hang when the mount ends (M-8).
func (w *treeWorld) load(at string) (ended func()) {
	w.Helper()
	const line = `i=0; while echo $i > load$N && cat load$N && mv load$N moved$N && rm moved$N; do i=$((i+1)); done`
	var work sync.WaitGroup
	for n := range 4 {
		cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("cd %s && N=%d && %s", at, n, line))
		cmd.Dir, cmd.Env = "/", append(os.Environ(), "LC_ALL=C")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: alice, Gid: alice}}
		out, err := cmd.StdoutPipe()
		w.must(err)
		var why strings.Builder
		cmd.Stderr = &why
		w.must(cmd.Start())
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			w.Errorf("no file was read: %v: %s", cmd.Wait(), why.String())
		}
		work.Go(func() {
			for lines.Scan() { // until an operation fails
			}
			_ = cmd.Wait() // the exit code of the last command
			// The kernel reports a page that it was reading as an input/output error.
			if s := why.String(); !strings.Contains(s, "not connected") && !strings.Contains(s, "connection abort") &&
				!strings.Contains(s, "Input/output error") {
				w.Errorf("M-8: a program ended with %q", s)
			}
		})
	}
	return work.Wait
}

// byKey checks that a tree's key mount shows it to the host's programs with the accounts of the store, and that a
// changed account applies immediately (M-2).
func (w *treeWorld) byKey(p *program, at string) {
	w.must(os.Chmod(p.dir, 0o755))
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    mount: %s\n    hideUnreadable: true\n"+
		"    followLinks: true\n    listDescriptors: true\n    mode: refuse\n    traverse: always\n", w.root, at))
	_, end := p.serve()
	defer end()
	w.optionsHold(at)
	w.prints(alice, "the plan", "cat "+at+"/plan")
	w.prints(bob, "Permission denied", "cat "+at+"/plan")
	p.must("", "add", "alice", "--uid", fmt.Sprint(alice), "--disabled")
	w.prints(alice, "Permission denied", "cat "+at+"/plan")
	p.must("", "unlock", "alice")
	w.prints(alice, "the plan", "cat "+at+"/plan")
}

// byName checks that refmon acl reads and changes the descriptor of a tree's file through refmond
// with the caller's rights, without a mount (F-50, F-170).
func (w *treeWorld) byName(p *program) {
	p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n", w.root))
	_, end := p.serve()
	defer end()
	bin, socket := w.refmon()+" acl ", filepath.Join(p.dir, "s")
	get, set := bin+"get --connect "+socket+" ", bin+"set --connect "+socket+" "
	w.prints(alice, "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)", get+"projects/plan")
	w.prints(alice, "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)", "REFMON_SOCKET="+socket+" "+bin+`get '\??\projects\plan'`)
	w.prints(bob, "STATUS_ACCESS_DENIED (0xC0000022)", get+"projects/plan")
	w.prints(bob, "STATUS_ACCESS_DENIED (0xC0000022)", set+"projects/plan 'D:P(A;;FA;;;WD)'")
	w.prints(alice, "STATUS_OBJECT_NAME_NOT_FOUND (0xC0000034)", get+"projects/absent")
	w.prints(alice, "such as projects/plans/plan.docx", get+w.root+"/plan")
	w.prints(alice, "", set+"projects/plan 'G:S-1-22-2-4711D:P(A;;FA;;;S-1-22-1-4711)(A;;0x1200a9;;;S-1-22-1-4712)'")
	w.prints(bob, "O:BAG:S-1-22-2-4711D:P(A;;FA;;;S-1-22-1-4711)(A;;0x1200a9;;;S-1-22-1-4712)", get+"projects/plan")
	w.prints(alice, "STATUS_PRIVILEGE_NOT_HELD (0xC0000061)", set+"projects/plan 'S:(AU;SA;FA;;;WD)'")
	w.prints(bob, "STATUS_ACCESS_DENIED (0xC0000022)", bin+"reset --connect "+socket+" projects/plan")
	w.prints(alice, "", bin+"reset --connect "+socket+" projects/plan")
	w.prints(alice, "D:AI(A;ID;FA;;;S-1-22-1-4711)(A;ID;0x1200a9;;;S-1-22-1-4712)", get+"projects/plan")
	w.prints(alice, "", set+"projects/plan 'D:P(A;;FA;;;S-1-22-1-4711)'")
	w.prints(alice, "", bin+"inherit --connect "+socket+" projects/plan")
	w.prints(alice, "D:AI(A;;FA;;;S-1-22-1-4711)(A;ID;FA;;;S-1-22-1-4711)(A;ID;0x1200a9;;;S-1-22-1-4712)",
		get+"projects/plan")
	w.prints(alice, "no descriptor that can be read", bin+"inherit --connect "+socket+" projects")
	w.describe("plan", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)")
}

// refmon builds the command refmon, once.
func (w *treeWorld) refmon() string {
	w.Helper()
	bin := filepath.Join(w.dir, "refmon")
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	programs.Install(w.T, w.dir, "refmon")
	return bin
}

// acl checks that refmon acl reads and changes a descriptor through the mount with the caller's
// rights (M-16).
func (w *treeWorld) acl(at string) {
	bin := w.refmon() + " acl "
	plan := " " + at + "/plan"
	w.prints(alice, "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4711)", bin+"get"+plan)
	w.prints(bob, "permission denied", bin+"get"+plan)
	w.prints(bob, "permission denied", bin+"set"+plan+" 'D:P(A;;FA;;;WD)'")
	w.prints(alice, "", bin+"set"+plan+" 'D:P(A;;FA;;;S-1-22-1-4711)(A;;FR;;;S-1-22-1-4712)'")
	w.prints(bob, "the plan", "cat"+plan)
	// The root of the tree gives its entries as the caller may write them (F-170).
	w.prints(bob, "permission denied", bin+"inherit"+plan)
	w.prints(bob, "permission denied", bin+"reset"+plan)
	w.prints(alice, "", bin+"inherit"+plan)
	w.prints(alice, "O:BAG:SYD:AI(A;;FA;;;S-1-22-1-4711)(A;;FR;;;S-1-22-1-4712)"+
		"(A;ID;FA;;;S-1-22-1-4711)(A;ID;0x1200a9;;;S-1-22-1-4712)", bin+"get"+plan)
	w.prints(alice, "", bin+"set"+plan+" 'D:P(A;;FA;;;S-1-22-1-4711)'")
	if out, err := shell(0, bin+"get "+w.root+"/plan"); err == nil ||
		!strings.Contains(out, "is not on a mount of refmond") {
		w.Errorf(`M-16: a file on no mount: %q, %v, want text containing "is not on a mount of refmond", an error`, out,
			err)
	}
}

// TestACLGuideWorksOnMount follows docs/acl.md with two users of this host on a real mount: from an empty folder to
// bob's denial, its explanation and the grant that lets bob read. The commands use account names only.
func TestACLGuideWorksOnMount(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs")
	}
	w, p, _ := newMountWorld(t)
	owner, errOwner := user.Lookup("daemon")
	other, errOther := user.Lookup("bin")
	if err := errors.Join(errOwner, errOther); err != nil {
		t.Skip("this host has no two users to name: ", err)
	}
	ids := map[string]uint32{}
	for _, u := range []*user.User{owner, other} {
		n, err := strconv.ParseUint(u.Uid, 10, 32)
		w.must(err)
		ids[u.Username] = uint32(n)
	}
	alice, bob := ids[owner.Username], ids[other.Username]
	refmon, undo, plans := w.refmon(), filepath.Join(w.dir, "undo"), filepath.Join(w.dir, "plans")
	w.must(errors.Join(os.Mkdir(plans, 0o755), os.Mkdir(undo, 0o700), os.Chown(undo, int(alice), -1)))
	refmon = "export REFMON_SOCKET=" + p.socket + "; " + refmon // no refmond of this host is asked
	w.prints(0, "without an access check or an audit record", refmon+" acl grant --offline --undo-file "+w.dir+
		"/first.undo "+plans+" daemon:full")
	t.Cleanup(func() { _ = unix.Unmount(plans, unix.MNT_DETACH) }) // after a failed test
	_, end := p.started("mount", plans, plans)
	defer end()
	bare := filepath.Join(w.dir, "bare")
	w.must(os.Mkdir(bare, 0o755))
	t.Cleanup(func() { _ = unix.Unmount(bare, unix.MNT_DETACH) })
	_, endBare := p.started("mount", bare, bare)
	defer endBare()
	w.must(os.WriteFile(filepath.Join(w.dir, "none.jsonl"), []byte("{\"end\":0}\n"), 0o600))
	for _, offline := range []string{"grant --offline " + bare + " daemon:full", "get --offline " + plans,
		"set --offline " + plans + " 'D:(A;;FA;;;WD)'", "reset --offline " + plans,
		"grant --offline -n " + plans + " daemon:full",
		"import --offline " + plans + " " + w.dir + "/none.jsonl", "migrate --from posix -n " + plans,
		"undo " + w.dir + "/first.undo"} {
		w.prints(0, "give the path of its tree, or unmount it", refmon+" acl "+offline)
	}
	w.prints(alice, "refmon why "+bare+" --as USER shows the entries", refmon+" acl grant --undo-file "+undo+"/none "+bare+
		" daemon:full")
	w.prints(bob, "", "ls "+plans) // the folder's mode gave reading to everybody
	w.prints(bob, "permission denied", refmon+" acl deny --undo-file "+undo+"/deny "+plans+" daemon:full")
	w.prints(alice, "revoke", refmon+" acl revoke --undo-file "+undo+"/revoke "+plans+" Everyone")
	w.prints(bob, "Permission denied", "ls "+plans)
	w.prints(alice, "DENIED STATUS_ACCESS_DENIED: bin", refmon+" why "+plans+" --as bin | grep -o 'DENIED.*: bin'")
	w.prints(alice, "no entry allows them", refmon+" why "+plans+" --as bin | grep -o -m 1 'no entry allows them'")
	w.prints(alice, "grant", refmon+" acl grant --undo-file "+undo+"/grant "+plans+" bin:read")
	w.prints(alice, "GRANTED: bin", refmon+" why "+plans+" --as bin | grep -o 'GRANTED: bin'")
	w.prints(alice, "", "echo grow >"+plans+"/plan")
	w.prints(bob, "grow", "cd "+plans+" && ls >/dev/null && cat plan")
	w.prints(bob, "Permission denied", "echo more >>"+plans+"/plan")
	w.prints(0, "DENIED STATUS_ACCESS_DENIED: bin",
		refmon+" why "+plans+"/plan --as bin --want write | grep -o 'DENIED.*: bin'")
	// The plan was created after the grant and inherited it.
	w.prints(alice, "1 file keeps such an entry: run refmon acl inherit for each", refmon+" acl undo "+undo+"/grant")
	w.prints(alice, "", refmon+" acl inherit "+plans+"/plan")
	w.prints(alice, "", "ln -s "+plans+"/plan "+undo+"/link && "+refmon+" acl inherit "+undo+"/link")
	// The mount lets no program follow its own links (M-34).
	w.prints(alice, "1", "ln -s plan "+plans+"/link && "+refmon+" acl inherit "+plans+"/link 2>&1 | "+
		"grep -c '^refmon: '; rm "+plans+"/link")
	w.prints(alice, "0 files restored, 1 had their descriptors", refmon+" acl undo "+undo+"/grant")
	w.prints(bob, "Permission denied", "ls "+plans)
}

// forBackup checks that a backup mount, by the verb or the configuration, shows a tree to accounts that hold a
// privilege for it, whatever its descriptors, and to nobody else (M-53).
func (w *treeWorld) forBackup(p *program, at string) {
	const read, add = "cat %s/plan", "echo x >%[1]s/new && rm %[1]s/new && echo restored"
	for _, how := range []struct {
		privileges    string // key of the configuration; "": the verb sets both
		reads, writes string
	}{
		{"", "the plan", "restored"}, {"SeBackupPrivilege", "the plan", "Permission denied"},
		{"SeBackupPrivilege, SeRestorePrivilege", "the plan", "restored"},
	} {
		var end func()
		if how.privileges == "" {
			_, end = p.started("mount", "--backup", fmt.Sprint(bob), w.root, at)
		} else {
			p.configure(fmt.Sprintf("trees:\n  projects:\n    path: %s\n    backup: %s\n"+
				"privileges:\n  %d: [%s]\n", w.root, at, bob, how.privileges))
			_, end = p.serve()
		}
		w.prints(bob, how.reads, fmt.Sprintf(read, at))
		w.prints(bob, how.writes, fmt.Sprintf(add, at))
		w.prints(alice, "Permission denied", fmt.Sprintf(read, at))
		end()
	}
	for _, args := range [][]string{{"--backup", "no-such-user"}, {"--backup", "1", "--mode", "map"},
		{"--backup", "1", "--follow-links"}, {"--backup", "1", "--hide-unreadable"}} {
		out, err := exec.Command(p.bin, append([]string{"mount", w.root, at}, args...)...).CombinedOutput()
		check.That(w, err != nil && strings.Contains(string(out), "--backup"),
			`%q: %s, %v, want text containing "--backup", an error`, args, out, err)
	}
}

// TestBackupMountNamesItsUser checks that the log of a backup mount names the only user with access.
func TestBackupMountNamesItsUser(t *testing.T) {
	if got, want := (&mountCmd{Backup: "nightly"}).audience(), "the user nightly alone"; got != want {
		t.Errorf("audience() = %q, want %q", got, want)
	}
}

// TestMountRejectsPaths checks that refmond mount does not take an empty path for the working directory, and covers no
// directory above the tree (M-39). It keeps its own files out of the tree and of the mount, and names a missing tree
// before a missing mount point.
func TestMountRejectsPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"t", "d/t"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for want, c := range map[string]mountCmd{"TREE is empty": {Dir: "d"}, "DIR is empty": {Tree: "t"},
		"/gone does not exist: TREE":          {Tree: "gone", Dir: "gone too"},
		"would cover all files in it":         {Tree: "d/t", Dir: "d/"},
		"/t/audit is in the tree":             {Tree: "t", Dir: "d", Audit: "t/audit"},
		"/d/m is in the tree or in its mount": {Tree: "t", Dir: "d", Audit: "tt", Metrics: "d/x/../m"}} {
		if _, _, err := c.paths(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mount %q %q: %v, want %q", c.Tree, c.Dir, err, want)
		}
	}
}
