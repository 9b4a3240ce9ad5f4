package mount

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/hanwen/go-fuse/v2/posixtest"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// TestCloseEndsMountWithOpenFile checks that closing ends a mount even if a program in its own mount namespace has a
// file open. Written data is kept, and the program gets an error (M-27).
func TestCloseEndsMountWithOpenFile(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("needs flock (util-linux)")
	}
	w := newWorld(t)
	w.file("f", "before", "O:BAG:SYD:P(A;;FA;;;WD)")
	second := filepath.Join(filepath.Dir(w.at), "second")
	w.must(os.Mkdir(second, 0o755))
	m, err := Start(Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: second, Accounts: people{},
		Owners: ids{}, Plain: true})
	w.must(err)
	const script = `exec 3<>"$0/f"; flock 3 && echo after >&3; echo open; read go; cat "$0/f"`
	cmd := exec.Command("/bin/sh", "-c", script, second)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	var why strings.Builder
	cmd.Stderr = &why
	shell := w.talkTo(cmd)
	w.readLine(shell, "open")
	f := check.Must(os.Open(filepath.Join(w.root, "f")))
	defer f.Close()
	check.ErrorIs(t, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK, "M-25: lock of the host")
	w.must(m.Close())                                          // the program would block
	w.must(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)) // M-25: the mount's lock has ended with it
	w.must(check.Err(io.WriteString(shell.in, "go\n")))
	if err := cmd.Wait(); err == nil || !strings.Contains(why.String(), "not connected") {
		t.Errorf("M-27: the program ends with %v, %q", err, why.String())
	}
	if b, err := os.ReadFile(filepath.Join(w.root, "f")); err != nil || string(b) != "after\n" {
		t.Errorf("M-27: %q, %v, want %q, no error", b, err, "after\n")
	}
	if names, err := os.ReadDir(second); err != nil || len(names) != 0 {
		t.Errorf("M-27: %v, %v, want no names, no error", names, err)
	}
}

// TestCloseWritesBackMaps checks that dirty pages of a map reach the file when the mount closes, also where the user of
// the server may not list the root (M-27).
func TestCloseWritesBackMaps(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("f", "before", full)
	second := filepath.Join(filepath.Dir(w.at), "second")
	w.must(os.Mkdir(second, 0o755))
	m := check.Must(Start(Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: second, Accounts: people{},
		Owners: ids{}, Plain: true}))
	program := as(alice, "/bin/sh", "-c", `exec python3 -c "$0" "$1"`, `
import mmap, os, sys
m = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 6)
m[:] = b"after\n"
print("mapped", flush=True)
sys.stdin.read()`, second+"/f")
	in := check.Must(program.StdinPipe())
	out := check.Must(program.StdoutPipe())
	w.must(program.Start())
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "mapped" {
		t.Errorf("the program printed %q", lines.Text())
	}
	w.must(m.Close())
	w.must(in.Close())
	_ = program.Wait() // its mapping is gone
	check.Equal(t, string(check.Must(os.ReadFile(filepath.Join(w.root, "f")))), "after\n", "M-27: the file after Close")
}

