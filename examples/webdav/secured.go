package secured

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/net/webdav"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// FS is a webdav.FileSystem that asks before it acts.
type FS struct {
	inner webdav.FileSystem // immutable

	mu          sync.Mutex
	descriptors map[string]*sd.Descriptor // by cleaned path; guarded by mu
}

// New guards a file system by descriptors, from paths such as "/" and "/a/b".
// A file without one cannot be used by anybody.
func New(inner webdav.FileSystem, descriptors map[string]*sd.Descriptor) *FS {
	f := &FS{inner: inner, descriptors: map[string]*sd.Descriptor{}}
	for name, d := range descriptors {
		f.descriptors[clean(name)] = d
	}
	return f
}

type tokenKey struct{}

// WithToken says for whom the request with this context is.
func WithToken(ctx context.Context, t *token.Token) context.Context {
	return context.WithValue(ctx, tokenKey{}, t)
}

var errNoUser = errors.New("secured: the context has no token: call WithToken before the handler")

func clean(name string) string { return path.Clean("/" + name) }

// ask decides one open of a name. f.mu is held.
func (f *FS) ask(ctx context.Context, name string, desired winnt.AccessMask, how fileaccess.Disposition,
	opt fileaccess.CreateOptions) (fileaccess.Decision, error) {
	t, _ := ctx.Value(tokenKey{}).(*token.Token)
	if t == nil {
		return fileaccess.Decision{}, errNoUser
	}
	facts, err := f.facts(ctx, name)
	if err != nil {
		return fileaccess.Decision{}, err
	}
	r := fileaccess.Request{Subject: access.SubjectOf(t), Desired: desired, Disposition: how, Options: opt,
		Share: fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete,
		Name:  strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", `\`)}
	d := fileaccess.Open(&r, facts)
	return d, refusal(name, d.Err())
}

// refusal is a decision's error in the words package webdav knows: it compares
// with os.IsNotExist and the like, which do not unwrap.
func refusal(name string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission} {
		if errors.Is(err, known) {
			return &fs.PathError{Op: "open", Path: name, Err: known}
		}
	}
	return &fs.PathError{Op: "open", Path: name, Err: err}
}

// facts looks a name up: the directories on the way, the one it is in, and
// what has the name. f.mu is held.
func (f *FS) facts(ctx context.Context, name string) (*fileaccess.Facts, error) {
	facts := &fileaccess.Facts{}
	if name != "/" {
		root, err := f.object(ctx, "/")
		if err != nil {
			return nil, err
		}
		facts.Parent = &fileaccess.Directory{Name: "/", Descriptor: root.Descriptor}
	}
	for i := 1; i < len(name); i++ {
		if name[i] != '/' {
			continue
		}
		o, err := f.object(ctx, name[:i])
		if err != nil {
			return nil, err
		}
		facts.Path = append(facts.Path, fileaccess.Component{Name: name[:i], Descriptor: o.Descriptor, Exists: o.Exists,
			IsDirectory: o.IsDirectory})
		facts.Parent = &fileaccess.Directory{Name: name[:i], Descriptor: o.Descriptor}
	}
	var err error
	facts.Object, err = f.object(ctx, name)
	return facts, err
}

// object returns the object of a name. A nil descriptor would grant everything, so that
// one which is missing has to be an error. f.mu is held.
func (f *FS) object(ctx context.Context, name string) (fileaccess.Object, error) {
	info, err := f.inner.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fileaccess.Object{}, nil
	}
	if err != nil {
		return fileaccess.Object{}, err
	}
	d := f.descriptors[name]
	if d == nil {
		return fileaccess.Object{}, &fs.PathError{Op: "descriptor of", Path: name, Err: fs.ErrPermission}
	}
	return fileaccess.Object{Exists: true, IsDirectory: info.IsDir(), Descriptor: d}, nil
}

// OpenFile implements webdav.FileSystem.
func (f *FS) OpenFile(ctx context.Context, name string, flag int, perm os.FileMode) (webdav.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = clean(name)
	desired, how := wanted(flag)
	d, err := f.ask(ctx, name, desired, how, 0)
	if err != nil {
		return nil, err
	}
	file, err := f.inner.OpenFile(ctx, name, flag, perm)
	if err != nil {
		return nil, err
	}
	if d.NewSD != nil {
		f.descriptors[name] = d.NewSD
	}
	return &listing{File: file, fs: f, ctx: ctx, name: name}, nil
}

