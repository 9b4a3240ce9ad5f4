package mount

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// runPart runs a client for a time, or an attacker until its standard input ends, in a folder of the contest.
func runPart(part, folder, long string) error {
	if part == "answer" {
		return serveOperations(folder)
	}
	moment, err := readClock(folder, part == "replace")
	if err != nil {
		return err
	}
	if part == "client" {
		dur, err := time.ParseDuration(long)
		if err != nil {
			return err
		}
		c := &client{moment: moment, read: readFile, change: changeFiles, at: filepath.Join(folder, "mount")}
		return json.NewEncoder(os.Stdout).Encode(c.run(dur))
	}
	a := &attacker{root: filepath.Join(folder, "tree"), outside: filepath.Join(folder, "outside"), moment: moment}
	var over atomic.Bool
	go func() { _, _ = os.Stdin.Read(make([]byte, 1)); over.Store(true) }()
	for i := 0; !over.Load(); i++ {
		attacks[part](a, i)
	}
	return nil
}

// readClock maps the contest's clock. It is odd while the descriptor of h/t changes, and half of it selects the
// current descriptor.
func readClock(folder string, write bool) (*uint64, error) {
	flags, prot := os.O_RDONLY, unix.PROT_READ
	if write {
		flags, prot = os.O_RDWR, unix.PROT_READ|unix.PROT_WRITE
	}
	f, err := os.OpenFile(filepath.Join(folder, "clock"), flags, 0)
	if err != nil {
		return nil, err
	}
	b, err := unix.Mmap(int(f.Fd()), 0, 8, prot, unix.MAP_SHARED)
	return (*uint64)(unsafe.Pointer(unsafe.SliceData(b))), errors.Join(err, f.Close())
}

// grants reports whether the descriptor of h/t lets everybody read it at a moment.
func grants(moment uint64) bool { return moment/2%2 == 0 }

// tally counts the observations of a client.
type tally struct {
	Seen, Refused int      // reads of files with constant descriptors
	Given, Denied int      // reads of h/t during which its descriptor did not change
	Wrong         []string // at most ten
}

func (t *tally) enough() bool { return t.Seen > 50 && t.Refused > 50 && t.Given > 0 && t.Denied > 0 }

// client reads and changes files during an attack, and has the contents that it may see.
type client struct {
	at     string
	moment *uint64
	read   func(at, name string) (string, error)
	change func(at, dir string, i int)
	tally
}

// looked lists the names that clients read, changed the directories in which they create, rename and remove names.
var (
	looked = strings.Fields("a/f a/g b/f b/g c/f c/k c/l c/d/f c/s/f h/f m/f m/g mf")
	made   = strings.Fields("w v x y")
)

// patience is the extra time for a client to observe every state.
const patience = 30 * time.Second

// run reads and changes for a time.
func (c *client) run(long time.Duration) tally {
	start := time.Now()
	for i := 0; ; i++ {
		past := time.Since(start)
		if past > long && c.enough() || past > long+patience {
			return c.tally
		}
		for _, name := range looked {
			text, err := c.read(c.at, name)
			switch {
			case err != nil:
				c.Refused++
			case text == "granted":
				c.Seen++
			default:
				c.fail("%s: %q is read", name, text)
			}
		}
		before := atomic.LoadUint64(c.moment)
		text, err := c.read(c.at, "h/t")
		after := atomic.LoadUint64(c.moment)
		switch {
		case err == nil && text != "turned":
			c.fail("h/t: %q is read", text)
		case before != after || before&1 != 0: // both are valid
		case (err == nil) != grants(before):
			c.fail("h/t: at moment %d it is read: %t, %v", before, err == nil, err)
		case err == nil:
			c.Given++
		default:
			c.Denied++
		}
		c.change(c.at, made[i%len(made)], i)
	}
}

func (c *client) fail(format string, args ...any) {
	if len(c.Wrong) < 10 {
		c.Wrong = append(c.Wrong, fmt.Sprintf(format, args...))
	}
}

