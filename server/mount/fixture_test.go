package mount

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The uids of the tests, which have no name on this host. alice is in the group staff; carol may read every SACL.
const (
	alice = 61001
	bob   = 61002
	carol = 61003
	staff = 62001
)

// user returns the SID of a uid of the tests.
func user(uid uint32) string { return fmt.Sprintf("S-1-22-1-%d", uid) }

// people are the accounts of the tests.
type people struct{}

// LogOn implements Accounts.
func (people) LogOn(uid, gid uint32) (logon.Result, error) {
	if uid == 61999 {
		return logon.Result{}, errors.New("not known")
	}
	spec := token.StandardUser(fileaccess.UnixUser(uid))
	spec.Groups = append(spec.Groups, token.Group{SID: fileaccess.UnixGroup(gid), Attributes: token.GroupDefault})
	if uid == alice {
		spec.Groups = append(spec.Groups, token.Group{SID: fileaccess.UnixGroup(staff), Attributes: token.GroupDefault})
	}
	if uid == carol {
		spec.Privileges |= winnt.SeSecurityPrivilege.Bit()
		spec.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit()
	}
	return logon.Result{Token: spec}, nil
}

// ids maps between SIDs and ids of the tests.
type ids struct{}

func (ids) UID(s sid.SID) (uint32, bool) { return s.RID(), s.Prefix().String() == "S-1-22-1" }
func (ids) GID(s sid.SID) (uint32, bool) { return s.RID(), s.Prefix().String() == "S-1-22-2" }

// SIDOf fails for the ids from lostID on, as during an outage of winbind.
func (ids) SIDOf(id uint32, group bool) (sid.SID, bool) {
	if group {
		return fileaccess.UnixGroup(id), id < lostID
	}
	return fileaccess.UnixUser(id), id < lostID
}

const lostID = 1 << 30

// world is a mounted tree with the actions of a test.
type world struct {
	testing.TB
	root string // path of the backing tree
	at   string // the mount point
	sys  *kernel.System
	m    *Mount
}

// needs skips the test if this host cannot mount.
func needs(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting takes CAP_SYS_ADMIN")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse: ", err)
	}
}

// folder returns a new folder that every user can reach.
func folder(t testing.TB) string {
	t.Helper()
	dir := check.Must(os.MkdirTemp("", "refmon-mount"))
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	check.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// everybody is the descriptor of the root of the tests.
const everybody = "O:BAG:SYD:P(A;;0x1200a9;;;WD)(A;OICI;FA;;;BA)"

// newWorld mounts a tree. Everybody may list and traverse its root.
func newWorld(t testing.TB, change ...func(*hostfs.Config, *Config)) *world {
	t.Helper()
	return newWorldOn(t, func(tree nt.FileSystem) nt.FileSystem { return tree }, change...)
}

// newWorldOn mounts a tree wrapped by wrap.
func newWorldOn(t testing.TB, wrap func(nt.FileSystem) nt.FileSystem, change ...func(*hostfs.Config, *Config)) *world {
	t.Helper()
	needs(t)
	dir := folder(t)
	w := &world{TB: t, root: filepath.Join(dir, "tree"), at: filepath.Join(dir, "mount"),
		sys: kernel.Boot(kernel.Config{})}
	w.must(os.Mkdir(w.root, 0o700))
	w.must(os.Mkdir(w.at, 0o755))
	hc := hostfs.Config{Path: w.root, Attribute: ntacl.Name}
	mc := Config{System: w.sys, Name: "share", Directory: w.at, Accounts: people{}, Owners: ids{},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, f := range change {
		f(&hc, &mc)
	}
	if mc.System != w.sys {
		w.must(w.sys.Close())
		w.sys = mc.System
	}
	if err := unix.Setxattr(hc.Path, hc.Attribute, []byte{0}, 0); err != nil {
		t.Skipf("no extended attribute can be set in %s: %v", hc.Path, err)
	}
	w.root = hc.Path
	w.describe("", everybody)
	tree := check.Must(hostfs.Open(hc))
	mc.Tree, mc.Traverse = wrap(tree), hc.Policy.Traverse
	w.must(w.sys.AddTree("share", mc.Tree))
	w.m = check.Must(Start(mc))
	t.Cleanup(func() {
		w.must(w.m.Close())
		w.must(w.sys.Close())
		w.must(tree.Close())
	})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	check.NoError(w, err)
}

// describe stores a descriptor for a file of the backing tree.
func (w *world) describe(name, text string) {
	w.Helper()
	w.must(unix.Setxattr(filepath.Join(w.root, name), ntacl.Name, attribute(text), 0))
}

// attribute returns a descriptor in the form that a file server stores.
func attribute(text string) []byte {
	a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}
	value, err := a.Append(nil)
	if err != nil {
		panic(err)
	}
	return value
}

// file creates a file with contents and a descriptor in the backing tree.
func (w *world) file(name, contents, text string) {
	w.Helper()
	w.must(os.WriteFile(filepath.Join(w.root, name), []byte(contents), 0o600))
	w.describe(name, text)
}

// link creates a symbolic link with a descriptor in the backing tree, like the mount.
func (w *world) link(name, to, text string) {
	w.Helper()
	w.must(os.Symlink(to, filepath.Join(w.root, name)))
	w.must(unix.Lsetxattr(filepath.Join(w.root, name), ntacl.Name, attribute(text), 0))
}

// dir creates a directory with a descriptor in the backing tree.
func (w *world) dir(name, text string) {
	w.Helper()
	w.must(os.Mkdir(filepath.Join(w.root, name), 0o700))
	w.describe(name, text)
}

// as returns a command that runs as a user.
func as(uid uint32, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, NoSetGroups: true}}
	return cmd
}

