package objects

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// TreeOptions say how files are read. The zero value reads the paths alone, and
// the attribute security.NTACL.
type TreeOptions struct {
	Recurse   bool
	Depth     int      // levels below a path that Recurse visits; 0: all
	Exclude   Patterns // what Recurse does not visit
	Attribute string   // name of the attribute; "": security.NTACL
	// IgnoreSystemACLs takes attributes whose POSIX permissions have changed since
	// as they are: what a server does that is configured to.
	IgnoreSystemACLs bool
	Accounts         ntacl.Accounts // who has a file without the attribute; nil: S-1-22-1-uid
	// Required makes a file an error whose attribute is missing or does not count: such a file
	// is no one's.
	Required bool
}

// files is the source of a walk over the file system: it finds files, and the
// workers read them.
type files struct {
	opt  TreeOptions
	tree osTree
	out  chan found
	stop chan struct{}
}

// found is files that a walk has found, to be read by a worker.
type found struct {
	list  []ntacl.Found
	below *below // what they lie below; nil: they are read by their paths
}

// Files reads the descriptors of files: from the extended attribute where
// there is one, else made of mode and POSIX ACL. The walk runs ahead by a few
// batches. Below a path that is walked no link is followed and no other mount is
// visited, also if they appear under the walk.
func Files(paths []string, opt TreeOptions) Source {
	f := &files{opt: opt, out: make(chan found, 4), stop: make(chan struct{})}
	for _, p := range paths {
		if i, err := os.Lstat(p); err == nil && i.Mode()&os.ModeSymlink != 0 {
			if f.tree.follow == nil {
				f.tree.follow = map[string]bool{}
			}
			f.tree.follow[p] = true
		}
	}
	go f.walk(paths)
	return f
}

// Next gives files that the walk has found.
func (f *files) Next(b *Batch) error {
	found, ok := <-f.out
	if !ok {
		return io.EOF
	}
	b.found, b.files = found, f
	return nil
}

// halt ends the walk; what is under way may still be read.
func (f *files) halt() { close(f.stop) }

// walk finds the files of all paths.
func (f *files) walk(paths []string) {
	defer close(f.out)
	w := walker{files: f}
	for _, p := range paths {
		if !w.path(p) {
			return
		}
	}
	w.send()
}

// walker gathers what a walk finds. Owned by its goroutine.
type walker struct {
	files *files
	found found
}

// path finds the files of one path; false ends the walk.
func (w *walker) path(p string) bool {
	var tree ntacl.Tree = w.files.tree
	var root *below
	if w.files.opt.Recurse {
		var err error
		if root, err = openBelow(p); err != nil {
			return w.add(ntacl.Found{Path: p, Err: err})
		}
	}
	if root != nil {
		var done func()
		tree, done = root.tree()
		defer done()
	}
	if root != w.found.below && !w.send() {
		return false
	}
	w.found.below = root
	if opt := &w.files.opt; opt.Depth > 0 || len(opt.Exclude) > 0 {
		tree = pruned{tree, p, opt.Depth, opt.Exclude}
	}
	recurse := w.files.opt.Recurse && (root != nil || !staysBelow)
	return ntacl.Walk(tree, p, recurse, w.add)
}

// add adds a file that was found; false ends the walk.
func (w *walker) add(x ntacl.Found) bool {
	w.found.list = append(w.found.list, x)
	return len(w.found.list) < PerBatch || w.send()
}

// send hands on what was found; false ends the walk.
func (w *walker) send() bool {
	if len(w.found.list) == 0 {
		return true
	}
	select {
	case w.files.out <- w.found:
		w.found.list = make([]ntacl.Found, 0, PerBatch)
		return true
	case <-w.files.stop:
		return false
	}
}

// fileReader reads files one after the other. It belongs to a batch, and so to
// one goroutine.
type fileReader struct {
	files  *files
	reader ntacl.Reader
	o      Object
	plain  map[ntacl.Info][]byte // descriptors of files without attribute and ACL
}

// maxPlain is how many descriptors of files without attribute and ACL are kept.
const maxPlain = 1 << 12

// each reads the files of a batch.
func (r *fileReader) each(b *Batch, visit func(o *Object)) {
	f := b.files
	if r.files != f {
		*r = fileReader{files: f, plain: map[ntacl.Info][]byte{},
			reader: ntacl.Reader{Attribute: f.opt.Attribute, IgnorePosix: f.opt.IgnoreSystemACLs}}
	}
	r.reader.Tree = f.tree
	if b.found.below != nil {
		tree, done := b.found.below.tree()
		defer done()
		r.reader.Tree = tree
	}
	for i := range b.found.list {
		if b.stop(0, 0) {
			return
		}
		x := &b.found.list[i]
		r.o = Object{Path: append(r.o.Path[:0], x.Path...), Err: x.Err, Type: winnt.FileObject}
		if x.Directory {
			r.o.Type = winnt.DirectoryFileObject
		}
		if r.o.Err == nil {
			r.o.Err = r.read(x.Path)
		}
		var bad *os.PathError
		if errors.As(r.o.Err, &bad) { // rows and messages have the path
			r.o.Err = fmt.Errorf("%s: %w", bad.Op, bad.Err)
		}
		visit(&r.o)
	}
}

// read fills the object of a file.
func (r *fileReader) read(path string) error {
	f, err := r.reader.Read(path)
	if err != nil {
		return err
	}
	o := &r.o
	switch f.Verdict {
	case ntacl.Stale:
		o.Note = NoteStale
	case ntacl.Unverifiable:
		o.Note = NoteUnverified
	}
	if o.Form, o.SD = FormBinary, f.Descriptor; o.SD != nil {
		return nil
	}
	if r.files.opt.Required {
		return errRequired
	}
	plain := f.PosixACL == nil && f.Inherited == nil
	if o.SD = r.plain[f.Info]; o.SD != nil && plain {
		return nil
	}
	d, err := posix(f, r.files.opt.Accounts)
	if err != nil {
		return err
	}
	o.SD = d.AppendOriginal(nil)
	if plain {
		if len(r.plain) >= maxPlain {
			clear(r.plain)
		}
		r.plain[f.Info] = o.SD
	}
	return nil
}

var errRequired = errors.New("it has no attribute that counts, and its tree takes none from permissions")

// posix makes the descriptor of a file without the attribute.
func posix(f *ntacl.File, who ntacl.Accounts) (*sd.Descriptor, error) {
	if f.Info.Directory {
		return ntacl.PosixDirectory(f.Info, f.PosixACL, f.Inherited, who)
	}
	return ntacl.Posix(f.Info, f.PosixACL, who)
}
