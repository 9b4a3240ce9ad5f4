package hostfs

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// inherits is a directory in which each new file gets the same descriptor, and differs one whose new files get another.
const (
	inherits = "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	differs  = "O:BAG:SYD:P(A;OICI;FA;;;BU)(A;OICI;FA;;;WD)"
)

// newFile creates a file through the tree as bob and returns its stored attribute.
func (w *world) newFile(name string) []byte {
	w.Helper()
	th := w.as(bob)
	h := w.create(th, name, call{desired: winnt.FILE_READ_DATA, disposition: fileaccess.FileCreate}, ntstatus.Success)
	w.want(th.NtClose(h), ntstatus.Success)
	value := check.Must(attribute(w.path(name), w.tree.cfg.Attribute))
	return value
}

// newVersion4 returns a tree whose attributes have a time: their files are protected by their permissions too.
func newVersion4(t *testing.T, change ...func(*Config)) *world {
	w := newWorld(t, change...)
	for name, text := range map[string]string{"d": inherits, "e": differs} {
		w.must(os.Mkdir(w.path(name), 0o700))
		s := check.Must(statAt(unix.AT_FDCWD, w.path(name), 0))
		a := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse(text)}
		w.must(a.Seal(infoOf(&s), nil, nil))
		value := check.Must(a.Append(nil))
		w.must(setAttribute(w.path(name), w.tree.cfg.Attribute, value))
	}
	return w
}

// Files with the same descriptor and permissions get the same bytes, with the hour of their writing. Another
// descriptor gives other ones (F-216).
func TestEqualFilesGetEqualAttributes(t *testing.T) {
	w := newVersion4(t)
	inOneHour(func() {
		first := w.newFile(`d\1`)
		if second := w.newFile(`d\2`); !bytes.Equal(first, second) {
			t.Errorf("two files of one directory got % x and % x, want equal attributes", first, second)
		}
		check.That(t, !bytes.Equal(first, w.newFile(`e\1`)), "files with different descriptors got equal attributes")
		a := check.Must(ntacl.Decode(first))
		if want := filetime.Of(time.Now()) / hour * hour; a.Time != want {
			t.Errorf("the time of the attribute is %d, want %d, a full hour", a.Time, want)
		}
	})
}

const hour = int64(time.Hour / 100) // of FILETIME

// inOneHour calls f when at least ten seconds of the current hour are left, so that all its files get one time.
func inOneHour(f func()) {
	if left := time.Hour - time.Since(time.Now().Truncate(time.Hour)); left < 10*time.Second {
		time.Sleep(left)
	}
	f()
}

// The value that was unused longest is dropped for another one (F-216).
// +checklocksignore
func TestLeastRecentlyUsedValueIsDropped(t *testing.T) {
	var v heldValues
	for i := range maxHeld {
		v.use([]byte{byte(i)})
	}
	v.use([]byte{0})
	v.use([]byte{maxHeld})
	for value, want := range map[byte]bool{0: true, 1: false, 2: true, maxHeld: true} {
		got := slices.ContainsFunc(v.entries, func(h *heldValue) bool { return h.value == string([]byte{value}) })
		check.Equal(t, got, want, "value %d is held", value)
	}
}

// A tree holds at most 16 values, and closes their holders with itself (F-216).
func TestHeldValuesAreBounded(t *testing.T) {
	w := newVersion4(t)
	w.tree.sharesBlocks = true
	for i := range 3 * maxHeld {
		name := fmt.Sprintf("d%d", i)
		w.dir(name, fmt.Sprintf("O:BAG:SYD:P(A;OICI;FA;;;WD)(A;OICI;FA;;;S-1-5-21-1-2-3-%d)", i+1))
		for j := range 3 {
			w.newFile(fmt.Sprintf(`%s\%d`, name, j))
		}
	}
	v := &w.tree.held
	v.mu.Lock()
	entries := len(v.entries)
	v.mu.Unlock()
	check.That(t, entries == maxHeld, "%d cached values after %d different ones, want %d", entries, 3*maxHeld, maxHeld)
	w.must(w.sys.Close())
	held := check.OpenDescriptors(t) - w.descriptors()
	before := check.OpenDescriptors(t)
	w.must(w.tree.Close())
	// The tree closes its own descriptor too.
	check.Equal(t, before-check.OpenDescriptors(t), held+1, "host descriptors that Close closed, %d of values", held)
}

// A value that is too large for a block is not held, and none after the tree was closed (F-216).
func TestUselessValuesAreNotHeld(t *testing.T) {
	var v heldValues
	for _, size := range []int{maxHeldSize, maxHeldSize + 1} {
		value := make([]byte, size)
		v.use(value)
		check.Equal(t, v.use(value) != nil, size <= maxHeldSize, "the second use of %d bytes requests a holder", size)
	}
	v.close()
	v.use([]byte("a"))
	h := v.use([]byte("a"))
	check.That(t, h == nil && len(v.entries) == 0, "after close, a value is held: %+v", h)
	before := check.OpenDescriptors(t)
	v.keep(&heldValue{}, check.Must(unix.Dup(1)))
	check.Equal(t, check.OpenDescriptors(t), before, "host descriptors after a holder of a dropped value came")
}

