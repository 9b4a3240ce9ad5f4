package objects

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/winnt"
)

// TreeOptions say how files are read. The zero value reads the paths alone, and
// the attribute security.NTACL.
type TreeOptions struct {
	Recurse   bool
	Attribute string // name of the attribute; "": security.NTACL
	// IgnoreSystemACLs takes attributes whose POSIX permissions have changed since
	// as they are: what a server does that is configured to.
	IgnoreSystemACLs bool
}

// files is the source of a walk over the file system: it finds files, and the
// workers read them.
type files struct {
	opt  TreeOptions
	tree osTree
	out  chan []ntacl.Found
	stop chan struct{}
}

// Files reads the descriptors of files: from the extended attribute where
// there is one, else made of mode and POSIX ACL. The walk runs ahead by a few
// batches.
func Files(paths []string, opt TreeOptions) Source {
	f := &files{opt: opt, out: make(chan []ntacl.Found, 4), stop: make(chan struct{})}
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

func (f *files) walk(paths []string) {
	defer close(f.out)
	batch := make([]ntacl.Found, 0, PerBatch)
	send := func() bool {
		select {
		case f.out <- batch:
			batch = make([]ntacl.Found, 0, PerBatch)
			return true
		case <-f.stop:
			return false
		}
	}
	for _, p := range paths {
		if !ntacl.Walk(f.tree, p, f.opt.Recurse, func(x ntacl.Found) bool {
			batch = append(batch, x)
			return len(batch) < PerBatch || send()
		}) {
			return
		}
	}
	if len(batch) > 0 {
		send()
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
	f, found := b.files, b.found
	if r.files != f {
		*r = fileReader{files: f, plain: map[ntacl.Info][]byte{},
			reader: ntacl.Reader{Tree: f.tree, Attribute: f.opt.Attribute, IgnorePosix: f.opt.IgnoreSystemACLs}}
	}
	for i := range found {
		if b.stop(0, 0) {
			return
		}
		x := &found[i]
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
	if o.SD = r.plain[f.Info]; o.SD != nil && f.PosixACL == nil {
		return nil
	}
	d, err := ntacl.Posix(f.Info, f.PosixACL, nil)
	if err != nil {
		return err
	}
	o.SD = d.AppendOriginal(nil)
	if f.PosixACL == nil {
		if len(r.plain) >= maxPlain {
			clear(r.plain)
		}
		r.plain[f.Info] = o.SD
	}
	return nil
}
