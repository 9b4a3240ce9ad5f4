package daemon_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	peer "github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// addTree creates a tree with a file a\b\plan that everybody may read, and adds it to a system.
func addTree(dir string, sys *kernel.System, what hostfs.HandOut) (*hostfs.Tree, error) {
	tree, err := newTree(dir, what)
	if err != nil {
		return nil, err
	}
	return tree, sys.AddTree("share", tree)
}

// newTree creates that tree.
func newTree(dir string, what hostfs.HandOut) (*hostfs.Tree, error) {
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

// startWithTree starts a daemon with that tree.
func startWithTree(t *testing.T, what hostfs.HandOut, change func(*daemon.Config)) *running {
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
	tree, err = addTree(d.tree, d.System(), what)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("descriptors or copies of mounts cannot be had here: ", err)
	}
	check.NoError(t, err)
	d.counts = d.present()
	return d
}

// plan returns the parameters that open the file.
func plan(desired winnt.AccessMask) nt.CreateFileIn {
	return nt.CreateFileIn{DesiredAccess: desired, CreateDisposition: winnt.FILE_OPEN,
		ShareAccess:      uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete),
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\share\a\b\plan`})}
}

// TestClientReadsByPassedDescriptor checks that a client reads a file through the descriptor passed with its open, with
// no more than the granted rights, and that each passed descriptor is audited (W-60, W-61, F-157).
func TestClientReadsByPassedDescriptor(t *testing.T) {
	sink := audit.NewMemory(0, 0)
	// The client owns the file, so it gets a descriptor for reading: through another it could change the mode (F-155).
	d := startWithTree(t, hostfs.HandOutWrites, func(c *daemon.Config) { c.Audit = &audit.Log{Sink: sink} })
	c := d.dial()
	th := c.Thread()
	out, f, st := c.OpenFile(th, plan(winnt.GENERIC_READ|winnt.GENERIC_WRITE))
	check.RequireThat(t, st == ntstatus.Success && f != nil, "%v %v", f, st)
	defer f.Close()
	text := make([]byte, 16)
	if n, err := f.Read(text); err != nil || string(text[:n]) != "the plan\n" {
		t.Errorf("%q, %v, want %q, no error", text[:n], err, "the plan\n")
	}
	check.ErrorIs(t, check.Err(f.Write([]byte("x"))), unix.EBADF, "a write")
	if err := f.Chmod(0o666); !errors.Is(err, unix.EROFS) {
		t.Errorf("chmod: %v, want %v", err, unix.EROFS) // this program is the owner, and root
	}
	if g, err := c.File(th, out.FileHandle); err != nil {
		t.Error(err)
	} else if err := g.Close(); err != nil {
		t.Error(err)
	}
	check.Equal(t, check.Status(th.NtWriteFileAt(out.FileHandle, []byte("x"), 0)), ntstatus.Success,
		"NtWriteFileAt after the descriptor was passed")
	if _, g, st := c.OpenFile(th, plan(winnt.FILE_READ_ATTRIBUTES)); st != ntstatus.Success || g != nil {
		t.Errorf("an open without reading: %v, %s, want nil, %s", g, st, ntstatus.Success)
	}
	if _, err := c.File(th, 4444); !errors.Is(err, ntstatus.InvalidHandle.Err()) {
		t.Error(err)
	}
	lent := ask(t, c, inspect.Query{What: "lent"}).Lent
	check.That(t, len(lent) == 1 && lent[0].Name == `\Device\share\a\b\plan` && lent[0].Times == 2 &&
		lent[0].Process == uint64(c.Process()), "F-177: passed descriptors %+v, want two of the plan", lent)
	records := handedOut(sink)
	if want := `S-1-22-1-0 \Device\share\a\b\plan 0x1`; len(records) != 2 || records[0] != want || records[1] != want {
		t.Errorf("%q, want %q twice", records, want)
	}
}

// handedOut returns the recipients of passed descriptors, with files and rights.
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

// serveFiles runs a daemon with a tree that passes descriptors for reading.
func serveFiles(socket string) error {
	dir := filepath.Dir(socket)
	d, err := daemon.Start(daemon.Config{State: filepath.Join(dir, "state"), Socket: socket, Identity: peer.Accounts{}})
	if err != nil {
		return err
	}
	if _, err := addTree(filepath.Join(dir, "tree"), d.System(), hostfs.HandOutReads); err != nil {
		return fmt.Errorf("no tree: %w", err)
	}
	go func() { _ = d.Serve() }()
	return reportReady()
}

// BenchmarkOpenFile compares an open over the socket at depth 3 with its descriptor, an open in
// process, and a ping-pong of the same run.
func BenchmarkOpenFile(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("only root copies mounts and sets descriptors")
	}
	conn, c := connectEchoAndDaemon(b, "files")
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
	ping, open, both := quartile(pings, opens), quartile(native, opens), quartile(wired, opens)
	b.ReportMetric(ping, "µs/ping-pong")
	b.ReportMetric(open, "µs/open")
	b.ReportMetric(both, "µs/open-with-descriptor")
	b.ReportMetric((both-open)/ping, "more/ping-pong")
	b.ReportMetric(0, "ns/op")
}

func closeHandles(b *testing.B, th *nt.Thread, handles []winnt.Handle) {
	b.Helper()
	for _, h := range handles {
		check.Success(b, th.NtClose(h))
	}
}

// inProcess returns a thread of a kernel in this process with the same tree.
func inProcess(b *testing.B) *nt.Thread {
	b.Helper()
	sys := kernel.Boot(kernel.Config{})
	tree, err := addTree(b.TempDir(), sys, hostfs.HandOutReads)
	if err != nil {
		b.Skip(err)
	}
	user := check.Must(token.New(token.LocalSystem()))
	p := check.Must(sys.NewProcess("in process", user))
	th, err := p.NewThread()
	check.NoError(b, err)
	b.Cleanup(func() {
		if err := errors.Join(sys.Close(), tree.Close()); err != nil {
			b.Error(err)
		}
	})
	return th
}

// sources opens the plan for writing, and a new file with these contents for reading.
func (r *running) sources(t *testing.T, th *nt.Thread, name string, text []byte) (file, from winnt.Handle) {
	t.Helper()
	value := make([]byte, 4096)
	n, err := unix.Getxattr(filepath.Join(r.tree, "a", "b", "plan"), ntacl.Name, value)
	if err == nil {
		err = os.WriteFile(filepath.Join(r.tree, "a", "b", name), text, 0o600)
	}
	if err == nil {
		err = unix.Setxattr(filepath.Join(r.tree, "a", "b", name), ntacl.Name, value[:n], 0)
	}
	check.NoError(t, err)
	file, _, st := th.NtCreateFile(plan(winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA))
	in := plan(winnt.FILE_READ_DATA)
	in.ObjectAttributes.V.ObjectName = `\??\share\a\b\` + name
	from, _, st2 := th.NtCreateFile(in)
	check.RequireThat(t, st == ntstatus.Success && st2 == ntstatus.Success, "%v %v", st, st2)
	return file, from
}

// TestConcurrentRefillsLeaveOneSource checks that after concurrent refills the file has the complete contents of one
// source (G-33, W-83).
func TestConcurrentRefillsLeaveOneSource(t *testing.T) {
	d := startWithTree(t, hostfs.HandOutNothing, nil)
	c := d.dial()
	var all sync.WaitGroup
	texts := [][]byte{bytes.Repeat([]byte("a"), 2<<20), bytes.Repeat([]byte("b"), 2<<20+5), bytes.Repeat([]byte("c"), 9)}
	for i, text := range texts {
		th := check.Must(c.NewThread())
		file, from := d.sources(t, th, "other"+string(rune('0'+i)), text)
		all.Go(func() {
			for range 5 {
				if st := c.Refill(th, file, from); st != ntstatus.Success {
					t.Error(st)
				}
			}
		})
	}
	all.Wait()
	got, err := os.ReadFile(filepath.Join(d.tree, "a", "b", "plan"))
	if err != nil || !bytes.Equal(got, texts[0]) && !bytes.Equal(got, texts[1]) && !bytes.Equal(got, texts[2]) {
		t.Errorf("G-33: the file has %d bytes, which are the contents of neither source", len(got))
	}
}
