package bulk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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

func (f *files) next(b *portion) error {
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
	batch := make([]ntacl.Found, 0, rowsPerPortion)
	send := func() bool {
		select {
		case f.out <- batch:
			batch = make([]ntacl.Found, 0, rowsPerPortion)
			return true
		case <-f.stop:
			return false
		}
	}
	for _, p := range paths {
		if !ntacl.Walk(f.tree, p, f.opt.Recurse, func(x ntacl.Found) bool {
			batch = append(batch, x)
			return len(batch) < rowsPerPortion || send()
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
func (r *fileReader) each(b *portion, visit func(o *Object)) {
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
		r.o = Object{Path: append(r.o.Path[:0], x.Path...), err: x.Err, Type: winnt.FileObject}
		if x.Directory {
			r.o.Type = winnt.DirectoryFileObject
		}
		if r.o.err == nil {
			r.o.err = r.read(x.Path)
		}
		var bad *os.PathError
		if errors.As(r.o.err, &bad) { // rows and messages have the path
			r.o.err = fmt.Errorf("%s: %w", bad.Op, bad.Err)
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
		o.note = NoteStale
	case ntacl.Unverifiable:
		o.note = NoteUnverified
	}
	if o.form, o.sd = formBinary, f.Descriptor; o.sd != nil {
		return nil
	}
	if o.sd = r.plain[f.Info]; o.sd != nil && f.PosixACL == nil {
		return nil
	}
	d, err := ntacl.Posix(f.Info, f.PosixACL, nil)
	if err != nil {
		return err
	}
	o.sd = d.AppendOriginal(nil)
	if f.PosixACL == nil {
		if len(r.plain) >= maxPlain {
			clear(r.plain)
		}
		r.plain[f.Info] = o.sd
	}
	return nil
}

// Note is something to know about an object that has an answer all the same.
// The zero value is nothing.
type Note uint8

// Notes.
const (
	_ Note = iota
	// NoteStale: the attribute's hash is not that of the POSIX permissions, which
	// the server, and the answer, use instead.
	NoteStale
	// NoteUnverified: the attribute's hash can be verified by the server only; the
	// answer is the attribute's.
	NoteUnverified
)

// String is the note as rows of JSON have it.
func (n Note) String() string {
	return [...]string{"", "hash mismatch: the POSIX permissions were changed behind the server and count instead of the attribute",
		"the attribute's hash can be verified by its server only"}[n%3]
}

// note counts the note of an object.
func (b *portion) note(o *Object) {
	if o.note == NoteStale && b.stale == "" {
		b.stale = string(o.Path)
	}
	b.notes[o.note]++
}

// osTree is the file system of this machine.
type osTree struct {
	follow map[string]bool // links that were given as roots; nil: none
}

// Stat tells about what a path leads to.
func (osTree) Stat(path string) (ntacl.Info, error) {
	i, err := os.Stat(path)
	return infoOf(i, err)
}

// Lstat tells about a file.
func (t osTree) Lstat(path string) (ntacl.Info, error) {
	if t.follow != nil && t.follow[path] {
		return t.Stat(path)
	}
	return lstat(path)
}

// List gives the children of a directory by name.
func (osTree) List(path string) ([]ntacl.Entry, error) {
	list, err := os.ReadDir(path)
	out := make([]ntacl.Entry, len(list))
	for i, e := range list {
		out[i] = ntacl.Entry{Name: e.Name(), Directory: e.IsDir(), Other: !e.IsDir() && !e.Type().IsRegular()}
	}
	return out, err
}

// Join is the path of a child.
func (osTree) Join(path, name string) string {
	if n := len(path); n > 0 && path[n-1] != filepath.Separator && name != "" {
		return path + string(filepath.Separator) + name
	}
	return filepath.Join(path, name)
}

// Attribute reads an extended attribute.
func (t osTree) Attribute(dst []byte, path, name string) ([]byte, error) {
	return attribute(dst, path, name, t.follow != nil && t.follow[path])
}

func infoOf(i os.FileInfo, err error) (ntacl.Info, error) {
	if err != nil {
		return ntacl.Info{}, err
	}
	out := ntacl.Info{Directory: i.IsDir(), Mode: uint32(i.Mode().Perm())}
	for bit, mode := range map[os.FileMode]uint32{os.ModeSetuid: 0o4000, os.ModeSetgid: 0o2000, os.ModeSticky: 0o1000} {
		if i.Mode()&bit != 0 {
			out.Mode |= mode
		}
	}
	out.Other = !i.IsDir() && !i.Mode().IsRegular()
	out.UID, out.GID = owners(i)
	return out, nil
}