func readFile(at, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(at, name))
	return string(b), err
}

// changeFiles creates, renames and removes names as far as it is allowed.
func changeFiles(at, dir string, i int) {
	in := func(name string) string { return filepath.Join(at, dir, name) }
	made := fmt.Sprint("made", i%7)
	_ = errors.Join(os.WriteFile(in(made), []byte("made"), 0o600), os.Rename(in("keep"), in(made)),
		os.Remove(in("keep")), os.Remove(in(made)), os.Mkdir(in(made), 0o700)) // errors are expected
}

// service reads and changes by the services of the kernel, as a user.
type service struct{ th *nt.Thread }

func (s service) open(name string, want winnt.AccessMask, how fileaccess.Disposition) (winnt.Handle, error) {
	h, _, st := s.th.NtCreateFile(nt.CreateFileIn{DesiredAccess: want, ShareAccess: shareAll,
		CreateDisposition: uint32(how), CreateOptions: uint32(fileaccess.NonDirectoryFile),
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\` + strings.ReplaceAll(name, "/", `\`)})})
	return h, st.Err()
}

func (s service) read(_, name string) (string, error) {
	h, err := s.open(name, winnt.FILE_READ_DATA, fileaccess.FileOpen)
	if err != nil {
		return "", err
	}
	defer s.th.NtClose(h)
	b, st := s.th.NtReadFileAt(h, 64, 0)
	return string(b), st.Err()
}

func (s service) change(_, dir string, i int) {
	const all = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.DELETE
	to := nt.FileRename{FileName: fmt.Sprint("named", i%7), ReplaceIfExists: true}
	if h, err := s.open(dir+"/keep", winnt.DELETE, fileaccess.FileOpen); err == nil {
		s.th.NtSetInformationFile(h, nt.FileRenameInformation, to)
		s.th.NtClose(h)
	}
	if h, err := s.open(fmt.Sprint(dir, "/made", i%7), all, fileaccess.FileOpenIf); err == nil {
		_, _ = s.th.NtWriteFileAt(h, []byte("made"), 0)
		s.th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: i%2 == 0})
		s.th.NtClose(h)
	}
}

// TestConcurrentChangesLeakNothing runs four processes that rename, link, replace and mount in the backing tree.
// Programs of two users and a thread of the kernel must read nothing outside of the tree, and read and change nothing
// that no descriptor allowed at any moment of the call (F-112, F-114, F-115, F-180, M-1). REFMON_CONTEST sets the
// duration.
func TestConcurrentChangesLeakNothing(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Dir(w.root)
	kept := w.newContest(dir)
	long := 500 * time.Millisecond
	if v := os.Getenv("REFMON_CONTEST"); v != "" {
		long = check.Must(time.ParseDuration(v))
	}
	end := w.startAttackers(dir)
	tallies := make([]tally, 3)
	var work sync.WaitGroup
	for i, uid := range []uint32{bob, 0} {
		work.Go(func() { w.client(&tallies[i], uid, dir, long) })
	}
	work.Go(func() {
		moment, err := readClock(dir, false)
		if err != nil {
			t.Error(err)
			return
		}
		s := service{w.threadOf(bob)}
		tallies[2] = (&client{moment: moment, read: s.read, change: s.change}).run(long)
	})
	work.Wait()
	end()
	for i, x := range tallies {
		who := []string{"bob's program", "root's program", "bob's thread"}[i]
		t.Logf("%s: %d reads, %d refusals; while the descriptor stayed %d and %d", who, x.Seen, x.Refused, x.Given, x.Denied)
		for _, line := range x.Wrong {
			t.Errorf("F-114: %s: %s", who, line)
		}
		check.That(t, x.enough(), "%s: %+v: too little was tried", who, x)
	}
	kept()
}

// threadOf makes a thread of a process of a user.
func (w *world) threadOf(uid uint32) *nt.Thread {
	r, err := people{}.LogOn(uid, uid)
	if err != nil {
		panic(err)
	}
	tok, err := token.New(r.Token)
	if err != nil {
		panic(err)
	}
	p, err := w.sys.NewProcess("test", tok)
	if err != nil {
		panic(err)
	}
	th, err := p.NewThread()
	if err != nil {
		panic(err)
	}
	return th
}

// partCommand returns a command that runs a part as a user.
func partCommand(name string, uid uint32, args ...string) *exec.Cmd {
	cmd := as(uid, "/proc/self/exe", args...) // its path may be inaccessible to other users
	cmd.Env = append(cmd.Env, playing+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

// client runs a client in a program of a user.
func (w *world) client(to *tally, uid uint32, dir string, long time.Duration) {
	out, err := partCommand("client", uid, dir, long.String()).Output()
	if err == nil {
		err = json.Unmarshal(out, to)
	}
	if err != nil {
		w.Errorf("uid %d: %v: %s", uid, err, out)
	}
}

// startAttackers starts the attackers, which the function that it returns ends.
func (w *world) startAttackers(dir string) (end func()) {
	var ends []func() error
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		cmd := partCommand(name, 0, dir, "")
		in := check.Must(cmd.StdinPipe())
		w.must(cmd.Start())
		ends = append(ends, func() error { return errors.Join(in.Close(), cmd.Wait()) })
	}
	return sync.OnceFunc(func() {
		for _, end := range ends {
			if err := end(); err != nil {
				w.Errorf("an attacker: %v", err)
			}
		}
	})
}

// Descriptors of the contest: files that everybody may read contain "granted", the others "secret".
const (
	readAll = "O:BAG:SYD:P(A;;FR;;;WD)"
	hers    = "O:BAG:SYD:P(A;;FA;;;S-1-22-1-61001)"
	fullAll = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	listAll = "O:BAG:SYD:P(A;;0x1200a9;;;WD)"
)

// attacker changes the backing tree. Each step may fail because of a concurrent attacker.
type attacker struct {
	root, outside string
	moment        *uint64
}

func (a *attacker) at(name string) string { return filepath.Join(a.root, name) }

// swap exchanges two names.
func (a *attacker) swap(x, y string) {
	_ = unix.Renameat2(unix.AT_FDCWD, a.at(x), unix.AT_FDCWD, a.at(y), unix.RENAME_EXCHANGE)
}

// replace replaces a file by a new one with a descriptor.
func (a *attacker) replace(name, contents, text string) {
	temp := a.at("spare/new")
	err := os.WriteFile(temp, []byte(contents), 0o600)
	if err == nil {
		err = unix.Setxattr(temp, ntACL, attribute(text), 0)
	}
	if err == nil {
		_ = os.Rename(temp, a.at(name))
	}
}

// attacks has the steps that each attacker repeats.
var attacks = map[string]func(a *attacker, i int){
	// Exchanges directories and files with different descriptors.
	"exchange": func(a *attacker, _ int) {
		a.swap("a", "b")
		a.swap("a/f", "a/g")
		a.swap("b/f", "b/g")
		a.swap("w", "v")
	},
	// Exchanges files and directories with symbolic links out of the tree.
	"link": func(a *attacker, _ int) {
		a.swap("c/f", "c/l")
		a.swap("c/d", "c/s")
		a.swap("c/l", "c/k")
		a.swap("x", "y")
	},
	// Replaces names by hard links of other files and by new files. Sometimes changes the descriptor of h/t, once or a few
	// times in a row.
	"replace": func(a *attacker, i int) {
		from := []string{"kept.public", "kept.secret"}[i&1]
		_ = errors.Join(os.Link(a.at(from), a.at("spare/link")), os.Rename(a.at("spare/link"), a.at("h/f")),
			os.Remove(a.at("spare/link")))
		a.replace("h/f", "granted", readAll)
		a.replace("h/f", "secret", hers)
		if i&31 != 0 {
			return
		}
		for range 1 + i>>5&3 {
			now := atomic.AddUint64(a.moment, 1)
			text := hers
			if grants(now + 1) {
				text = readAll
			}
			if err := unix.Setxattr(a.at("h/t"), ntACL, attribute(text), 0); err != nil {
				panic(err)
			}
			atomic.AddUint64(a.moment, 1)
		}
	},
	// Mounts other directories and files in the tree for a while.
	"bind": func(a *attacker, i int) {
		b := [][2]string{{a.outside, "m"}, {a.at("a"), "m"}, {a.outside + "/f", "mf"}, {a.at("kept.secret"), "mf"}}[i&3]
		if err := unix.Mount(b[0], a.at(b[1]), "", unix.MS_BIND, ""); err != nil {
			panic(err)
		}
		for range 500 {
			_, _ = os.Stat(a.at("m/f"))
		}
		if err := unix.Unmount(a.at(b[1]), unix.MNT_DETACH); err != nil {
			panic(err)
		}
	},
}

// newContest creates the tree of the contest and the files outside it, where every descriptor grants
// everything to everyone. The returned function checks afterwards that nothing changed where no
// user may change anything.
func (w *world) newContest(dir string) (kept func()) {
	w.Helper()
	outside := filepath.Join(dir, "outside")
	w.must(os.Mkdir(outside, 0o777))
	for _, name := range []string{"f", "g", "l", "keep"} {
		w.must(os.WriteFile(filepath.Join(outside, name), []byte("outside"), 0o666))
		w.must(unix.Setxattr(filepath.Join(outside, name), ntACL, attribute(fullAll), 0))
	}
	w.must(unix.Setxattr(outside, ntACL, attribute(fullAll), 0))
	for _, name := range []string{"a", "b", "c", "c/d", "h", "m", "spare"} {
		w.dir(name, listAll)
	}
	for _, name := range []string{"a/f", "b/f", "c/f", "c/d/f", "h/f", "m/f", "mf", "kept.public"} {
		w.file(name, "granted", readAll)
	}
	for _, name := range []string{"a/g", "b/g", "m/g", "kept.secret"} {
		w.file(name, "secret", hers)
	}
	w.file("h/t", "turned", readAll)
	w.must(os.WriteFile(filepath.Join(dir, "clock"), make([]byte, 8), 0o644)) //nolint:gosec // clients read it
	// Names are created and removed in w and x, never in v. y is outside the tree.
	for name, text := range map[string]string{"w": fullAll, "v": listAll, "x": fullAll} {
		w.dir(name, text)
		w.file(name+"/keep", "secret", hers)
	}
	for link, to := range map[string]string{"c/l": "../../outside/f", "c/s": outside, "y": "../outside"} {
		w.must(os.Symlink(to, filepath.Join(w.root, link)))
	}
	// This one has a descriptor that lets everyone read it, like links created in the tree.
	w.link("c/k", "../../outside/f", fullAll)
	v, err := os.Open(filepath.Join(w.root, "v")) // its name is different in the end
	w.must(err)
	w.Cleanup(func() { w.must(v.Close()) })
	return func() {
		w.Helper()
		for _, name := range []string{"m", "mf"} {
			for unix.Unmount(filepath.Join(w.root, name), unix.MNT_DETACH) == nil {
			}
		}
		names := check.Must(v.Readdirnames(-1))
		if len(names) != 1 || names[0] != "keep" {
			w.Errorf(`F-112: the directory that no user may change has %q, want only "keep"`,
				names)
		}
		entries := check.Must(os.ReadDir(outside))
		if len(entries) != 4 {
			w.Errorf("F-112: the directory outside has %v, want 4 entries", entries)
		}
		for _, e := range entries {
			if b, err := os.ReadFile(filepath.Join(outside, e.Name())); err != nil || string(b) != "outside" {
				w.Errorf(`F-112: outside %s holds %q, %v, want "outside", no error`, e.Name(), b, err)
			}
		}
	}
}