// If the holder of a value cannot be created, files are created all the same (F-216).
func TestFailedHolderDoesNotFailCreate(t *testing.T) {
	var name string
	failed := 0
	w := newVersion4(t, func(c *Config) {
		name = c.Attribute
		c.Faults = func(call, of string) error {
			if call == "setxattr" && of == name {
				if failed++; failed == 2 { // the first one is that of d\1
					return unix.EIO
				}
			}
			return nil
		}
	})
	w.tree.sharesBlocks = true
	for i := range 4 {
		w.newFile(fmt.Sprintf(`d\%d`, i))
	}
	check.That(t, failed == 5, "%d attributes were set, want 4 and one that failed", failed)
}

// Goroutines that replace each other's values leave no descriptor open (F-216).
func TestHeldValuesRace(t *testing.T) {
	w := newVersion4(t)
	w.tree.sharesBlocks = true
	before := w.descriptors()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 300 {
				w.tree.hold(fmt.Appendf(nil, "%100d", (g*7+i)%(2*maxHeld)))
			}
		})
	}
	all.Wait()
	check.Equal(t, w.descriptors(), before, "host descriptors without holders")
}

// ext4 stores the attribute of files in one directory in one block, also if each file is removed before the next one is
// created (F-216).
func TestExt4StoresAttributeOnce(t *testing.T) {
	device, at := newFileSystem(t, "ext4", 16<<20)
	w := newVersion4(t, func(c *Config) { c.Path = at })
	w.checkBlocks(device)
}

// checkBlocks creates files and compares the blocks with their attributes. An attribute has the hour of its writing, so
// files count as equal only within one.
func (w *world) checkBlocks(device string) {
	w.Helper()
	blocks, taken := map[string]map[string]bool{}, map[string]bool{}
	for i := range 20 {
		name := fmt.Sprintf(`d\%d`, i)
		value := string(w.newFile(name))
		if blocks[value] == nil {
			blocks[value] = map[string]bool{}
		}
		block := w.attributeBlock(device, name)
		blocks[value][block], taken[block] = true, true
		w.must(os.Remove(w.path(name)))
	}
	for _, of := range blocks {
		if len(of) > 2 { // the block of the first file, and that of its holder
			w.Errorf("20 files with one attribute, each removed before the next one, had it in the blocks %v, want at most two",
				slices.Sorted(maps.Keys(of)))
		}
	}
	last, before := "", ""
	for i, equal := 0, 0; equal < 2; i++ {
		before, last = last, fmt.Sprintf(`e\%d`, i)
		value := string(w.newFile(last))
		if equal++; blocks[value] == nil {
			equal, blocks[value] = 0, map[string]bool{}
		}
	}
	if got, want := w.attributeBlock(device, last), w.attributeBlock(device, before); got != want || taken[got] {
		w.Errorf("the attribute of another directory's files is in the blocks %s and %s, want one that is not of %v", got,
			want, slices.Sorted(maps.Keys(taken)))
	}
}

// newFileSystem mounts a new file system of a kind and returns its loop device and its root. It skips the test if the
// host does not allow that.
func newFileSystem(t *testing.T, kind string, size int64) (device, at string) {
	t.Helper()
	image, at := filepath.Join(t.TempDir(), "image"), t.TempDir()
	must := func(err error) {
		check.NoError(t, err)
	}
	must(os.WriteFile(image, nil, 0o600))
	must(os.Truncate(image, size))
	for _, args := range [][]string{{"mkfs." + kind, "-q", image}, {"mount", "-o", "loop", image, at}} {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput() //nolint:gosec // of this table
		if err != nil {
			t.Skipf("%v: %v: %s: install e2fsprogs and btrfs-progs, and run the test as root", args, err, out)
		}
	}
	t.Cleanup(func() { must(unix.Unmount(at, 0)) })
	out, err := exec.Command("losetup", "--noheadings", "--output=NAME", "--associated", image).Output()
	must(err)
	return strings.TrimSpace(string(out)), at
}

// attributeBlock returns the number of the block with the extended attributes of a file that do not fit in its inode,
// as debugfs reads it from the device.
func (w *world) attributeBlock(device, name string) string {
	w.Helper()
	command := fmt.Sprintf("stat <%d>", w.inode(name))
	out, err := exec.Command("debugfs", "-R", command, device).CombinedOutput() //nolint:gosec // the test's device
	_, block, found := strings.Cut(string(out), "File ACL: ")
	check.RequireThat(w, err == nil && found, "debugfs of %s: %v: %s", device, err, out)
	return strings.Fields(block)[0]
}
