// Package tree reads the security descriptors of files. It uses the attribute that Samba keeps, else builds a
// descriptor from mode and POSIX ACL. On request it also reads the search permissions of the folders on the way.
//
//	err := objects.All(ctx, tree.Files([]string{"/srv"}, tree.Options{Recurse: true}), domain, winnt.FileObject, f)
//
// A walk runs in its own goroutine; workers read the files of its batches.
package tree

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Options say how to read files. The zero value reads only the given paths and the attribute security.NTACL.
type Options struct {
	Recurse   bool
	Depth     int              // levels below a path that Recurse visits; 0: all
	Exclude   objects.Patterns // what Recurse does not visit
	Attribute string           // name of the attribute; "": security.NTACL
	// IgnoreSystemACLs uses attributes even if the POSIX permissions have changed since, like a server with "ignore
	// system acls".
	IgnoreSystemACLs bool
	Accounts         ntacl.Accounts // SIDs of ids, for files without the attribute; nil: S-1-22-1-uid and S-1-22-2-gid
	// Identify gives each file below a path that Recurse visits the number of its inode.
	Identify bool
	// Search gives each directory a descriptor of the host's search permission.
	Search bool
	// Way gives each object the search permissions of the folders on its way (B-20).
	Way bool
	// Required makes a missing or outdated attribute an error of the file.
	Required bool
	// Store gives each directory without the attribute a descriptor that may be stored: see [ntacl.PassedOn].
	Store bool
}

// files is the source of a walk. The walk finds files; workers read them.
type files struct {
	opt  Options
	tree osTree
	ways objects.Ways
	out  chan found
	stop chan struct{}
	halt sync.Once // closes stop
}

// found is a list of files for a worker to read.
type found struct {
	list  []ntacl.Found
	below *below       // root of the walk, which the walk and each batch that was sent hold; nil: files are read by path
	above *objects.Way // of below: the folders above it
	err   error        // why above is not known
}

// Files returns a source of files. Each descriptor comes from the extended attribute, else from mode and POSIX ACL. The
// walk starts at once, in a goroutine, and runs a few batches ahead; [objects.Halt] ends it. A path that is a link
// itself is followed. Below a walked path it follows no link and enters no other mount, even if they appear during the
// walk. Unreadable files, also missing paths, become objects with an error.
func Files(paths []string, opt Options) objects.Source {
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

// Next fills b with files that the walk has found, and blocks until there are some. It returns io.EOF at the end of
// the walk. An error of the walk is an object with that error.
func (f *files) Next(b *objects.Batch) error {
	found, ok := <-f.out
	if !ok {
		return io.EOF
	}
	r, ok := b.Content.(*fileReader)
	if !ok {
		r = &fileReader{}
		b.Content = r
	}
	r.take(f, found)
	return nil
}

// Halt ends the walk. Batches that it has sent can still be read. A second call does nothing.
func (f *files) Halt() { f.halt.Do(func() { close(f.stop) }) }

// walk walks all paths and sends the files it finds in batches. It closes f.out at the end, also when the walk was
// halted. It stops at the first path of a halted walk.
func (f *files) walk(paths []string) {
	defer close(f.out)
	w := walker{files: f}
	defer func() { w.found.below.release() }()
	for _, p := range paths {
		if !w.path(p) {
			return
		}
	}
	w.send()
}

// walker collects the files of a walk. Owned by its goroutine.
type walker struct {
	files *files
	found found
}

// path walks one path, and first sends the files of the path before. A root that cannot be opened becomes an object
// with an error. It returns false if the walk was halted. The root of the walk before is released.
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
		root.release()
		return false
	}
	w.found.below.release()
	w.found.below, w.found.above, w.found.err = root, nil, nil
	if root != nil && w.files.opt.Way {
		w.found.above, w.found.err = w.files.way(p)
	}
	if opt := &w.files.opt; opt.Depth > 0 || len(opt.Exclude) > 0 {
		tree = pruned{tree, p, opt.Depth, opt.Exclude}
	}
	recurse := w.files.opt.Recurse && (root != nil || !staysBelow)
	return ntacl.Walk(tree, p, recurse, w.add)
}

// add adds a file. It returns false if the walk was halted.
func (w *walker) add(x ntacl.Found) bool {
	w.found.list = append(w.found.list, x)
	return len(w.found.list) < objects.PerBatch || w.send()
}

