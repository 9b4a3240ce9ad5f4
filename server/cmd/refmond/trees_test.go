package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Users of the host without an account.
const (
	alice = 4711
	bob   = 4712
)

// treeWorld is a refmond with a tree at a real directory.
type treeWorld struct {
	*testing.T
	dir, root string
	config    string
}

// newTreeWorld creates the directory: alice has full access, bob may read.
func newTreeWorld(t *testing.T) *treeWorld {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root opens files for others")
	}
	dir := t.TempDir()
	w := &treeWorld{T: t, dir: dir, root: filepath.Join(dir, "tree"), config: filepath.Join(dir, "c.yaml")}
	w.must(errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.Mkdir(w.root, 0o700)))
	w.describe("", ofTheRoot)
	return w
}

// ofTheRoot is the descriptor of the directory that newTreeWorld creates.
const ofTheRoot = "O:BAG:SYD:P(A;OICI;FA;;;S-1-22-1-4711)(A;OICI;0x1200a9;;;S-1-22-1-4712)"

func (w *treeWorld) must(err error) {
	w.Helper()
	check.NoError(w, err)
}

// ok checks that st is STATUS_SUCCESS.
func (w *treeWorld) ok(what string, st ntstatus.Status) {
	w.Helper()
	check.Equal(w, st, ntstatus.Success, "%s", what)
}

// describe stores a descriptor for a file, as a file server does.
func (w *treeWorld) describe(name, text string) {
	w.Helper()
	a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}
	value, err := a.Append(nil)
	w.must(err)
	if err := unix.Setxattr(filepath.Join(w.root, name), ntacl.Name, value, 0); err != nil {
		w.Skipf("descriptors cannot be kept in %s: %v", w.root, err)
	}
}

// configure writes a configuration with the tree, with further keys of it.
func (w *treeWorld) configure(more string) *config {
	w.Helper()
	cfg, err := load(written(w.T, w.config, fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: %s\nlog: {level: error}\n"+
		"trees:\n  projects:\n    path: %s\n%s", filepath.Join(w.dir, "state"), filepath.Join(w.dir, "s"),
		filepath.Join(w.dir, "a"), w.root, more)))
	w.must(err)
	return cfg
}

// connectAs connects as a user of the host.
func (w *treeWorld) connectAs(uid int) *nt.Thread {
	w.Helper()
	return w.dial(uid).Thread()
}

func (w *treeWorld) dial(uid int) *client.Conn {
	w.Helper()
	return w.dialAs(uid, uid)
}

// dialAs connects as a user of the host with a group of the host.
func (w *treeWorld) dialAs(uid, gid int) *client.Conn {
	w.Helper()
	c, err := asuser.Run(uid, gid, func() (*client.Conn, error) { return client.Dial(filepath.Join(w.dir, "s")) })
	w.must(err)
	w.Cleanup(func() { _ = c.Close() })
	return c
}

