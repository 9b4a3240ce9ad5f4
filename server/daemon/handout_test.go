package daemon_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// plant makes a tree with a file a\b\plan that everybody reads, and adds it to a system.
func plant(dir string, sys *kernel.System, what hostfs.HandOut) (*hostfs.Tree, error) {
	tree, err := sow(dir, what)
	if err != nil {
		return nil, err
	}
	return tree, sys.AddTree("share", tree)
}

// sow makes the tree alone.
func sow(dir string, what hostfs.HandOut) (*hostfs.Tree, error) {
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "a", "b", "plan")
	if err := os.WriteFile(file, []byte("the plan\n"), 0o600); err != nil {
		return nil, err
	}
	value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256,
		Descriptor: sddl.MustParse("O:BAG:SYD:P(A;;FA;;;WD)")}).Append(nil)
	if err != nil {
		return nil, err
	}
	for _, p := range []string{dir, filepath.Join(dir, "a"), filepath.Join(dir, "a", "b"), file} {
		if err := unix.Setxattr(p, ntacl.Name, value, 0); err != nil {
			return nil, err
		}
	}
	tree, err := hostfs.Open(hostfs.Config{Path: dir, HandOut: what})
	if err != nil {
		return nil, err
	}
	if _, err := tree.HandsOut(); err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	return tree, nil
}