// TestCloseLeavesOtherMounts checks that a mount that somebody else unmounted is gone, and closing it leaves the file
// system beneath, or one that was mounted in its place. Under another file system the mount cannot be closed, and both
// stay (M-27).
func TestCloseLeavesOtherMounts(t *testing.T) {
	w := newWorld(t)
	at := filepath.Join(filepath.Dir(w.at), "second")
	w.must(os.Mkdir(at, 0o755))
	lay := func(name string) {
		t.Helper()
		w.must(unix.Mount("none", at, "tmpfs", 0, ""))
		t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // a failed test leaves it
		w.must(os.WriteFile(filepath.Join(at, name), nil, 0o600))
	}
	there := func(name string) {
		t.Helper()
		if names, err := os.ReadDir(at); err != nil || len(names) != 1 || names[0].Name() != name {
			t.Errorf("M-27: entries after Close %v, error %v, want only %s", names, err, name)
		}
	}
	lay("beneath")
	start := func() *Mount {
		t.Helper()
		m, err := Start(Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: at, Accounts: people{},
			Owners: ids{}})
		w.must(err)
		return m
	}
	m := start()
	w.must(unix.Unmount(at, 0))
	w.must(m.Close())
	there("beneath")

	m = start()
	lay("above")
	w.must(m.detach())
	if err := m.Close(); err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("M-27: Close of a covered mount: %v, want an error that names %s", err, at)
	}
	there("above")
	w.must(unix.Unmount(at, 0))
	w.must(m.Close())
	there("beneath")

	m = start()
	w.must(unix.Unmount(at, 0))
	lay("instead") // gets the mount's former device number
	w.must(m.Close())
	there("instead")
	w.must(errors.Join(unix.Unmount(at, 0), unix.Unmount(at, 0)))
}

// TestCloseTriesFusermountOnce checks a mount that only fusermount3 may unmount, and that another file system replaces
// while it tries. The other one stays (M-26, M-27).
func TestCloseTriesFusermountOnce(t *testing.T) {
	w := newWorld(t)
	if _, err := exec.LookPath("fusermount3"); err != nil {
		t.Skip("fusermount3 is not installed")
	}
	dir := filepath.Dir(w.at)
	at, bin, calls := filepath.Join(dir, "own"), filepath.Join(dir, "bin"), filepath.Join(dir, "calls")
	w.must(errors.Join(os.Mkdir(at, 0o700), os.Mkdir(bin, 0o700)))
	m, err := Start(Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: at, Accounts: people{}, Owners: ids{},
		Own: true})
	w.must(err)
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	w.must(os.WriteFile(filepath.Join(bin, "fusermount3"), fmt.Appendf(nil, `#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
echo "$@" >>%[1]s
umount -l %[2]s
if [ "$(wc -l <%[1]s)" = 1 ]; then mount -t tmpfs none %[2]s && >%[2]s/other; exit 1; fi
`, calls, at), 0o700))
	t.Setenv("PATH", bin)
	err = withoutAdmin(t, m.Close)
	check.That(t, err != nil && !strings.Contains(err.Error(), "stays mounted"),
		"M-26: Close returned %v, want the error of fusermount3 and that the mount is gone", err)
	names, err := os.ReadDir(at)
	check.That(t, err == nil && len(names) == 1 && names[0].Name() == "other",
		"M-27: entries after Close %v, error %v, want those of the other file system", names, err)
}

