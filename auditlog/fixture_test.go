package auditlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/diskio"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// memDisk is a disk in memory that tracks durability: the contents of a file and the names in a folder at their last
// sync.
type memDisk struct {
	mu     sync.Mutex
	now    map[string]*inode // visible to processes
	synced map[string]*inode // the names after a crash
	// allocates lets files allocate space in advance, so that the log writes zeros there. It is set before first use.
	allocates bool
	reads     bool // errors are also injected into reads and queries of a size. It is set before first use.
	dirs      map[string]bool
	open      int // number of open files

	inject.Injector // of every operation
}

type inode struct {
	name    string
	data    []byte
	durable []byte
}

// errCrashed answers every operation after the last one.
var errCrashed = errors.New("the process is gone")

// newMemDisk copies a folder. At the end of the test no file may be open.
func newMemDisk(t testing.TB, dir string) *memDisk {
	t.Helper()
	d := &memDisk{now: map[string]*inode{}, synced: map[string]*inode{}, dirs: map[string]bool{".": true}}
	t.Cleanup(func() { testcheck.Equal(t, d.open, 0, "number of open files at the end") })
	if dir == "" {
		return d
	}
	testcheck.NoError(t, filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if e.IsDir() {
			d.dirs[filepath.ToSlash(rel)] = true
			return nil
		}
		b, err := os.ReadFile(p)
		d.set(filepath.ToSlash(rel), b)
		return err
	}))
	return d
}

func (d *memDisk) set(name string, b []byte) {
	n := &inode{name, slices.Clone(b), slices.Clone(b)}
	d.now[name], d.synced[name] = n, n
}

func (d *memDisk) flip(name string, at int, bit byte) { d.now[name].data[at] ^= bit }

// tail returns the bytes that a crash leaves of extra, the bytes of a file from offset at on that are not durable. It
// may change extra.
type tail func(at int, extra []byte) []byte

// lostAll leaves only durable bytes.
func lostAll(int, []byte) []byte { return nil }

// crash returns the disk after a crash: the durable data, and the result of left for the rest.
func (d *memDisk) crash(left tail) *memDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &memDisk{now: map[string]*inode{}, synced: map[string]*inode{}, dirs: map[string]bool{".": true}}
	for name, n := range d.synced {
		same := 0
		for same < min(len(n.data), len(n.durable)) && n.data[same] == n.durable[same] {
			same++
		}
		b := slices.Clone(n.durable)
		if same < len(n.data) {
			b = append(b[:same:same], left(same, slices.Clone(n.data[same:]))...)
			b = append(b, n.durable[min(len(b), len(n.durable)):]...)
		}
		out.set(name, b)
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			out.dirs[dir] = true
		}
	}
	return out
}

func notThere(name string) error { return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist} }