// planted is a daemon with that tree.
func planted(t *testing.T, what hostfs.HandOut, change func(*daemon.Config)) *running {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root copies mounts and sets descriptors")
	}
	var tree *hostfs.Tree
	t.Cleanup(func() { // after the daemon is closed
		if tree == nil {
			return
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	d := start(t, change)
	var err error
	d.tree = t.TempDir()
	tree, err = plant(d.tree, d.System(), what)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("descriptors or copies of mounts cannot be had here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.counts = d.now()
	return d
}

// plan is the call that opens the file.
func plan(desired winnt.AccessMask) nt.CreateFileIn {
	return nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: winnt.FILE_OPEN,
		ShareAccess:      uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete),
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\a\b\plan`})}
}

// TestHandOut: a client reads a file by the descriptor that came with its open, makes no
// more of it than was granted, and each hand-out is in the trail (W-60, W-61, F-157).
func TestHandOut(t *testing.T) {
	sink := audit.NewMemory(0, 0)
	d := planted(t, hostfs.HandOutReads, func(c *daemon.Config) { c.Audit = &audit.Log{Sink: sink} })
	c := d.dial()
	th := c.Thread()
	out, f, st := c.OpenFile(th, plan(winnt.GENERIC_READ|winnt.GENERIC_WRITE))
	if st != ntstatus.Success || f == nil {
		t.Fatal(f, st)
	}
	defer f.Close()
	text := make([]byte, 16)
	if n, err := f.Read(text); err != nil || string(text[:n]) != "the plan\n" {
		t.Errorf("%q, %v", text[:n], err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, unix.EBADF) {
		t.Errorf("a write: %v", err)
	}
	if err := f.Chmod(0o666); !errors.Is(err, unix.EROFS) {
		t.Errorf("chmod: %v", err) // this program is the owner, and root
	}
	if g, err := c.File(th, out.FileHandle); err != nil {
		t.Error(err)
	} else if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, st := th.NtWriteFileAt(out.FileHandle, []byte("x"), 0); st != ntstatus.Success {
		t.Errorf("writing goes on by calls: %s", st)
	}
	if _, g, st := c.OpenFile(th, plan(winnt.FILE_READ_ATTRIBUTES)); st != ntstatus.Success || g != nil {
		t.Errorf("an open without reading: %v, %s", g, st)
	}
	if _, err := c.File(th, 4444); !errors.Is(err, ntstatus.InvalidHandle.Err()) {
		t.Error(err)
	}
	records := handedOut(sink)
	if want := `S-1-22-1-0 \Device\share\a\b\plan 0x1`; len(records) != 2 || records[0] != want || records[1] != want {
		t.Errorf("%q, want %q twice", records, want)
	}
	_ = c.Close()
	d.settles()
}

// handedOut returns who got a descriptor of what, for which rights.
func handedOut(sink *audit.Memory) (records []string) {
	for _, e := range sink.Drain() {
		if name, _ := e.Field("ObjectName"); e.ID == 4663 {
			user, _ := e.Field("SubjectUserSid")
			mask, _ := e.Field("AccessMask")
			records = append(records, user+" "+name+" "+mask)
		}
	}
	return records
}

// asking sends opens that want descriptors, takes no answer, and says when they are sent.
func asking(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	row := wire.Rows()[nt.NtTable.Find("NtCreateFile").Info().Number]
	body, err := row.AppendCall(nil, plan(winnt.GENERIC_READ), false)
	if err != nil {
		return err
	}
	b := slices.Clone(hello)
	for i := range uint64(100) {
		b = wire.AppendFrame(b, &wire.Frame{Kind: wire.CallWith, Request: i, Thread: 1, Service: row.Service, Body: body})
	}
	if _, err := conn.Write(b); err != nil {
		return err
	}
	return ready()
}

// held returns how many of the descriptors of this program are files of a tree's copy.
func held(t *testing.T, dir string) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasSuffix(to, dir) {
			n++
		}
	}
	return n
}

// TestKilledBeforeItsDescriptors kills clients while descriptors are on their way to them:
// no object, handle or descriptor is left (W-13, W-50).
func TestKilledBeforeItsDescriptors(t *testing.T) {
	d := planted(t, hostfs.HandOutReads, nil)
	for range 5 {
		p := play(t, d.socket, "asking")
		_ = p.Kill()
		d.settles()
	}
	for end := time.Now().Add(time.Minute); held(t, "/a/b/plan") != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors of files are left", held(t, "/a/b/plan"))
		}
	}
	d.works()
}

// serveFiles is a daemon with a tree that hands out for reading.
func serveFiles(socket string) error {
	dir := filepath.Dir(socket)
	d, err := daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: socket, Identity: peer.Accounts{}})
	if err != nil {
		return err
	}
	if _, err := plant(filepath.Join(dir, "tree"), d.System(), hostfs.HandOutReads); err != nil {
		return fmt.Errorf("no tree: %w", err)
	}
	go func() { _ = d.Serve() }()
	return ready()
}

// BenchmarkOpenFile: an open of a file at depth 3 with its descriptor over the socket,
// beside the open in process and the ping-pong of the same run.
func BenchmarkOpenFile(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("only root copies mounts and sets descriptors")
	}
	conn, c := beside(b, "files")
	own, th := inProcess(b), c.Thread()
	const opens = 100
	var pings, native, wired []time.Duration
	buf, handles, in := make([]byte, 64), make([]winnt.Handle, opens), plan(winnt.GENERIC_READ)
	for b.Loop() {
		at := time.Now()
		for range opens {
			pingPong(b, conn, buf)
		}
		pings = append(pings, time.Since(at))
		at = time.Now()
		for i := range handles {
			var st ntstatus.Status
			if handles[i], _, st = own.NtCreateFile(in); st != ntstatus.Success {
				b.Fatal(st)
			}
		}
		native = append(native, time.Since(at))
		closeHandles(b, own, handles)
		files := make([]*os.File, opens)
		at = time.Now()
		for i := range handles {
			out, f, st := c.OpenFile(th, in)
			if st != ntstatus.Success || f == nil {
				b.Fatal(f, st)
			}
			handles[i], files[i] = out.FileHandle, f
		}
		wired = append(wired, time.Since(at))
		closeHandles(b, th, handles)
		for _, f := range files {
			_ = f.Close()
		}
	}
	ping, open, both := low(pings, opens), low(native, opens), low(wired, opens)
	b.ReportMetric(ping, "µs/ping-pong")
	b.ReportMetric(open, "µs/open")
	b.ReportMetric(both, "µs/open-with-descriptor")
	b.ReportMetric((both-open)/ping, "more/ping-pong")
	b.ReportMetric(0, "ns/op")
}

func closeHandles(b *testing.B, th *nt.Thread, handles []winnt.Handle) {
	b.Helper()
	for _, h := range handles {
		if st := th.NtClose(h); st != ntstatus.Success {
			b.Fatal(st)
		}
	}
}

// inProcess returns a thread of a kernel of this program with the same tree.
func inProcess(b *testing.B) *nt.Thread {
	b.Helper()
	sys := kernel.Boot(kernel.Config{})
	tree, err := plant(b.TempDir(), sys, hostfs.HandOutReads)
	if err != nil {
		b.Skip(err)
	}
	user, err := token.New(token.LocalSystem())
	if err != nil {
		b.Fatal(err)
	}
	p, err := sys.NewProcess("in process", user)
	if err != nil {
		b.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(sys.Close(), tree.Close()); err != nil {
			b.Error(err)
		}
	})
	return th
}