// secondMount mounts the tree a second time, at the directory that it returns. Until the end of the test fusermount3 is
// a script, in which $MOUNT is that directory.
func (w *world) secondMount(t *testing.T, script string) (m *Mount, at string) {
	at, bin := filepath.Join(filepath.Dir(w.at), "second"), filepath.Join(filepath.Dir(w.at), "bin")
	w.must(errors.Join(os.Mkdir(at, 0o755), os.Mkdir(bin, 0o700)))
	m = check.Must(Start(Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: at, Accounts: people{},
		Owners: ids{}}))
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // a failed test leaves it
	w.must(os.WriteFile(filepath.Join(bin, "fusermount3"), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	t.Setenv("PATH", bin)
	t.Setenv("MOUNT", at)
	return m, at
}

// TestCloseOfOwnMountDoesNotWaitForPrograms checks a mount that only fusermount3 may unmount while a program has a file
// of it open: Close unmounts it and says so. A second call waits for the program (M-27).
func TestCloseOfOwnMountDoesNotWaitForPrograms(t *testing.T) {
	w := newWorld(t)
	w.file("f", "text", full)
	m, at := w.secondMount(t, "PATH=/usr/bin:/bin umount -l $MOUNT")
	f := check.Must(os.Open(filepath.Join(at, "f")))
	if err := withoutAdmin(t, m.Close); !errors.Is(err, ErrInUse) {
		t.Errorf("M-27: Close returned %v, want %v", err, ErrInUse)
	}
	names, err := os.ReadDir(at)
	check.That(t, err == nil && len(names) == 0, "M-27: entries after Close: %v, %v", names, err)
	b := make([]byte, 9)
	if n, err := f.Read(b); err != nil || string(b[:n]) != "text" {
		t.Errorf(`M-27: the program reads %q, %v, want "text", no error`, b[:n], err)
	}
	w.must(f.Close())
	w.must(m.Close())
}

// TestCloseFailsIfUnmountFails checks that without CAP_SYS_ADMIN, and with a fusermount3 that fails, Close returns an
// error. The mount still serves, and a later Close ends it (M-27).
func TestCloseFailsIfUnmountFails(t *testing.T) {
	w := newWorld(t)
	w.file("f", "text", full)
	m, at := w.secondMount(t, "exit 1")
	if err := withoutAdmin(t, m.Close); err == nil || !strings.Contains(err.Error(), at) {
		t.Errorf("M-27: Close that cannot unmount: %v, want an error that names %s", err, at)
	}
	w.must(check.Err(os.Stat(filepath.Join(at, "f")))) // it still serves
	w.must(m.Close())
}

// unfit lists the tests of go-fuse that do not apply to the mount. XAttrLarge skips itself on ext4, with and without
// the mount, because 8 KiB of attributes do not fit there (M-35).
var unfit = map[string]string{
	"FcntlFlockLocksFile": "it fails on ext4, too: both locks are of one process",
	"OpenSymlinkRace":     "also fails on ext4: it expects what O_NOFOLLOW forbids",
}

// TestGoFusePosixSuitePasses runs go-fuse's file system tests through the mount, for a user with full control. Removed
// names disappear immediately (M-20).
func TestGoFusePosixSuitePasses(t *testing.T) {
	w := newWorld(t)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	for _, name := range slices.Sorted(maps.Keys(posixtest.All)) {
		t.Run(name, func(t *testing.T) {
			if why := unfit[name]; why != "" {
				t.Skip(why)
			}
			dir := filepath.Join(w.at, "all", name)
			check.NoError(t, os.Mkdir(dir, 0o755))
			posixtest.All[name](t, dir)
		})
	}
}

// TestGitGoAndFioWorkOnMount runs git, a Go build, fio, rsync and stress-ng on the mount for a user with full control.
func TestGitGoAndFioWorkOnMount(t *testing.T) {
	w := newWorld(t)
	w.dir("all", "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	line := func(name, want, script string) {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skip(err)
			}
			if got, err := w.run(0, "sh", "-ec", "cd all; "+script); err != nil || got != want {
				t.Errorf("%s: %q, %v; want %q", script, got, err, want)
			}
		})
	}
	line("git", "false\n100755\ntwo\nclean", `
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
git init -q origin && cd origin
git config user.email a@example.org && git config user.name a
git config core.fileMode && touch x && git add --chmod=+x x && git ls-files -s x | cut -d ' ' -f 1
echo one > f && mkdir d && cp f d/g && git add . && git commit -q -m one
echo two > f && git commit -q -a -m two && git gc -q
cd .. && git clone -q origin copy && cd copy && cat f && git fsck --no-progress
test -z "$(git status --porcelain)" && echo clean`)
	line("go", "built", `
mkdir p && cd p && printf 'module p\ngo 1.26\n' > go.mod
printf 'package main\nfunc main() { println("built") }\n' > main.go
go build -o p . && ./p 2>&1`)
	line("fio", "", `
check="--bs=4k --verify=crc32c --verify_fatal=1 --output=/dev/null"
fio --name=verify --rw=randrw --size=4m --ioengine=psync $check
fio --name=map --rw=randwrite --size=2m --ioengine=mmap $check`)
	line("rsync", "same", `
mkdir from && echo text > from/f && rsync -rt from/ to/ && diff -r from to && echo same`)
	// stress-ng runs these tests of file systems at once, and each compares what it reads with what it wrote. Its test
	// "access" is left out: it expects that nobody may execute a file after chmod 600, but the descriptor still grants it.
	seconds := "1s"
	if randtest.Deep() {
		seconds = "2s"
	}
	line("stress-ng", "", `
out=$(stress-ng --quiet --verify --temp-path . --timeout `+seconds+` $(for s in aio chdir chmod chown copy-file \
  dentry dir dirdeep dirmany fallocate fcntl filename flock fpunch fsize fstat getdent hdd inotify iomix link locka \
  lockf lockofd mknod msync open readahead rename revio seek sendfile splice symlink sync-file \
  touch utime xattr; do echo --$s 1; done) 2>&1) || echo failed
# stress-ng says so of a program that begins late on a busy machine.
echo "$out" | grep -v "finished prematurely" || :`)
}