// wanted returns what the flags of an open ask for.
func wanted(flag int) (winnt.AccessMask, fileaccess.Disposition) {
	desired := winnt.AccessMask(winnt.GENERIC_READ)
	switch flag & (os.O_WRONLY | os.O_RDWR) {
	case os.O_WRONLY:
		desired = winnt.GENERIC_WRITE
	case os.O_RDWR:
		desired = winnt.GENERIC_READ | winnt.GENERIC_WRITE
	}
	switch flag & (os.O_CREATE | os.O_EXCL | os.O_TRUNC) {
	case os.O_CREATE | os.O_EXCL, os.O_CREATE | os.O_EXCL | os.O_TRUNC:
		return desired, fileaccess.FileCreate
	case os.O_CREATE | os.O_TRUNC:
		return desired, fileaccess.FileOverwriteIf
	case os.O_CREATE:
		return desired, fileaccess.FileOpenIf
	case os.O_TRUNC:
		return desired, fileaccess.FileOverwrite
	}
	return desired, fileaccess.FileOpen
}

// Mkdir implements webdav.FileSystem.
func (f *FS) Mkdir(ctx context.Context, name string, perm os.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = clean(name)
	d, err := f.ask(ctx, name, winnt.FILE_READ_ATTRIBUTES, fileaccess.FileCreate, fileaccess.DirectoryFile)
	if err != nil {
		return err
	}
	if err := f.inner.Mkdir(ctx, name, perm); err != nil {
		return err
	}
	f.descriptors[name] = d.NewSD
	return nil
}

// Stat implements webdav.FileSystem.
func (f *FS) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = clean(name)
	if _, err := f.ask(ctx, name, winnt.FILE_READ_ATTRIBUTES, fileaccess.FileOpen, 0); err != nil {
		return nil, err
	}
	return f.inner.Stat(ctx, name)
}

// RemoveAll implements webdav.FileSystem. Everything below must be the user's
// to delete before anything goes.
func (f *FS) RemoveAll(ctx context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = clean(name)
	for _, n := range f.below(name) {
		if _, err := f.ask(ctx, n, winnt.DELETE, fileaccess.FileOpen, 0); err != nil {
			return err
		}
	}
	if err := f.inner.RemoveAll(ctx, name); err != nil {
		return err
	}
	for _, n := range f.below(name) {
		delete(f.descriptors, n)
	}
	return nil
}

// below lists a name and the names in it. f.mu is held.
func (f *FS) below(name string) []string {
	names := []string{name}
	for n := range f.descriptors {
		if n != name && strings.HasPrefix(n, strings.TrimSuffix(name, "/")+"/") {
			names = append(names, n)
		}
	}
	return names
}

// Rename implements webdav.FileSystem. A file takes its descriptor along.
func (f *FS) Rename(ctx context.Context, from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, to = clean(from), clean(to)
	handle, err := f.ask(ctx, from, winnt.DELETE, fileaccess.FileOpen, 0)
	if err != nil {
		return err
	}
	source, err := f.object(ctx, from)
	if err != nil {
		return err
	}
	target, err := f.facts(ctx, path.Dir(to))
	if err != nil {
		return err
	}
	m := fileaccess.Move{Subject: access.SubjectOf(ctx.Value(tokenKey{}).(*token.Token)), Granted: handle.Granted,
		Directory:     source.IsDirectory,
		SameDirectory: path.Dir(from) == path.Dir(to), SameName: from == to, Target: *target}
	if o, err := f.object(ctx, to); err != nil {
		return err
	} else if o.Exists {
		m.Existing = &fileaccess.Existing{IsDirectory: o.IsDirectory, Descriptor: o.Descriptor}
	}
	d := fileaccess.DecideRename(&m)
	if !d.Allowed() {
		return refusal(to, d.Err())
	}
	if d.Nothing {
		return nil
	}
	if err := f.inner.Rename(ctx, from, to); err != nil {
		return err
	}
	for _, n := range f.below(from) {
		f.descriptors[to+strings.TrimPrefix(n, from)] = f.descriptors[n]
		delete(f.descriptors, n)
	}
	return nil
}

func wrap(name string, err error) error {
	if err == nil || errors.Is(err, fs.ErrClosed) || errors.Is(err, io.EOF) {
		return err // io.EOF is compared, not unwrapped
	}
	return fmt.Errorf("listing %s: %w", name, err)
}
