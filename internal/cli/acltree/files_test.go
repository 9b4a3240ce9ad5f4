package acltree

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// memory is a tree in memory. Its files are never replaced unless a test does it.
type memory struct {
	files map[string]*memoryFile
	// fail is called before each operation; its error is the operation's. nil: none fails.
	fail func(op, path string) error
	list map[string][]fs.DirEntry // by directory, which begins with a slash

	inodes uint64
}

type memoryFile struct {
	tree   *memory
	path   string
	status Status
	values map[string][]byte
}

var errInjected = errors.New("injected")

func newMemory() *memory {
	return &memory{files: map[string]*memoryFile{}, list: map[string][]fs.DirEntry{}}
}

// add adds a file, which replaces an earlier one with this name. text is the descriptor that a mount shows for the
// file. A file with the text "" has no descriptor.
func (m *memory) add(name string, kind Kind, text string) *memoryFile {
	if dir, base := path.Split(name); m.files[name] == nil && base != "" {
		m.list[path.Clean("/"+dir)] = append(m.list[path.Clean("/"+dir)], entryNamed(base))
	}
	m.inodes++
	f := &memoryFile{tree: m, path: name, values: map[string][]byte{}}
	f.status = Status{Kind: kind, Device: 1, Inode: m.inodes}
	if text != "" {
		f.values[MountAttribute] = sddl.MustParse(text).Append(nil)
	}
	m.files[name] = f
	return f
}

func (m *memory) failure(op, name string) error {
	if m.fail == nil {
		return nil
	}
	if err := m.fail(op, name); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

func (m *memory) Hold(name string) (Held, error) {
	if err := m.failure("open", name); err != nil {
		return nil, err
	}
	if f := m.files[name]; f != nil {
		return f, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (m *memory) List(name string) ([]fs.DirEntry, error) {
	if err := m.failure("list", name); err != nil || m.files[name].status.Kind != Directory {
		return nil, cmp.Or(err, fs.ErrInvalid)
	}
	return m.list["/"+name], nil
}

type entryNamed string

func (e entryNamed) Name() string               { return string(e) }
func (e entryNamed) IsDir() bool                { return false }
func (e entryNamed) Type() fs.FileMode          { return 0 }
func (e entryNamed) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

func (f *memoryFile) Status() Status { return f.status }
func (f *memoryFile) Close()         {}

func (f *memoryFile) Attribute(name string) ([]byte, error) {
	return f.values[name], f.tree.failure("read", f.path)
}

func (f *memoryFile) SetAttribute(name string, value []byte) error {
	if err := f.tree.failure("write", f.path); err != nil {
		return err
	}
	if value == nil {
		delete(f.values, name)
		return nil
	}
	if name == MountAttribute { // the mount replaces the DACL and keeps the other parts
		was, given := f.descriptor().Parts(), check.Must(sd.Decode(value)).Parts()
		if given.Control&sd.DACLAutoInheritRequest == 0 { // as Windows does
			given.Control &^= sd.DACLAutoInherited
		}
		const dacl = sd.DACLPresent | sd.DACLProtected | sd.DACLAutoInherited
		was.DACL, was.Control = given.DACL, was.Control&^dacl|given.Control&dacl
		value = sd.New(was).Append(nil)
	}
	f.values[name] = slices.Clone(value)
	return nil
}

func (f *memoryFile) descriptor() *sd.Descriptor {
	return check.Must(sd.Decode(f.values[MountAttribute]))
}

// text prints the DACLs of the tree, a line for each file.
func (m *memory) text() string {
	var out []string
	for p, f := range m.files {
		if f.values[MountAttribute] != nil {
			p += " " + dacl(f.descriptor())
		}
		out = append(out, p)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// dacl returns the text of a DACL without "D:".
func dacl(d *sd.Descriptor) string {
	_, text, _ := strings.Cut(check.Must(sddl.Format(d, sddl.Options{})), "D:")
	return text
}

// sample is a tree with inherited entries, own entries, a protected directory, a link and a file whose inherited
// entries are out of date.
func sample() *memory {
	m := newMemory()
	m.add("", Directory, "O:BAG:SYD:PAI(A;OICI;FA;;;BA)")
	m.add("a", Directory, "O:BAG:SYD:AI(A;OICIID;FA;;;BA)")
	m.add("a/b", Directory, "O:BAG:SYD:AI(D;OICI;FW;;;BG)(A;OICIID;FA;;;BA)")
	m.add("a/b/\xff\n\x1b[2J", Regular, "O:SYG:SYD:AI(A;ID;FX;;;WD)")
	m.add("a/f", Regular, "O:BAG:SYD:AI(A;;FR;;;WD)(A;ID;FA;;;BA)")
	m.add("p", Directory, "O:BAG:SYD:PAI(A;OICI;FA;;;SY)")
	m.add("p/f", Regular, "O:BAG:SYD:AI(A;ID;FR;;;WD)")
	m.add("l", Other, "")
	m.add("n", Regular, "O:BAG:SYD:NO_ACCESS_CONTROL")
	return m
}

// changed is sample after Everyone was granted read on the root.
const changed = ` PAI(A;OICI;FR;;;WD)(A;OICI;FA;;;BA)
a AI(A;OICIID;FR;;;WD)(A;OICIID;FA;;;BA)
a/b AI(D;OICI;FW;;;BG)(A;OICIID;FR;;;WD)(A;OICIID;FA;;;BA)
a/b/` + "\xff\n\x1b[2J" + ` AI(D;ID;FW;;;BG)(A;ID;FR;;;WD)(A;ID;FA;;;BA)
a/f AI(A;;FR;;;WD)(A;ID;FR;;;WD)(A;ID;FA;;;BA)
l
n NO_ACCESS_CONTROL
p PAI(A;OICI;FA;;;SY)
p/f AI(A;ID;FR;;;WD)`

// planned plans a change of a tree on a mount into a journal of a temporary file.
func planned(t *testing.T, m *memory, change Change) (*Journal, Counts) {
	t.Helper()
	p := &Plan{Files: m, Keeper: Mount{}, Recursive: true, Change: change}
	return journalOf(t, p), p.counts
}

// newJournal starts a journal in a temporary file.
func newJournal(t *testing.T) (*Writer, *os.File) {
	t.Helper()
	f := check.Must(os.Create(path.Join(t.TempDir(), "undo")))
	t.Cleanup(func() { _ = f.Close() }) // the test is over
	return check.Must(NewWriter(f, Header{Root: "/r", Keeper: "mount", Command: "test"})), f
}

// journalOf runs a plan into a journal of a temporary file.
func journalOf(t *testing.T, p *Plan) *Journal {
	t.Helper()
	w, f := newJournal(t)
	check.Must(p.Run(t.Context(), w))
	check.NoError(t, w.Commit(true))
	return check.Must(ReadJournal(f))
}