// file names a file of the tree.
func file(name string) nt.Captured[*nt.ObjectAttributes] {
	return nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\projects\` + name})
}

const sharing = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// TestDeviceNamesAreNoTreeNames checks that the configuration refuses each name that a new system has in \GLOBAL?? or
// \Device: the kernel would refuse the tree only after other trees are mounted (F-110).
func TestDeviceNamesAreNoTreeNames(t *testing.T) {
	w := newTreeWorld(t)
	defer served(t, w.configure(""))()
	th, devices := w.connectAs(0), 0
	for _, directory := range []string{`\GLOBAL??`, `\Device`} {
		h, st := th.NtOpenDirectoryObject(winnt.DIRECTORY_QUERY, &nt.ObjectAttributes{ObjectName: directory})
		w.ok(directory, st)
		entries, st := th.NtQueryDirectoryObject(h)
		w.ok(directory, st)
		for _, e := range entries {
			if e.Name == "projects" {
				continue // the tree itself
			}
			devices++
			_, err := load(written(t, filepath.Join(w.dir, "d.yaml"), "trees: {"+e.Name+": {path: "+w.root+"}}\n"))
			check.That(t, err != nil && strings.Contains(err.Error(), "a device has this name"), "%s: %v", e.Name, err)
		}
	}
	check.That(t, devices >= 5, "%d devices, want 5 or more", devices)
}

// TestUsersWorkOnTreeBySocket checks that users of the host create, read, list, change and delete real files
// over the socket, each as the files' descriptors allow (F-110).
func TestUsersWorkOnTreeBySocket(t *testing.T) {
	w := newTreeWorld(t)
	defer served(t, w.configure(""))()
	a, b := w.connectAs(alice), w.connectAs(bob)
	create := func(th *nt.Thread, name string, d fileaccess.Disposition, desired winnt.AccessMask,
		options fileaccess.CreateOptions) (winnt.Handle, ntstatus.Status) {
		h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: uint32(d),
			CreateOptions: uint32(options), ShareAccess: sharing, ObjectAttributes: file(name)})
		return h, st
	}
	all := winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_WRITE | winnt.DELETE | winnt.WRITE_DAC
	dir, st := create(a, "plans", fileaccess.FileCreate, all, fileaccess.DirectoryFile)
	w.ok("a directory", st)
	h, st := create(a, `plans\plan.txt`, fileaccess.FileCreate, all, fileaccess.SynchronousIONonalert)
	w.ok("a file", st)
	n, st := a.NtWriteFile(h, []byte("the plan"))
	if w.ok("write", st); n != 8 {
		t.Errorf("%d bytes written, want 8", n)
	}
	check.Equal(t, check.Status(create(b, `plans\plan.txt`, fileaccess.FileOpen, winnt.FILE_WRITE_DATA, 0)),
		ntstatus.AccessDenied, "bob writes")
	hb, st := b.NtOpenFile(winnt.FILE_GENERIC_READ, file(`plans\plan.txt`).V, sharing, 0)
	w.ok("bob opens", st)
	if text, st := b.NtReadFileAt(hb, 100, 0); st != ntstatus.Success || string(text) != "the plan" {
		t.Errorf(`bob reads %q, %v, want "the plan", %v`, text, st, ntstatus.Success)
	}
	w.ok("alice shuts bob out", a.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:P(A;;FA;;;S-1-22-1-4711)")))
	check.Equal(t, check.Status(create(b, `plans\plan.txt`, fileaccess.FileOpen, winnt.FILE_READ_DATA, 0)),
		ntstatus.AccessDenied, "bob reads a file that alice has closed to him")
	w.ok("rename", a.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "Plan B.txt"}))
	list, st := a.NtQueryDirectoryFile(dir, "*.txt", true)
	if w.ok("list", st); len(list) != 1 || list[0].FileName != "Plan B.txt" {
		t.Errorf("the directory has %+v", list)
	}
	if text, err := os.ReadFile(filepath.Join(w.root, "plans/Plan B.txt")); err != nil || string(text) != "the plan" {
		t.Errorf(`the real file: %q, %v, want "the plan", no error`, text, err)
	}
	w.ok("disposition", a.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true}))
	for th, handles := range map[*nt.Thread][]winnt.Handle{a: {h, dir}, b: {hb}} {
		for _, h := range handles {
			w.ok("close", th.NtClose(h))
		}
	}
	w.ok("delete", a.NtDeleteFile(file("plans").V))
	if left, err := os.ReadDir(w.root); err != nil || len(left) > 0 {
		t.Errorf("the tree has %v, %v after the deletion, want it empty, no error", left, err)
	}
}

// doctor returns the first line of the doctor's report about trees.
func (w *treeWorld) doctor() string {
	w.Helper()
	for line := range strings.Lines(w.doctored()) {
		if strings.Contains(line, " trees ") {
			return line
		}
	}
	return ""
}

// TestExposedTreePathBlocksStart checks that refmond does not start with a tree whose path others can traverse, unless
// the configuration allows it, which is recorded at each start. doctor reports for each path whether it is closed
// (F-127).
func TestExposedTreePathBlocksStart(t *testing.T) {
	w := newTreeWorld(t)
	w.configure("")
	if got, want := w.doctor(), "ok    trees        projects: "+w.root+" is closed"; !strings.HasPrefix(got, want) {
		t.Errorf("closed: %q, want %q", got, want)
	}
	w.must(os.Chmod(w.root, 0o711))
	cfg := w.configure("")
	if s, err := start(cfg, &streams{out: io.Discard, err: io.Discard}); err == nil {
		_ = s.stop()
		t.Fatal("an open path was served")
	} else if !strings.Contains(err.Error(), "every user (mode 711)") || !strings.Contains(err.Error(), "exposed: true") {
		t.Errorf("refused with %v", err)
	}
	if got := w.doctor(); !strings.HasPrefix(got, "WRONG trees        projects: "+w.root+": every user (mode 711)") {
		t.Errorf("open: %q, want text starting with %q", got,
			"WRONG trees        projects: "+w.root+": every user (mode 711)")
	}
	cfg = w.configure("    exposed: true\n")
	for range 2 {
		served(t, cfg)()
	}
	if got := w.doctor(); !strings.HasPrefix(got, "note  trees        projects: "+w.root+": every user (mode 711)") {
		t.Errorf("exposed: %q, want text starting with %q", got,
			"note  trees        projects: "+w.root+": every user (mode 711)")
	}
	records := 0
	for _, e := range trailOf(w, cfg.State) {
		name, _ := e.Field("ShareName")
		path, _ := e.Field("ShareLocalPath")
		who, _ := e.Field("Exposure")
		by, _ := e.Field("SubjectUserName")
		if e.ID == 5142 && by == "SYSTEM" && name == `\\*\projects` && path == w.root &&
			who == w.root+": every user (mode 711)" {
			records++
		}
	}
	check.Equal(t, records, 2, "records of two starts")
	w.must(errors.Join(os.Chown(w.root, 0, 77), os.Chmod(w.root, 0o710)))
	served(t, w.configure("    group: '77'\n"))()
	if got, want := w.doctor(), "ok    trees        projects: "+w.root+" is closed"; !strings.HasPrefix(got, want) {
		t.Errorf("open to its own group: %q, want %q", got, want)
	}
}

// TestRestartGrantsNoOldSession checks that after a restart alice, who connects first, cannot read a file of bob's
// through a session SID of the previous start, and that descriptors contain no session SID. doctor finds files of
// earlier versions that do (F-198, F-199).
func TestRestartGrantsNoOldSession(t *testing.T) {
	w := newTreeWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;WD)") // nothing to inherit, so files get the token's default DACL
	cfg := w.configure("")
	during := func(use func()) {
		t.Helper()
		defer served(t, cfg)()
		use()
	}
	open := func(uid int, d fileaccess.Disposition) ntstatus.Status {
		t.Helper()
		th := w.connectAs(uid)
		h, _, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: uint32(d),
			ShareAccess: sharing, ObjectAttributes: file("diary")})
		if st == ntstatus.Success {
			w.ok("close", th.NtClose(h))
		}
		return st
	}
	during(func() { w.ok("bob makes a file", open(bob, fileaccess.FileCreate)) })
	during(func() {
		check.Equal(t, open(alice, fileaccess.FileOpen), ntstatus.AccessDenied,
			"alice reads a file that bob created before the restart")
		w.ok("bob reads it", open(bob, fileaccess.FileOpen))
	})
	value := make([]byte, ntacl.MaxSize)
	n, err := unix.Getxattr(filepath.Join(w.root, "diary"), ntacl.Name, value)
	w.must(err)
	a, err := ntacl.Decode(value[:n])
	w.must(err)
	for _, e := range a.Descriptor.DACL().All() {
		if fileaccess.NamesSession(e) {
			t.Errorf("F-199: the file's descriptor has an entry for %s", e.SID())
		}
	}
	doctor := func(want string) {
		t.Helper()
		if got := w.doctored(); !strings.Contains(got, want) {
			t.Errorf("doctor printed\n%s\nwant %s", got, want)
		}
	}
	doctor("ok    trees        projects: of the 2 files none has a descriptor that names a logon session")
	w.must(os.WriteFile(filepath.Join(w.root, "old"), nil, 0o600))
	w.describe("old", "O:BAG:SYD:P(A;;FA;;;S-1-22-1-4712)(A;;0x1200a9;;;S-1-5-5-0-1001)(A;;GR;;;BA)")
	doctor(fmt.Sprintf("WRONG trees        projects: of the 3 files 1 have descriptors that name logon sessions, which "+
		"can come to stand for other users: refmon acl repair %s", w.root))
	doctor("note  trees        projects: of the 3 files 1 have descriptors with generic rights, which a file server " +
		"ignores")
}

// doctored returns the lines of the doctor's report about trees.
func (w *treeWorld) doctored() string {
	w.Helper()
	_, out, _ := runLine("doctor", "--config", w.config)
	return out
}
