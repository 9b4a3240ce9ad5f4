package bulk

import (
	"io"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/winnt"
)

// files is the source of a walk over the file system.
type files struct {
	out  chan []Object
	stop chan struct{}
}

// Files reads the descriptors of files: from the extended attribute where
// there is one, else made of mode and POSIX ACL. With recurse everything below
// the paths is visited. The walk runs ahead by a few batches.
func Files(paths []string, recurse bool, attribute string) Source {
	f := &files{out: make(chan []Object, 4), stop: make(chan struct{})}
	go f.walk(paths, ntacl.Options{Recurse: recurse, Attribute: attribute})
	return f
}

func (f *files) next(b *portion) error {
	objects, ok := <-f.out
	if !ok {
		return io.EOF
	}
	b.objects = objects
	return nil
}

// halt ends the walk; what is under way may still be read.
func (f *files) halt() { close(f.stop) }

func (f *files) walk(paths []string, opt ntacl.Options) {
	defer close(f.out)
	objects := make([]Object, 0, rowsPerPortion)
	send := func() bool {
		select {
		case f.out <- objects:
			objects = make([]Object, 0, rowsPerPortion)
			return true
		case <-f.stop:
			return false
		}
	}
	for _, p := range paths {
		if !ntacl.Walk(osTree{}, p, opt, func(x ntacl.File) bool {
			objects = append(objects, objectOf(&x))
			return len(objects) < rowsPerPortion || send()
		}) {
			return
		}
	}
	if len(objects) > 0 {
		send()
	}
}

// objectOf makes an object of a file.
func objectOf(x *ntacl.File) Object {
	o := Object{Path: []byte(x.Path), err: x.Err, Type: winnt.FileObject}
	if x.Directory {
		o.Type = winnt.DirectoryFileObject
	}
	switch {
	case x.Err != nil:
	case x.Attribute != nil:
		o.sd, o.form = x.Attribute, formNTACL
	default:
		d, err := ntacl.Posix(x.Info, x.PosixACL, nil)
		if err != nil {
			o.err = err
			break
		}
		o.sd, o.form = d.Binary(), formBinary
	}
	return o
}

// osTree is the file system of this machine.
type osTree struct{}

func (osTree) Stat(path string) (ntacl.Info, error) {
	i, err := os.Stat(path)
	return infoOf(i, err)
}

func (osTree) Lstat(path string) (ntacl.Info, error) {
	i, err := os.Lstat(path)
	return infoOf(i, err)
}

func infoOf(i os.FileInfo, err error) (ntacl.Info, error) {
	if err != nil {
		return ntacl.Info{}, err
	}
	out := ntacl.Info{Name: i.Name(), Directory: i.IsDir(), Mode: uint32(i.Mode().Perm())}
	out.Other = !i.IsDir() && !i.Mode().IsRegular()
	out.UID, out.GID = owners(i)
	return out, nil
}

func (osTree) List(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (osTree) Join(path, name string) string { return filepath.Join(path, name) }

func (osTree) Attribute(path, name string) ([]byte, error) { return attribute(path, name) }
