package services_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// fakeTree is a tree that records its calls and returns the results that the test sets. Names that end with "dir" are
// directories. Names that start with "new" do not exist.
type fakeTree struct {
	calls      []string
	descriptor *sd.Descriptor // of everything in it
	facts      nt.FileFacts
	data       string
	st         ntstatus.Status // of each call of an open; of Open, if opening
	opening    bool
	lost       ntstatus.Status // of each lookup
	again      int             // how often Open finds the place changed
	unswapped  int             // how often another has changed the descriptor
	appended   int64           // the number of bytes that another handle appends before each write
	short      int             // the number of bytes missing in reads and writes
	move       fileaccess.Move
	decision   fileaccess.MoveDecision
	found      []nt.FileEntry
	options    fileaccess.CreateOptions // of the last open
	request    fileaccess.Request
	facted     int  // number of queries for the facts of an open
	quiet      bool // calls are not kept
	special    bool // links and files without a name are made
	bare       bool // opens cannot replace contents
	names      bool // opens list names for everybody
	full       bool // a user may open one file
	places     int  // number of unreleased lookups
	share      *fileaccess.Share
	created    *sd.Descriptor   // of the last new file
	above      nt.FileIdentity  // of the directory of each name; zero: it is missing
	within     *nt.FileIdentity // of the last move
	size       nt.FsFullSizeInformation
	cause      error  // why the stored descriptor of each place is invalid
	now        string // the present path of each open; "": it is unknown
	direct     bool   // names are found without their directories, and lookups are kept
	aside      fileaccess.MoveDecision
	profile    fileaccess.Profile
}

func newFakeTree() *fakeTree {
	return &fakeTree{descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")}
}

// takeCalls returns the calls since its last call.
func (f *fakeTree) takeCalls() string {
	defer func() { f.calls = nil }()
	return strings.Join(f.calls, ", ")
}

func (f *fakeTree) call(format string, args ...any) ntstatus.Status {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.st
}

func (f *fakeTree) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	if f.direct {
		f.call("Find")
	}
	if f.lost != ntstatus.Success {
		return nil, f.lost
	}
	return f.place(r, start, false), ntstatus.Success
}

func (f *fakeTree) FindDirect(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, bool) {
	if !f.direct {
		return nil, false
	}
	f.call("FindDirect")
	return f.place(r, start, true), true
}

