package daemon_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

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
	if err != nil {
		t.Fatal(err)
	}
	file, _, st := th.NtCreateFile(plan(winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA))
	in := plan(winnt.FILE_READ_DATA)
	in.ObjectAttributes.V.ObjectName = `\??\share\a\b\` + name
	from, _, st2 := th.NtCreateFile(in)
	if st != ntstatus.Success || st2 != ntstatus.Success {
		t.Fatal(st, st2)
	}
	return file, from
}

// TestRefill: a file has all that is in another one and nothing else of it, whether it was
// longer or shorter; its number and its links stay (W-83).
func TestRefill(t *testing.T) {
	d := planted(t, hostfs.HandOutNothing, nil)
	c := d.dial()
	th := c.Thread()
	path := filepath.Join(d.tree, "a", "b", "plan")
	for _, size := range []int{0, 1, 4097, 3 << 20, 100} {
		text := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		file, from := d.sources(t, th, "other", text)
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if st := c.Refill(th, file, from); st != ntstatus.Success {
			t.Errorf("W-83: %d bytes: %s", size, st)
		}
		after, err := os.Stat(path)
		got, err2 := os.ReadFile(path)
		if err != nil || err2 != nil || !bytes.Equal(got, text) || !os.SameFile(before, after) {
			t.Errorf("W-83: %d bytes, want %d; the same file: %t; %v %v", len(got), size, os.SameFile(before, after), err, err2)
		}
		th.NtClose(file)
		th.NtClose(from)
	}
	_ = c.Close()
	d.settles()
}

// TestRefillRefused: each handle needs its rights, and both are files of trees (W-83).
func TestRefillRefused(t *testing.T) {
	d := planted(t, hostfs.HandOutNothing, nil)
	c := d.dial()
	th := c.Thread()
	file, from := d.sources(t, th, "other", []byte("other"))
	open := func(name string, desired winnt.AccessMask) winnt.Handle {
		t.Helper()
		in := plan(desired)
		in.ObjectAttributes.V.ObjectName = name
		h, _, st := th.NtCreateFile(in)
		if st != ntstatus.Success {
			t.Fatal(name, st)
		}
		return h
	}
	const plan = `\??\share\a\b\plan`
	reader, appender := open(plan, winnt.FILE_READ_DATA), open(plan, winnt.FILE_APPEND_DATA)
	folder, device := open(`\??\share\a`, winnt.FILE_READ_DATA), open(`\??\NUL`, winnt.FILE_READ_DATA)
	for _, c2 := range []struct {
		what       string
		file, from winnt.Handle
		want       ntstatus.Status
	}{
		{"reads only", reader, from, ntstatus.AccessDenied},
		{"appends only", appender, from, ntstatus.AccessDenied},
		{"cannot be read", file, file, ntstatus.AccessDenied},
		{"is itself", file, reader, ntstatus.InvalidParameter},
		{"from a directory", file, folder, ntstatus.InvalidParameter},
		{"from a device", file, device, ntstatus.NotSupported},
		{"of a device", device, from, ntstatus.NotSupported},
		{"of nothing", 0x7770, from, ntstatus.InvalidHandle},
		{"from nothing", file, 0x7770, ntstatus.InvalidHandle},
	} {
		if st := c.Refill(th, c2.file, c2.from); st != c2.want {
			t.Errorf("W-83: %s: %s, want %s", c2.what, st, c2.want)
		}
	}
	if got, err := os.ReadFile(filepath.Join(d.tree, "a", "b", "plan")); err != nil || string(got) == "other" {
		t.Errorf("a refused refill changed the file: %q, %v", got, err)
	}
	_ = c.Close()
	d.settles()
}

// TestRefillsAtOnce: of several that come at once one is whole in the end (G-33).
func TestRefillsAtOnce(t *testing.T) {
	d := planted(t, hostfs.HandOutNothing, nil)
	c := d.dial()
	var all sync.WaitGroup
	texts := [][]byte{bytes.Repeat([]byte("a"), 2<<20), bytes.Repeat([]byte("b"), 2<<20+5), bytes.Repeat([]byte("c"), 9)}
	for i, text := range texts {
		th, err := c.NewThread()
		if err != nil {
			t.Fatal(err)
		}
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
		t.Errorf("G-33: %d bytes, which are those of neither", len(got))
	}
	_ = c.Close()
	d.settles()
}

// TestRefillWithoutRoom: where there is no room nothing has changed (G-34).
func TestRefillWithoutRoom(t *testing.T) {
	d := planted(t, hostfs.HandOutNothing, nil)
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	small, err := sow(dir, hostfs.HandOutNothing)
	if err != nil {
		t.Skip("no descriptors on a tmpfs here: ", err)
	}
	t.Cleanup(func() { _ = small.Close() })
	if err := d.System().AddTree("small", small); err != nil {
		t.Fatal(err)
	}
	d.counts = d.now()
	c := d.dial()
	th := c.Thread()
	file, from := d.sources(t, th, "other", make([]byte, 1<<20))
	th.NtClose(file)
	in := plan(winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA)
	in.ObjectAttributes.V.ObjectName = `\??\small\a\b\plan`
	file, _, st := th.NtCreateFile(in)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	before, err := os.ReadFile(filepath.Join(dir, "a", "b", "plan"))
	if err != nil {
		t.Fatal(err)
	}
	if st := c.Refill(th, file, from); st != ntstatus.DiskFull {
		t.Errorf("G-34: %s, want STATUS_DISK_FULL", st)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a", "b", "plan")); err != nil || !bytes.Equal(got, before) {
		t.Errorf("G-34: %d bytes, want the %d of before; %v", len(got), len(before), err)
	}
	_ = c.Close()
	d.settles()
}
