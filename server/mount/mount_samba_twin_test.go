package mount

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// asking is an operation of a program on the mount, with the rights with which a file server's client opens the same
// file.
type asking struct {
	name    string
	want    winnt.AccessMask
	create  bool
	options fileaccess.CreateOptions
	of      string // "file", "dir", or "" for both
	do      func(path string, value []byte) error
}

// Combinations of rights that opens request.
const (
	writes = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	waits  = winnt.SYNCHRONIZE
	tells  = winnt.FILE_READ_ATTRIBUTES
)

// askings lists the operations.
var askings = []asking{
	{name: "read", want: winnt.FILE_READ_DATA | waits, of: "file", do: openedWith(unix.O_RDONLY)},
	{name: "write", want: writes | waits, of: "file", do: openedWith(unix.O_WRONLY)},
	{name: "append", want: winnt.FILE_APPEND_DATA | waits, of: "file", do: openedWith(unix.O_WRONLY | unix.O_APPEND)},
	{name: "read and write", want: winnt.FILE_READ_DATA | writes | waits, of: "file", do: openedWith(unix.O_RDWR)},
	{name: "run", want: winnt.FILE_READ_DATA | winnt.FILE_EXECUTE | waits, of: "file", do: run},
	{name: "truncate", want: winnt.FILE_WRITE_DATA | tells, of: "file",
		do: func(path string, _ []byte) error { return os.Truncate(path, 1) }},
	{name: "list", want: winnt.FILE_LIST_DIRECTORY | waits, options: fileaccess.DirectoryFile, of: "dir",
		do: func(path string, _ []byte) error { _, err := os.ReadDir(path); return err }},
	{name: "stat", want: tells, do: func(path string, _ []byte) error { _, err := os.Lstat(path); return err }},
	{name: "utime", want: tells | winnt.FILE_WRITE_ATTRIBUTES,
		do: func(path string, _ []byte) error { return os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0)) }},
	{name: "descriptor", want: winnt.READ_CONTROL,
		do: func(path string, _ []byte) error {
			_, err := unix.Getxattr(path, ntfsACL, make([]byte, 1<<16))
			return err
		}},
	{name: "describe", want: winnt.READ_CONTROL | winnt.WRITE_DAC,
		do: func(path string, value []byte) error { return unix.Setxattr(path, ntfsACL, value, 0) }},
	{name: "own", want: tells | winnt.WRITE_OWNER,
		do: func(path string, _ []byte) error { return os.Chown(path, os.Getuid(), -1) }},
	{name: "create", want: winnt.DELETE | tells, create: true, options: fileaccess.DeleteOnClose, of: "dir",
		do: func(path string, _ []byte) error {
			return openedWith(unix.O_CREAT|unix.O_EXCL|unix.O_RDWR)(path+"/new", nil)
		}},
	{name: "mkdir", want: winnt.DELETE | tells, create: true, options: fileaccess.DeleteOnClose | fileaccess.DirectoryFile,
		of: "dir", do: func(path string, _ []byte) error { return os.Mkdir(path+"/new", 0o700) }},
	{name: "remove", of: "file", do: func(path string, _ []byte) error { return os.Remove(path) }},
	{name: "rename", of: "file", do: func(path string, _ []byte) error { return os.Rename(path, path+".new") }},
}

// run executes a file that is not a program.
func run(path string, _ []byte) error {
	err := exec.Command(path).Run()
	if errors.Is(err, unix.ENOEXEC) {
		return nil // it may be executed
	}
	return err
}

func openedWith(flags int) func(string, []byte) error {
	return func(path string, _ []byte) error {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	}
}

// request is one request to a user's program.
type request struct {
	Op    int
	Path  string
	Value []byte
}

// serveOperations is the main function of a user's program: it performs requested operations on the mount and prints
// the error numbers.
func serveOperations(at string) error {
	in := json.NewDecoder(os.Stdin)
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var errno unix.Errno
		if err := askings[q.Op].do(filepath.Join(at, q.Path), q.Value); err != nil && !errors.As(err, &errno) {
			return err
		}
		fmt.Println(int(errno))
	}
}