func (f *fakeTree) place(r *fileaccess.Request, start nt.OpenFile, alone bool) *fakePlace {
	path := strings.TrimSuffix(r.Name, `\`)
	if start != nil {
		path = strings.TrimPrefix(start.(*fakeOpen).path+`\`+path, `\`)
	}
	f.request = *r
	f.places++
	return &fakePlace{f, path, alone}
}

func (f *fakeTree) MaxOpens() int {
	if f.full {
		return 1
	}
	return 1 << 20
}

type fakePlace struct {
	*fakeTree
	path  string
	alone bool // the directory is unknown
}

func (p *fakePlace) Facts() *fileaccess.Facts {
	name := p.path[strings.LastIndexByte(p.path, '\\')+1:]
	o := fileaccess.Object{Exists: !strings.HasPrefix(name, "new"), IsDirectory: strings.HasSuffix(name, "dir"),
		VolumeRoot: name == "", Descriptor: p.descriptor}
	if !o.Exists {
		o.Descriptor = nil
	}
	if o.IsDirectory = o.IsDirectory || o.VolumeRoot; o.IsDirectory {
		o.Attributes = fileaccess.AttributeDirectory
	}
	facts := &fileaccess.Facts{Object: o, Share: p.share, Policy: fileaccess.Policy{Profile: p.profile}}
	if !p.alone {
		facts.Parent = &fileaccess.Directory{Descriptor: p.descriptor}
	}
	return facts
}

func (p *fakePlace) Cause() error { return p.cause }

func (p *fakePlace) Directory() (nt.FileIdentity, bool) { return p.above, p.above.Number != 0 }

func (p *fakePlace) Path() string { return p.path }

func (p *fakePlace) Open(r *fileaccess.Request, d *fileaccess.Decision) (nt.OpenFile, bool, ntstatus.Status) {
	p.options = r.Options
	if d.NewSD != nil {
		p.created = d.NewSD
	}
	if p.again > 0 {
		p.again--
		p.call("again")
		return nil, true, ntstatus.Success
	}
	p.calls = append(p.calls, fmt.Sprintf("Open %s for %v share %d: %v", p.path, d.Granted, r.Share, d.Action))
	if p.opening && p.st != ntstatus.Success {
		return nil, false, p.st
	}
	if p.bare {
		return struct{ nt.OpenFile }{&fakeOpen{p.fakeTree, p.path}}, false, ntstatus.Success
	}
	if p.names {
		return namingOpen{&fakeOpen{p.fakeTree, p.path}}, false, ntstatus.Success
	}
	return &fakeOpen{p.fakeTree, p.path}, false, ntstatus.Success
}

func (p *fakePlace) Release() { p.places-- }

func (p *fakePlace) MakesLink(target string) ntstatus.Status {
	if p.call("MakesLink %s", target); !p.special {
		return ntstatus.NotSupported
	}
	return ntstatus.Success
}

func (p *fakePlace) MakesNameless() ntstatus.Status {
	if p.call("MakesNameless"); !p.special {
		return ntstatus.NotSupported
	}
	return ntstatus.Success
}

type fakeOpen struct {
	*fakeTree
	path string
}

// namingOpen is an open of a tree that lists names for everybody.
type namingOpen struct{ *fakeOpen }

func (namingOpen) ListNames(uint64) ([]nt.DirectoryName, ntstatus.Status) {
	return nil, ntstatus.NoMoreFiles
}

func (o *fakeOpen) Facts() (nt.FileFacts, ntstatus.Status) {
	o.facted++
	return o.facts, o.st
}

func (o *fakeOpen) Volume() (nt.FsFullSizeInformation, ntstatus.Status) {
	return o.size, o.call("Volume")
}

func (o *fakeOpen) ReadAt(b []byte, at int64) (int, ntstatus.Status) {
	if !o.quiet {
		o.call("ReadAt %d of %d", at, len(b))
	}
	return max(copy(b, o.data[min(int(at), len(o.data)):])-o.short, 0), o.st
}

func (o *fakeOpen) WriteAt(b []byte, at int64) (int, int64, ntstatus.Status) {
	st := o.call("WriteAt %d %s", at, b)
	if at < 0 {
		at = o.facts.EndOfFile + o.appended
	}
	return len(b) - o.short, at + int64(len(b)-o.short), st
}

func (o *fakeOpen) Flush() ntstatus.Status { return o.call("Flush") }

func (o *fakeOpen) List(pattern string, restart bool, most int, see func(*sd.Descriptor) bool) ([]nt.FileEntry,
	ntstatus.Status) {
	o.call("List %q %v %d %v", pattern, restart, most, see != nil)
	if see != nil && !see(o.descriptor) {
		return nil, o.st
	}
	return append([]nt.FileEntry(nil), o.found...), o.st
}

func (o *fakeOpen) SetBasic(b nt.FileBasic) ntstatus.Status { return o.call("SetBasic %v", b) }
func (o *fakeOpen) SetSize(n int64) ntstatus.Status         { return o.call("SetSize %d", n) }
func (o *fakeOpen) SetDelete(d bool) ntstatus.Status        { return o.call("SetDelete %v", d) }

func (o *fakeOpen) Move(m *nt.FileMove) ntstatus.Status {
	root := "-"
	if m.Root != nil {
		root = m.Root.(*fakeOpen).path
	}
	o.call("Move %s root %s replace %v link %v", m.Name, root, m.Replace, m.Link)
	o.within = m.Within
	o.decision = m.Decide(&o.move)
	if m.Aside != nil {
		o.call("Aside %s to %s", m.Aside.(*fakeOpen).path, m.AsideName)
		o.aside = m.DecideAside(&o.move)
	}
	return o.st
}

func (o *fakeOpen) Descriptor() (*sd.Descriptor, ntstatus.Status) { return o.descriptor, o.st }

func (o *fakeOpen) SwapDescriptor(old, next *sd.Descriptor) (bool, ntstatus.Status) {
	if o.call("Swap"); o.unswapped > 0 || old != o.descriptor {
		o.unswapped--
		return false, o.st
	}
	if o.st == ntstatus.Success {
		o.descriptor = next
	}
	return o.st == ntstatus.Success, o.st
}

func (o *fakeOpen) Refill(from nt.OpenFile) ntstatus.Status {
	return o.call("Refill %s from %s", o.path, from.(*fakeOpen).path)
}

func (o *fakeOpen) Stage() ntstatus.Status           { return o.call("Stage") }
func (o *fakeOpen) ReplaceByStaged() ntstatus.Status { return o.call("ReplaceByStaged") }

// HandOut returns a descriptor of another file, whose use needs the right to read.
func (o *fakeOpen) HandOut(winnt.AccessMask, uint32) (*os.File, winnt.AccessMask, ntstatus.Status) {
	return check.Must(os.Open(os.DevNull)), winnt.FILE_READ_DATA, o.st
}

func (o *fakeOpen) CurrentPath() (string, bool) { return o.now, o.now != "" }

func (o *fakeOpen) Close() { o.calls = append(o.calls, "Close "+o.path) }

// treeWorld is a thread in a world with a fake tree, which has the names \??\T and \??\U.
type treeWorld struct {
	*world
	*nt.Thread
	t          *testing.T
	in         *nt.Thread // kernel mode
	tree, more *fakeTree
}

func newTreeWorld(t *testing.T, w *world, privileges ...winnt.Privilege) *treeWorld {
	t.Helper()
	th, k := w.thread(w.process("p", privileges...))
	tw := &treeWorld{w, th, t, k.Zw(), newFakeTree(), newFakeTree()}
	for name, tree := range map[string]*fakeTree{"T": tw.tree, "U": tw.more} {
		check.NoError(t, w.sys.AddTree(name, tree))
		t.Cleanup(func() { check.Equal(t, tree.places, 0, "unreleased lookups in tree %s", name) })
	}
	return tw
}

// open opens a file of the tree for these rights. The tree does not record these calls.
func (w *treeWorld) open(name string, rights winnt.AccessMask, options fileaccess.CreateOptions) winnt.Handle {
	w.t.Helper()
	if options&(fileaccess.SynchronousIOAlert|fileaccess.SynchronousIONonalert) != 0 {
		rights |= winnt.SYNCHRONIZE // these options require it
	}
	h := check.Result(w.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: name}, 7, uint32(options)))
	w.tree.takeCalls()
	w.more.takeCalls()
	return h
}

// context returns the receiver of functions that are not services.
func (w *treeWorld) context() *services.Context { return w.Services().(*services.Context) }