// send passes the collected files to Next and starts an empty batch. It does nothing without files, and returns false
// if the walk was halted.
func (w *walker) send() bool {
	if len(w.found.list) == 0 {
		return true
	}
	w.found.below.hold()
	select {
	case w.files.out <- w.found:
		w.found.list = make([]ntacl.Found, 0, objects.PerBatch)
		return true
	case <-w.files.stop:
		w.found.below.release()
		return false
	}
}

// fileReader reads the files of a batch one after the other. It belongs to one goroutine.
type fileReader struct {
	files  *files
	found  found // to be read
	reader ntacl.Reader
	o      objects.Object
	plain  map[ntacl.Info][]byte   // descriptors of files without attribute and ACL
	root   *below                  // of ways
	ways   map[string]*objects.Way // by folder, relative to root
}

// maxPlain limits the cached descriptors of files without attribute and ACL.
const maxPlain = 1 << 12

// take prepares the reader for a new batch of files. It takes over the batch's hold on the root of the walk.
func (r *fileReader) take(f *files, found found) {
	r.Reset()
	if r.files != f {
		*r = fileReader{files: f, plain: map[ntacl.Info][]byte{},
			reader: ntacl.Reader{Attribute: f.opt.Attribute, IgnorePosix: f.opt.IgnoreSystemACLs}}
	}
	r.found = found
}

// Reset drops the files of the batch and releases their root. The caches stay.
func (r *fileReader) Reset() {
	r.found.below.release()
	r.found = found{}
}

// Len returns the number of files.
func (r *fileReader) Len() int { return len(r.found.list) }

// Each reads the security descriptor of each file in the batch and calls visit with it, until b is stopped. The
// object is valid only during the call. Its Err is set if the file, or a folder above it, could not be read; for a
// folder the file's own descriptor is not read.
func (r *fileReader) Each(b *objects.Batch, visit func(o *objects.Object)) {
	f := r.files
	r.reader.Tree = f.tree
	if r.found.below != nil {
		tree, done := r.found.below.tree()
		defer done()
		r.reader.Tree = tree
	}
	for i := range r.found.list {
		if b.Stop(0, 0) {
			return
		}
		x := &r.found.list[i]
		r.o = objects.Object{Path: append(r.o.Path[:0], x.Path...), Err: x.Err, Type: winnt.FileObject}
		if x.Directory {
			r.o.Type = winnt.DirectoryFileObject
		}
		if f.opt.Identify { // before the file is read, so that a later change is a new event
			r.o.Inode = inodeOf(r.reader.Tree, x.Path)
		}
		if f.opt.Search && x.Directory && x.Err == nil {
			r.o.Search = r.search(x.Path)
		}
		if f.opt.Way && x.Err == nil {
			r.o.Way, r.o.Err = r.way(&r.found, x.Path)
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

// search returns the descriptor that decides who may search a directory, in binary form. It returns nil if that
// cannot be read: no user has the permission then.
func (r *fileReader) search(path string) []byte {
	_, d, err := searchOf(r.reader.Tree, path, r.files.opt.Accounts)
	if err != nil {
		return nil
	}
	return d.AppendOriginal(nil)
}

// read stores the security descriptor of a file in r.o. A file without a descriptor gets one from its POSIX
// permissions, or errRequired if the options require the attribute. A stale or unverified attribute counts and sets a
// note.
func (r *fileReader) read(path string) error {
	f, err := r.reader.Read(path)
	if err != nil {
		return err
	}
	o := &r.o
	switch f.Verdict {
	case ntacl.Stale:
		o.Note = objects.NoteStale
	case ntacl.Unverifiable:
		o.Note = objects.NoteUnverified
	}
	if o.Form, o.SD = objects.FormBinary, f.Descriptor; o.SD != nil {
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
	if r.files.opt.Store && f.Info.Directory {
		d = ntacl.PassedOn(d, false)
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

var errRequired = errors.New("it has no valid attribute, and its tree does not derive one from permissions")

// posix returns the descriptor of a file without the attribute, from its mode and POSIX ACL. who may be nil.
func posix(f *ntacl.File, who ntacl.Accounts) (*sd.Descriptor, error) {
	if f.Info.Directory {
		return ntacl.PosixDirectory(f.Info, f.PosixACL, f.Inherited, who)
	}
	return ntacl.Posix(f.Info, f.PosixACL, who)
}