// asker is a script that opens files at a file server as any user. It reads one request per line and prints the status.
const asker = `
import sys, json
from samba.samba3 import libsmb_samba_internal as libsmb, param
from samba import credentials, NTSTATUSError
host, config, password, share = sys.argv[1:5]
lp = param.get_context(); lp.load(config)
made = {}
for line in sys.stdin:
    user, op, path, mask, disposition, options = json.loads(line)
    if user not in made:
        c = credentials.Credentials(); c.guess(lp)
        c.set_username(user); c.set_password(password); c.set_kerberos_state(credentials.DONT_USE_KERBEROS)
        made[user] = libsmb.Conn(host, share, lp, c)
    c = made[user]
    try:
        if op == 'rename': c.rename(path, path + '.new')
        elif op == 'remove': c.unlink(path)
        else:
            c.close(c.create(path, DesiredAccess=mask, ShareAccess=7, CreateDisposition=disposition,
                CreateOptions=options))
        print(0, flush=True)
    except NTSTATUSError as e: print(e.args[0] & 0xffffffff, flush=True)
`

// ask sends a question to a program and returns its number.
func (w *world) ask(t *talk, question any) uint32 {
	w.Helper()
	line := check.Must(json.Marshal(question))
	w.must(check.Err(t.in.Write(append(line, '\n'))))
	if !t.out.Scan() {
		w.Fatalf("a program ended at %s: %v", line, t.out.Err())
	}
	n := check.Must(strconv.ParseUint(t.out.Text(), 10, 32))
	return uint32(n)
}

// accounted maps uids to the tokens that both the file server and the mount use.
type accounted map[uint32]*token.Token

// LogOn implements Accounts.
func (a accounted) LogOn(uid, _ uint32) (logon.Result, error) {
	if a[uid] == nil {
		return logon.Result{}, errors.New("not an account of the server")
	}
	spec := a[uid].Spec()
	spec.Type = winnt.TokenPrimary
	return logon.Result{Token: spec}, nil
}

func (a accounted) UID(s sid.SID) (uint32, bool) {
	for uid, t := range a {
		if t.User().SID == s {
			return uid, true
		}
	}
	return 0, false
}
func (a accounted) GID(s sid.SID) (uint32, bool) { return s.RID(), s == fileaccess.UnixGroup(s.RID()) }
func (a accounted) SIDOf(id uint32, group bool) (sid.SID, bool) {
	if group {
		return fileaccess.UnixGroup(id), true
	}
	return a[id].User().SID, true
}

// both is a tree that a mount and a file server serve.
type both struct {
	*world
	dirs, files []string
	described   map[string]string

	there    *talk   // with the file server
	here     []*talk // with the program of each user
	accounts accounted
	ids      []uint32
	count    map[bool]int
	listed   map[string]int
}

// draw creates directories and files with random descriptors, and with modes that allow everything, so that descriptors
// alone decide.
func (b *both) draw(rnd *rand.Rand, people []sid.SID) {
	b.Helper()
	who := func() string {
		known := []string{"WD", "AU", "NU", "OW", "BA"}
		if i := rnd.IntN(len(known) + len(people)); i < len(people) {
			return people[i].String()
		}
		return known[rnd.IntN(len(known))]
	}
	masks := strings.Fields("0x120089 0x120116 0x1200a0 0x1f01ff 0x1 0x2 0x4 0x6 0x10000 0x40 0x20 0x80 0x100 0x60000 " +
		"0x1301bf 0x1200a9 0x20000")
	some := func() string {
		owner, group := people[rnd.IntN(len(people))], people[rnd.IntN(len(people))]
		text := fmt.Sprintf("O:%vG:%vD:P", owner, group)
		for range 1 + rnd.IntN(5) {
			text += fmt.Sprintf("(%s;;%s;;;%s)", []string{"A", "A", "A", "D"}[rnd.IntN(4)], masks[rnd.IntN(len(masks))], who())
		}
		return text
	}
	b.described = map[string]string{}
	for i := range 12 {
		path := fmt.Sprint("d", i)
		if i > 3 {
			path = b.dirs[rnd.IntN(4)] + "/" + path
		}
		b.dirs, b.described[path] = append(b.dirs, path), some()
		b.restore(path)
	}
	for i := range 60 {
		path := b.dirs[rnd.IntN(len(b.dirs))] + fmt.Sprint("/f", i)
		b.files, b.described[path] = append(b.files, path), some()
		b.restore(path)
	}
}