// run runs a program in the mount as a user and returns its output. A shell changes to the
// directory: a child of this process that touches the mount before exec would wait for its parent,
// which serves the mount and waits for the exec.
func (w *world) run(uid uint32, name string, args ...string) (string, error) {
	w.Helper()
	cmd := as(uid, "/bin/sh", append([]string{"-c", `cd "$0" && exec "$@"`, w.at, name}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// talk is a program that exchanges lines with the test.
type talk struct {
	in  io.WriteCloser
	out *bufio.Scanner
	cmd *exec.Cmd
}

// talkTo starts a program. Its standard error is that of the test, unless cmd sets another.
func (w *world) talkTo(cmd *exec.Cmd) *talk {
	w.Helper()
	in, out := check.Must(cmd.StdinPipe()), check.Must(cmd.StdoutPipe())
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	w.must(cmd.Start())
	return &talk{in, bufio.NewScanner(out), cmd}
}

// readLine checks a program's next line.
func (w *world) readLine(t *talk, want string) {
	w.Helper()
	check.RequireThat(w, t.out.Scan() && t.out.Text() == want, "a program prints %q, want %q", t.out.Text(), want)
}

// sees runs a program as a user and checks its output.
func (w *world) sees(uid uint32, want, name string, args ...string) {
	w.Helper()
	if got, err := w.run(uid, name, args...); err != nil || got != want {
		w.Errorf("uid %d: %s %q: %q, %v; want %q", uid, name, args, got, err, want)
	}
}

// refused runs a program as a user and checks that it fails with a message that contains why.
func (w *world) refused(uid uint32, why, name string, args ...string) {
	w.Helper()
	got, err := w.run(uid, name, args...)
	check.That(w, err != nil && strings.Contains(strings.ToLower(got), strings.ToLower(why)),
		"uid %d: %s %q: %q, %v; want a refusal: %s", uid, name, args, got, err, why)
}

// fixed returns a time by its seconds since 1970.
func fixed(seconds int64) time.Time { return time.Unix(seconds, 0) }

// unknown is a uid that cannot be logged on.
const unknown = 61999

// want checks a status.
func (w *world) want(what string, got fuse.Status, want unix.Errno) {
	w.Helper()
	if got != fuse.Status(want) {
		w.Errorf("%s: %v, want %v", what, got, fuse.Status(want))
	}
}

// attributesOf requests the attributes of a node as fstat(2) and stat(2) do. fh 0 means no handle.
func (w *world) attributesOf(uid uint32, node, fh uint64) (out fuse.AttrOut, s fuse.Status) {
	in := &fuse.GetAttrIn{InHeader: header(uid, node), Fh_: fh}
	if fh != 0 {
		in.Flags_ = fuse.FUSE_GETATTR_FH
	}
	s = w.m.GetAttr(nil, in, &out)
	return out, s
}

// playing names the part that a program of the tests plays, which this one starts.
const playing = "REFMON_TEST_PART"

func TestMain(m *testing.M) {
	part := os.Getenv(playing)
	if part == "" {
		os.Exit(m.Run())
	}
	if err := runPart(part, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, part+":", err)
		os.Exit(1)
	}
}

// full lets everybody of the tests do everything below.
const full = "O:BAG:SYD:P(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-22-1-61001)(A;OICI;0x1200a9;;;WD)"

// counted counts the logons of the tests' accounts. alice is in staff while in is set.
type counted struct {
	people
	n  atomic.Int32
	in atomic.Bool
}

func (c *counted) LogOn(uid, gid uint32) (logon.Result, error) {
	c.n.Add(1)
	if uid == 61666 {
		panic("of the test")
	}
	if !c.in.Load() && uid == alice {
		uid, gid = bob, bob
	}
	return c.people.LogOn(uid, gid)
}
