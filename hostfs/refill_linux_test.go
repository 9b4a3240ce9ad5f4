package hostfs

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A file gets the contents and length of another, whichever was longer, by the system call and by a copy in this
// program that starts at any offset. The other file does not change (G-33).
func TestRefillReplacesContents(t *testing.T) {
	w := newWorld(t)
	const all = "O:BAG:SYD:P(A;;FA;;;WD)"
	rng := rand.NewChaCha8([32]byte{33})
	bytesOf := func(n int) string {
		b := make([]byte, n)
		_, _ = rng.Read(b) // It never fails.
		return string(b)
	}
	w.file("to", "", all)
	w.file("from", "", all)
	to, from := w.contents("to"), w.contents("from")
	lengths := []int{0, 1, 4097, 1<<20 + 3}
	for _, was := range lengths {
		for _, is := range lengths {
			old, other := bytesOf(was), bytesOf(is)
			w.must(os.WriteFile(w.path("to"), []byte(old), 0o600))
			w.must(os.WriteFile(w.path("from"), []byte(other), 0o600))
			w.want(to.Refill(from), ntstatus.Success)
			if got, err := os.ReadFile(w.path("to")); err != nil || string(got) != other {
				t.Fatalf("G-33: Refill with %d bytes over %d: %d bytes, %v; want the new contents", is, was, len(got),
					err)
			}
			if got, err := os.ReadFile(w.path("from")); err != nil || string(got) != other {
				t.Fatalf("G-33: after Refill the source has %d bytes, %v; want it unchanged", len(got), err)
			}
			sum, st := from.checksum(int64(is))
			check.That(t, st == ntstatus.Success && sum == crc32.Checksum([]byte(other), castagnoli),
				"checksum of %d bytes: %#x, %v", is, sum, st)
			for _, at := range []int{0, 1, is / 2, is} {
				if at > is || max(is, was) > 4097 && (at != 1 || was == is) {
					continue
				}
				w.must(os.WriteFile(w.path("to"), []byte(old), 0o600))
				w.want(to.copyByHand(from, int64(at), int64(is)), ntstatus.Success)
				want := []byte(old)
				if at < is {
					want = append(want, make([]byte, max(0, is-was))...)
					copy(want[at:], other[at:])
				}
				if got, err := os.ReadFile(w.path("to")); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("copyByHand from offset %d of %d bytes over %d: %d bytes, %v; want the copied contents",
						at, is, was, len(got), err)
				}
			}
		}
	}
	w.must(os.Truncate(w.path("to"), 0))
	w.want(to.copyByHand(from, 0, 1<<20+1), ntstatus.Success) // The source became longer.
	check.Equal(t, len(check.Must(os.ReadFile(w.path("to")))), 1<<20+1, "G-33: bytes copied from a longer file")
	w.want(to.copyByHand(from, 0, 1<<20+4), ntstatus.EndOfFile) // The source became shorter.
	w.want(to.copyFrom(from, 1<<20+4), ntstatus.EndOfFile)
}