// restore resets a file or directory to its initial state.
func (b *both) restore(path string) {
	b.Helper()
	at := filepath.Join(b.root, path)
	b.must(os.RemoveAll(at + ".new"))
	if name := filepath.Base(path); name[0] == 'd' {
		if err := os.Mkdir(at, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			b.must(err)
		}
		b.must(errors.Join(os.RemoveAll(at+"/new"), unix.Chmod(at, 0o777)))
	} else {
		b.must(errors.Join(os.WriteFile(at, []byte("x"), 0o600), unix.Chmod(at, 0o666)))
	}
	b.describe(path, b.described[path])
}

// server starts a file server with accounts that every Debian system has, and returns them,
// their uids and the SIDs that they have there.
func server(t *testing.T) (s *smbd.Server, accounts accounted, ids []uint32, people []sid.SID) {
	t.Helper()
	s = smbd.Start(t, smbd.Share{Name: "v3", Config: "\tacl_xattr:ignore system acls = yes\n", Users: serverUsers})
	accounts = accounted{}
	for _, name := range serverUsers {
		u := check.Must(osuser.Lookup(name))
		id := check.Must(strconv.ParseUint(u.Uid, 10, 32))
		ids = append(ids, uint32(id))
		tok := s.TokenOf(name)
		accounts[uint32(id)] = tok
		people = append(people, tok.User().SID)
		for _, g := range tok.Groups() {
			if g.SID.Authority() == 22 {
				people = append(people, g.SID)
			}
		}
	}
	return s, accounts, ids, people
}

// serverUsers are accounts of the host and of the file server.
var serverUsers = []string{smbd.Guest, "bin", "games"}

// TestMountEqualsFileServer runs random operations by programs of three users on the mount, and by the same users as
// clients of a real file server of the same tree. The results are equal (M-1, M-13, M-20, M-22). REFMON_OPENS sets
// their number, 400 by default.
func TestMountEqualsFileServer(t *testing.T) {
	needs(t)
	if err := exec.Command("/usr/bin/python3", "-c", "import samba.samba3.libsmb_samba_internal").Run(); err != nil {
		smbd.Skip(t, "python3 has no Samba here: install the package python3-samba")
	}
	s, accounts, ids, people := server(t)
	w := newWorld(t, func(h *hostfs.Config, c *Config) {
		h.Path, h.IgnorePosix, h.Share = filepath.Join(s.Dir, "v3"), true, sddl.MustParse("D:(A;;FA;;;WD)")
		h.Policy = fileaccess.Policy{Profile: fileaccess.Observed, Traverse: fileaccess.TraverseNever}
		c.Accounts, c.Owners = accounts, accounts
	})
	w.describe("", "O:BAG:SYD:P(A;;0x1301bf;;;WD)")
	w.must(unix.Chmod(w.root, 0o777))
	b := &both{world: w, accounts: accounts, ids: ids, count: map[bool]int{}, listed: map[string]int{}}
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 33))
	b.draw(rnd, people)
	config, address, password := s.Access()
	b.there = w.talkTo(exec.Command("/usr/bin/python3", "-c", asker, address, config, password, "v3"))
	for _, uid := range ids {
		b.here = append(b.here, w.talkTo(partCommand("answer", uid, w.at, "")))
	}
	total := randtest.Count(t, "REFMON_OPENS", 400)
	for range total {
		b.runOperation(rnd)
	}
	for _, x := range append(b.here, b.there) {
		w.must(errors.Join(x.in.Close(), x.cmd.Wait()))
	}
	check.That(t, b.count[true] >= total/20 && b.count[false] >= total/20,
		"granted and refused: %v, too few of one", b.count)
	t.Logf("%d operations, granted and refused: %v; listed differences: %v", total, b.count, b.listed)
}