// Create implements disk.
func (d *memDisk) Create(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("create", name); err != nil {
		return nil, err
	}
	if d.now[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if !d.dirs[path.Dir(name)] {
		return nil, notThere(path.Dir(name))
	}
	d.now[name] = &inode{name: name}
	d.open++
	return &memFile{d, d.now[name]}, nil
}

// Open implements disk.
func (d *memDisk) Open(name string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("open", name); err != nil {
		return nil, err
	}
	if d.now[name] == nil {
		return nil, notThere(name)
	}
	d.open++
	return &memFile{d, d.now[name]}, nil
}

// Mkdir implements disk.
func (d *memDisk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("mkdir", name); err != nil {
		return err
	}
	for ; name != "."; name = path.Dir(name) {
		d.dirs[name] = true
	}
	return nil
}

// Rename implements disk.
func (d *memDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("rename", from+" "+to); err != nil {
		return err
	}
	if d.now[from] == nil {
		return notThere(from)
	}
	if !d.dirs[path.Dir(to)] {
		return notThere(path.Dir(to))
	}
	d.now[to] = d.now[from]
	d.now[to].name = to
	delete(d.now, from)
	return nil
}

// Remove implements disk.
func (d *memDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("remove", name); err != nil {
		return err
	}
	if d.now[name] == nil {
		return notThere(name)
	}
	delete(d.now, name)
	return nil
}

// List implements disk.
func (d *memDisk) List(name string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("list", name); err != nil {
		return nil, err
	}
	if d.now[name] != nil {
		return nil, errors.New("not a folder")
	}
	seen := map[string]bool{}
	for n := range d.now {
		rest := n
		if name != "." {
			var in bool
			if rest, in = strings.CutPrefix(n, name+"/"); !in {
				continue
			}
		}
		first, _, _ := strings.Cut(rest, "/")
		seen[first] = true
	}
	var out []string
	for n := range seen {
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// SyncDir implements disk.
func (d *memDisk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Do("syncdir", name); err != nil {
		return err
	}
	for n := range d.synced {
		if path.Dir(n) == name && d.now[n] == nil {
			delete(d.synced, n)
		}
	}
	for n, i := range d.now {
		if path.Dir(n) == name {
			d.synced[n] = i
		}
	}
	return nil
}

// Lock implements disk.
func (d *memDisk) Lock() (func() error, error) { return func() error { return nil }, nil }

// read counts an operation that reads, on a disk whose reads may fail.
func (d *memDisk) read(kind, name string) error {
	if !d.reads {
		return nil
	}
	return d.Do(kind, name)
}

type memFile struct {
	d *memDisk
	n *inode
}

// ReadAt implements file.
func (f *memFile) ReadAt(b []byte, at int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.read("read", f.n.name); err != nil {
		return 0, err
	}
	if at >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements file.
func (f *memFile) WriteAt(b []byte, at int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return diskio.Faults(f.d.Do).Write(f.n.name, b, func(b []byte) (int, error) {
		f.write(b, at)
		return len(b), nil
	})
}

func (f *memFile) write(b []byte, at int64) {
	if need := int(at) + len(b); need > len(f.n.data) {
		f.n.data = append(f.n.data, make([]byte, need-len(f.n.data))...)
	}
	copy(f.n.data[at:], b)
}

// Allocate implements allocator, on a disk that allocates.
func (f *memFile) Allocate(int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if !f.d.allocates {
		return errNoAllocation
	}
	return f.d.Do("allocate", f.n.name)
}

// Size implements file.
func (f *memFile) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.read("size", f.n.name); err != nil {
		return 0, err
	}
	return int64(len(f.n.data)), nil
}

// Truncate implements file.
func (f *memFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.Do("truncate", f.n.name); err != nil {
		return err
	}
	f.n.data = f.n.data[:size]
	return nil
}

// Sync implements file.
func (f *memFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.Do("sync", f.n.name); err != nil {
		return err
	}
	f.n.durable = slices.Clone(f.n.data)
	return nil
}

// Close implements file.
func (f *memFile) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.open--
	return f.d.Do("close", f.n.name)
}

// checkClosed checks at the end of the test that this process has no open file below a folder. It needs /proc.
func checkClosed(t testing.TB, dir string) {
	t.Helper()
	t.Cleanup(func() {
		fds, err := filepath.Glob("/proc/self/fd/*")
		testcheck.NoError(t, err)
		for _, fd := range fds {
			if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, dir+"/") {
				t.Errorf("%s is open at the end", name)
			}
		}
	})
}

// testKey returns the same key in every run.
func testKey(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(bytes.NewReader(make([]byte, 64)), "test.example/audit")
	testcheck.NoError(t, err)
	s := testcheck.Must(note.NewSigner(private))
	v := testcheck.Must(note.NewVerifier(public))
	return s, v
}

func testConfig(t testing.TB, d disk) Config {
	t.Helper()
	s, _ := testKey(t)
	return Config{disk: d, Signers: []note.Signer{s}}
}

// newConfig returns an empty disk and the configuration of a log on it.
func newConfig(t testing.TB) (*memDisk, Config) {
	t.Helper()
	d := newMemDisk(t, "")
	return d, testConfig(t, d)
}

// countOf returns the number of records with an event ID.
func countOf(t testing.TB, d disk, id uint16) (n int) {
	t.Helper()
	for _, e := range recordsOf(t, d) {
		if e.ID == id {
			n++
		}
	}
	return n
}

// recordsOf reads a log.
func recordsOf(t testing.TB, d disk, from ...uint64) []audit.Event {
	t.Helper()
	r := testcheck.Must(newReader(d, append(from, 0)[0]))
	defer func() { testcheck.NoError(t, r.Close()) }()
	var out []audit.Event
	for {
		rec, err := r.Next()
		if err != nil {
			return out
		}
		e := testcheck.Must(rec.Event())
		out = append(out, e)
	}
}

func verifyDisk(t testing.TB, d disk) *Verified {
	t.Helper()
	_, key := testKey(t)
	return testcheck.Must(Verify(Verification{disk: d, Keys: []note.Verifier{key}}))
}