// Space is allocated before any change. The length stays until then, and if there is no space nothing changes (G-34).
// A replaced file gets the archive attribute and loses its special bits (F-125, F-173).
func TestRefillAllocatesFirst(t *testing.T) {
	w, _ := keeper(t)
	w.file("to", "0123", wide)
	w.file("from", "new contents", wide)
	to := w.opened("to", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	from := w.opened("from", fileaccess.Request{}, winnt.FILE_READ_DATA)
	for _, c := range []struct {
		size   int64
		ok     bool
		blocks int64 // at least
	}{{0, true, 0}, {3, true, 0}, {4, true, 0}, {1 << 16, true, 1 << 7}, {1 << 62, false, 0}, {-1, true, 0}} {
		err := to.makeRoom(c.size)
		var s unix.Stat_t
		w.must(unix.Stat(w.path("to"), &s))
		check.That(t, (err == nil) == c.ok && s.Size == 4 && s.Blocks >= c.blocks,
			"G-34: makeRoom(%d): %v, then %d bytes in %d blocks; want success %t, 4 bytes", c.size, err, s.Size, s.Blocks, c.ok)
	}
	w.holds(map[string]string{"to": "0123"})
	w.must(os.Chmod(w.path("to"), 0o755|os.ModeSetgid)) //nolint:gosec // the test asks about this bit
	w.want(to.Refill(from), ntstatus.Success)
	w.holds(map[string]string{"to": "new contents", "from": "new contents"})
	var s unix.Stat_t
	if w.must(unix.Stat(w.path("to"), &s)); s.Mode&0o7777 != 0o755 {
		t.Errorf("F-125: mode after Refill: %#o, want 0o755", s.Mode&0o7777)
	}
	if value, _ := w.dosAttrib("to"); value != keptArchive {
		t.Errorf("F-173: stored attributes after Refill: %q, want %q", value, keptArchive)
	}
	if value, _ := w.dosAttrib("from"); value != "" {
		t.Errorf("F-173: stored attributes of the source: %q, want none", value)
	}
	// A file whose descriptor is passed for reading does not get the archive attribute. One passed for writing does.
	w.file("backed", "", wide)
	backed := w.opened("backed", fileaccess.Request{}, winnt.FILE_WRITE_DATA|winnt.FILE_READ_DATA)
	for i, want := range []string{"", keptArchive} {
		w.want(check.Status(backed.Backing(i == 1)), ntstatus.Success)
		if value, _ := w.dosAttrib("backed"); value != want {
			t.Errorf("F-173: stored attributes after Backing, for writing %t: %q, want %q", i == 1, value, want)
		}
	}
}

// If there is no space, the file keeps what another program appends to it during the allocation (G-34).
func TestFailedAllocationKeepsConcurrentAppend(t *testing.T) {
	var w *world
	w = newWorld(t, func(c *Config) {
		c.Faults = func(call, _ string) error {
			if call != "allocate" {
				return nil
			}
			w.must(os.WriteFile(w.path("f"), []byte("old, and more"), 0o600))
			return unix.ENOSPC
		}
	})
	w.file("f", "old", wide)
	w.file("new", "new contents", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	w.want(refilled(w, f), ntstatus.DiskFull)
	w.holds(map[string]string{"f": "old, and more"})
}

// An object takes the name of another one in one step if one of both is a directory. The other one gets a hidden
// name in its directory. It takes DELETE on both handles, and the right to add to both directories (F-215).
func TestReplaceNeedsDeleteOnBothHandles(t *testing.T) {
	const most = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	for _, c := range []struct {
		name, from, to string
		rights, over   winnt.AccessMask
		parent         string // the descriptor of the directory of to
		want           ntstatus.Status
	}{
		{"folder over folder", `d\from`, `e\to`, winnt.DELETE, winnt.DELETE, wide, ntstatus.Success},
		{"file over folder", `d\f`, `e\to`, winnt.DELETE, winnt.DELETE, wide, ntstatus.Success},
		{"folder over file", `d\from`, `e\g`, winnt.DELETE, winnt.DELETE, wide, ntstatus.Success},
		{"the source may not be moved", `d\from`, `e\to`, most, winnt.DELETE, wide, ntstatus.AccessDenied},
		{"the target may not be moved", `d\from`, `e\to`, winnt.DELETE, most, wide, ntstatus.AccessDenied},
		{"no folder may be added", `d\f`, `e\to`, winnt.DELETE, winnt.DELETE, "D:P(D;;LC;;;WD)(A;OICI;FA;;;WD)",
			ntstatus.AccessDenied},
		{"no file may be added", `d\f`, `e\to`, winnt.DELETE, winnt.DELETE, "D:P(D;;DC;;;WD)(A;OICI;FA;;;WD)",
			ntstatus.AccessDenied},
		{"the same folder", `e\to`, `e\to`, winnt.DELETE, winnt.DELETE, wide, ntstatus.ObjectNameCollision},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.dir("d", wide)
			w.dir("e", c.parent)
			w.dir(`d\from`, wide)
			w.dir(`e\to`, wide)
			for _, name := range []string{`d\f`, `e\g`, `d\from\new`, `e\to\old`} {
				w.file(name, name, wide)
			}
			var s unix.Stat_t
			w.must(unix.Stat(w.path(c.to), &s))
			th := w.as(bob)
			from, to := w.open(th, c.from, c.rights, ntstatus.Success), w.open(th, c.to, c.over, ntstatus.Success)
			was := check.Must(os.Stat(w.path(c.from)))
			w.want(w.sys.Refill(th, to, from), c.want)
			done := c.want == ntstatus.Success
			aside := `e\` + nt.AsideName(s.Ino)
			w.exists(c.from, !done)
			w.exists(aside, done)
			if now, err := os.Stat(w.path(c.to)); err != nil || done != os.SameFile(was, now) && c.from != c.to {
				t.Errorf("F-215: %s has another file's name, %v", c.to, err)
			}
			if done {
				// The handle follows its object.
				rename := nt.FileRename{FileName: `\??\share\e\back`}
				w.renames(th, to, rename, ntstatus.Success)
				w.exists(aside, false)
				w.exists(`e\back`, true)
			}
		})
	}
}