// runOperation runs a random operation on both.
func (b *both) runOperation(rnd *rand.Rand) {
	b.Helper()
	op, who := rnd.IntN(len(askings)), rnd.IntN(len(serverUsers))
	a := &askings[op]
	path := b.files[rnd.IntN(len(b.files))]
	if a.of == "dir" || a.of == "" && rnd.IntN(3) == 0 {
		path = b.dirs[rnd.IntN(len(b.dirs))]
	}
	d, me := sddl.MustParse(b.described[path]), b.accounts[b.ids[who]]
	if a.name == "own" && d.Owner() == me.User().SID {
		return // no change needs no right
	}
	name, how := strings.ReplaceAll(path, "/", `\`), fileaccess.FileOpen
	if a.create {
		name, how = name+`\new`, fileaccess.FileCreate
	}
	status := ntstatus.Status(b.ask(b.there, []any{serverUsers[who], a.name, name, a.want, how, a.options}))
	b.restore(path)
	q := request{Op: op, Path: path}
	if a.name == "describe" {
		q.Value = bytesOf(b.described[path] + "(A;;0x1;;;S-1-5-21-9-9-9-9)")
	}
	errno := unix.Errno(b.ask(b.here[who], q))
	b.restore(path)
	switch {
	case status != 0 && status != ntstatus.AccessDenied, errno != 0 && errno != unix.EACCES && errno != unix.EPERM:
		b.Errorf("%s of %s by %s: the server says %v, the mount %v", a.name, path, serverUsers[who], status, errno)
	case (status == 0) == (errno == 0):
		b.count[status == 0]++
	default:
		if why := b.difference(a, path, me, errno == 0); why != "" {
			b.listed[why+": "+a.name]++
			return
		}
		b.Errorf("%s of %s by %s (%v): the server says %v, the mount %v\n%s\nin %s", a.name, path, serverUsers[who],
			me.User().SID, status, errno, b.described[path], b.described[filepath.Dir(path)])
	}
}

var ownerRights = regexp.MustCompile(`\([AD];;\w+;;;OW\)`)

// difference names the difference of docs/mount.md that explains another verdict of the mount;
// "" if none of them does.
func (b *both) difference(a *asking, path string, me *token.Token, granted bool) string {
	text := b.described[path]
	allows := func(want winnt.AccessMask) bool {
		dec := check.Must(access.Check(me, sddl.MustParse(text), want, winnt.FileObject))
		return want == 0 || dec.Allowed()
	}
	if a.create || a.name == "rename" { // an operation that creates a name in a directory
		need := winnt.FILE_ADD_FILE
		if !a.create {
			text = b.described[filepath.Dir(path)]
			// The directory is opened with both to take a name (F-57).
			if !granted && allows(need) && !allows(need|winnt.SYNCHRONIZE) {
				return "the server asks no SYNCHRONIZE of a directory"
			}
		}
		if a.options&fileaccess.DirectoryFile != 0 {
			need = winnt.FILE_ADD_SUBDIRECTORY
		}
		with := allows(need)
		text = ownerRights.ReplaceAllString(text, "")
		if with == granted && allows(need) != granted {
			return "the server asks no entry for OWNER RIGHTS of a directory"
		}
		return ""
	}
	const attributes = winnt.FILE_READ_ATTRIBUTES
	if !granted && a.want&attributes != 0 && !allows(attributes) && allows(a.want&^attributes) {
		return "the server lets everybody read attributes"
	}
	return ""
}