// rootless is a tree whose root is the file f.
type rootless struct{ nt.FileSystem }

func (f rootless) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	of := *r
	of.Name = "f"
	return f.FileSystem.Find(&of, start)
}

// TestStartFailsOnIncompleteConfig checks that Start fails if something required is missing, and leaves no mount and no
// kernel object behind. Close leaves none either. No mount covers another one (F-180, M-39).
func TestStartFailsOnIncompleteConfig(t *testing.T) {
	w := newWorld(t)
	at := filepath.Join(filepath.Dir(w.at), "second")
	w.must(os.Mkdir(at, 0o755))
	good := Config{System: w.sys, Name: "share", Tree: w.m.tree, Directory: at, Accounts: people{}, Owners: ids{}}
	broken := func(string) (uint64, error) { return 0, unix.EIO }
	w.must(w.sys.AddTree("bare", numbered{w.m.tree}))
	check.That(t, RemoveStale(w.at, "share") != nil, "M-39: a running mount was removed, or may be covered")
	o, n, r := w.sys.Counts()
	for what, change := range map[string]func(*Config){
		"a system": func(c *Config) { c.System = nil }, "a tree": func(c *Config) { c.Tree = nil },
		"accounts": func(c *Config) { c.Accounts = nil }, "owners": func(c *Config) { c.Owners = nil },
		"a directory":       func(c *Config) { c.Directory = filepath.Join(at, "none") },
		"a directory alone": func(c *Config) { w.file("f", "", full); c.Directory = filepath.Join(w.root, "f") },
		"identities":        func(c *Config) { c.Tree = numbered{c.Tree} },
		"a root directory":  func(c *Config) { w.file("f", "", full); c.Tree = rootless{c.Tree} },
		"a device":          func(c *Config) { c.device = broken },
	} {
		c := good
		change(&c)
		if m, err := Start(c); err == nil || m != nil || what == "identities" && !strings.Contains(err.Error(), "handle") {
			t.Errorf("without %s: %v, %v, want an error that names the missing argument", what, m, err)
		}
		check.ErrorIs(t, unix.Unmount(at, 0), unix.EINVAL, "without %s, something is mounted", what)
	}
	for _, c := range []struct { // mounts that end, threads included
		name string
		want unix.Errno
	}{{"share", 0}, {"share", 0}, {"bare", unix.EOPNOTSUPP}} {
		good.Name = c.name
		m := check.Must(Start(good))
		h := header(alice, rootID)
		w.want("lookup in "+c.name, m.Lookup(nil, &h, "f", &fuse.EntryOut{}), c.want)
		w.must(m.Close())
	}
	if o2, n2, r2 := w.sys.Counts(); o2 != o || n2 != n || r2 != r {
		t.Errorf("%d objects, %d handles, %d references, were %d, %d, %d, want %d, %d, %d", o2, n2, r2, o, n, r, o,
			n, r)
	}
}
